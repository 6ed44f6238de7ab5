"""L5: a store that accepts and says nothing holds nobody up for longer than STORE_TIMEOUT, however many wait."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol

import pytest

from liquid_background import Engine, SettingsError, StoreUnavailable, background
from liquid_background.job import Job
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.jobs.store import embedded
from liquid_background.settings import load_settings

PAGE = "{% background source_name: 'mail' %}hi{% endbackground %}sent"
TIMEOUT = 0.5
SOON = 2 * TIMEOUT + 3.0  # with what a busy machine takes
MANY = 400  # tasks: many times the threads of an engine, which take 6 s one after the other

Start = Callable[..., Any]


@background
def nothing() -> None:
    pass


class MakeEngine(Protocol):
    def __call__(self, url: str | None, **settings: Any) -> Engine: ...


@pytest.fixture
def make_engine() -> Iterator[MakeEngine]:
    made: list[Engine] = []

    def make(url: str | None, **settings: Any) -> Engine:
        made.append(Engine(redis_url=url, **{"store_timeout": TIMEOUT, **settings}))
        return made[-1]

    yield make
    for engine in made:
        with suppress(StoreUnavailable):
            engine.store.close()


@dataclass
class Hole:
    """A port that takes connections, as its kernel does, and never says a word."""

    listening: socket.socket
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listening.getsockname()[1]}/0"

    def count(self) -> int:
        """Return how many have connected so far."""
        self.listening.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self.connections.append(self.listening.accept()[0])
        return len(self.connections)


@pytest.fixture
def hole() -> Iterator[Hole]:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=2048)) as listening:
        made = Hole(listening)
        yield made
        for each in made.connections:
            each.close()


@pytest.fixture
def dropping() -> Iterator[str]:
    """The URL of a port that drops packets: as many connections wait there as may."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as full, ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        yield f"redis://127.0.0.1:{full.getsockname()[1]}/0"


@pytest.fixture(params=["hole", "dropping", "TLS at a plain port"])
def silent(request: pytest.FixtureRequest) -> str:
    """The URL of a store that has never said anything."""
    if request.param == "hole":
        return str(request.getfixturevalue("hole").url)
    if request.param == "dropping":
        return str(request.getfixturevalue("dropping"))
    return str(request.getfixturevalue("start_server")().url.replace("redis:", "rediss:"))


class Stopped:
    """An engine whose store was up and stands still."""

    def __init__(self, server: Any, engine: Engine) -> None:
        self.process = server.process
        self.engine = engine
        engine.render_string(PAGE)
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def stopped(start_server: Start, make_engine: MakeEngine) -> Iterator[Stopped]:
    server = start_server()
    made = Stopped(server, make_engine(server.url))
    yield made
    made.go_on()


def _errors(ended: list[object]) -> list[StoreUnavailable]:
    assert all(isinstance(each, StoreUnavailable) and each.silent for each in ended), ended
    return [each for each in ended if isinstance(each, StoreUnavailable)]


def _in_threads(number: int, function: Callable[[], object]) -> tuple[list[object], float]:
    """Return how so many calls ended that began at once, and the seconds until the last one did."""
    ended: list[object] = []

    def call() -> None:
        try:
            ended.append(function())
        except Exception as error:  # noqa: BLE001  that is what is looked at
            ended.append(error)

    threads = [Thread(target=call) for _ in range(number)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended, time.monotonic() - began


def _in_tasks(number: int, function: Callable[[int], Awaitable[object]]) -> tuple[list[object], float]:
    async def all_of_them() -> list[object]:
        return list(await asyncio.gather(*(function(each) for each in range(number)), return_exceptions=True))

    began = time.monotonic()
    return asyncio.run(all_of_them()), time.monotonic() - began


def test_threads_on_an_unused_engine(silent: str, make_engine: MakeEngine) -> None:
    engine = make_engine(silent)
    ended, seconds = _in_threads(20, lambda: engine.render_string(PAGE))
    assert seconds < SOON
    assert not any(error.maybe_done for error in _errors(ended))


def test_tasks_on_an_unused_engine(silent: str, make_engine: MakeEngine) -> None:
    engine = make_engine(silent)
    page = engine.environment.from_string(PAGE)
    ended, seconds = _in_tasks(MANY, lambda _: engine.render_async(page))
    assert seconds < SOON
    assert len(_errors(ended)) == MANY
    assert not any(error.maybe_done for error in _errors(ended))


def test_one_connection_is_tried_and_the_next_call_tries_another(hole: Hole, make_engine: MakeEngine) -> None:
    engine = make_engine(hole.url)
    errors = _errors(_in_threads(20, lambda: engine.jobs)[0])
    assert len(errors) == 20
    assert len({id(error) for error in errors}) == 20  # each its own, with its own traceback
    assert hole.count() == 1
    with pytest.raises(StoreUnavailable):
        engine.render_string(PAGE)
    assert hole.count() == 2


def test_another_engine_goes_on(hole: Hole, make_engine: MakeEngine, start_server: Start) -> None:
    engine, well = make_engine(hole.url, store_timeout=3), make_engine(start_server().url)
    rendering = [Thread(target=_in_threads, args=(1, lambda: engine.render_string(PAGE))) for _ in range(20)]
    for thread in rendering:
        thread.start()
    began = time.monotonic()
    assert well.render_string(PAGE) == "sent"
    assert well.function_queue.list_jobs_sync() == []
    assert time.monotonic() - began < 2
    assert any(thread.is_alive() for thread in rendering)
    for thread in rendering:
        thread.join()


def test_threads_of_the_event_loop_and_tasks_of_other_engines_go_on(
    hole: Hole, make_engine: MakeEngine, start_server: Start
) -> None:
    engine, well = make_engine(hole.url, store_timeout=3), make_engine(start_server().url)
    page, other = engine.environment.from_string(PAGE), well.environment.from_string(PAGE)

    async def others() -> float:
        waiting = [asyncio.create_task(engine.render_async(page)) for _ in range(100)]
        waiting += [asyncio.create_task(engine.function_queue.get_result("x")) for _ in range(100)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await asyncio.to_thread(time.sleep, 0)
        assert await well.render_async(other) == "sent"
        took = time.monotonic() - began
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        return took

    assert asyncio.run(others()) < 2


def test_threads_at_a_store_that_fell_silent(stopped: Stopped) -> None:
    ended, seconds = _in_threads(20, lambda: stopped.engine.render_string(PAGE))
    assert seconds < SOON
    # What went out over the connection that was up may be done; the others had none.
    assert [error.maybe_done for error in _errors(ended)].count(True) == 1


def test_pages_that_log_wait_once(start_server: Start, make_engine: MakeEngine) -> None:
    server = start_server()
    stopped = Stopped(server, make_engine(server.url, store_timeout=3))
    page = stopped.engine.environment.from_string(f"{{% log 'a line' %}}{PAGE}")
    ended, seconds = _in_threads(1, page.render)
    assert seconds < 5.5
    assert _errors(ended)
    ended, seconds = _in_threads(1, lambda: asyncio.run(page.render_async()))
    assert seconds < 5.5
    assert _errors(ended)
    stopped.go_on()


def test_what_no_thread_took_up_was_not_sent(stopped: Stopped) -> None:
    engine = stopped.engine
    ended, seconds = _in_tasks(MANY, lambda number: engine.enqueue_async(nothing, id=f"n{number}"))
    assert seconds < SOON
    perhaps = {f"n{number}" for number, error in enumerate(_errors(ended)) if error.maybe_done}
    assert len(perhaps) < 33
    stopped.go_on()
    last = engine.enqueue(nothing)
    found = {job.id for job in engine.jobs.list(limit=2 * MANY)} - {last.id}
    assert {id for id in found if id.startswith("n")} <= perhaps


ASKED: dict[str, Callable[[Engine], object]] = {
    "list": lambda engine: engine.jobs.list(),
    "get": lambda engine: engine.jobs.get("x"),
    "retry": lambda engine: engine.jobs.retry("x"),
    "cancel": lambda engine: engine.jobs.cancel("x"),
    "counts": lambda engine: engine.jobs.counts(),
    "entries": lambda engine: engine.log.entries(),
    "enqueue": lambda engine: engine.enqueue(nothing),
    "enqueue_many": lambda engine: engine.enqueue_many(nothing, [{}] * 3),
    "list_jobs": lambda engine: engine.function_queue.list_jobs_sync(),
}


@pytest.mark.parametrize("asked", ASKED)
def test_questions_and_enqueueing(stopped: Stopped, hole: Hole, make_engine: MakeEngine, asked: str) -> None:
    for engine in (stopped.engine, make_engine(hole.url)):
        ended, seconds = _in_threads(10, lambda engine=engine: ASKED[asked](engine))  # type: ignore[misc]
        assert seconds < SOON
        assert len(_errors(ended)) == 10


WAITED: dict[str, Callable[[Engine], Awaitable[object]]] = {
    "enqueue_async": lambda engine: engine.enqueue_async(nothing),
    "enqueue_many_async": lambda engine: engine.enqueue_many_async(nothing, [{}] * 3),
    "enqueue": lambda engine: engine.function_queue.enqueue("x", nothing, (), {}),
    "get_result": lambda engine: engine.function_queue.get_result("x"),
    "cancel": lambda engine: engine.function_queue.cancel("x"),
    "list_jobs": lambda engine: engine.function_queue.list_jobs(),
}


@pytest.mark.parametrize("waited", WAITED)
@pytest.mark.parametrize("signed", [False, True])
def test_tasks_that_ask(start_server: Start, make_engine: MakeEngine, waited: str, signed: bool) -> None:
    server = start_server()
    engine = make_engine(server.url, signing_key="a key of some length" if signed else None)
    assert engine.jobs.list() == []
    server.process.send_signal(signal.SIGSTOP)
    ended, seconds = _in_tasks(MANY, lambda _: WAITED[waited](engine))
    assert seconds < SOON
    assert len(_errors(ended)) == MANY


def test_handles_that_are_waited_for(stopped: Stopped) -> None:
    stopped.go_on()
    handle = stopped.engine.enqueue(nothing)
    stopped.process.send_signal(signal.SIGSTOP)
    ended, seconds = _in_tasks(MANY, lambda _: handle.result_async(timeout=60))
    assert seconds < SOON
    assert len(_errors(ended)) == MANY
    ended, seconds = _in_tasks(MANY, lambda _: handle.cancel_async())
    assert seconds < SOON


def test_actions_of_pages_that_ask(stopped: Stopped) -> None:
    engine = stopped.engine

    @engine.action
    def asks() -> int:
        return len(engine.jobs.list())

    page = engine.environment.from_string("{% action 'asks' %}")
    ended, seconds = _in_tasks(60, lambda _: engine.render_async(page))
    assert seconds < SOON
    assert not any(isinstance(each, str) for each in ended)


def test_the_next_page_works_when_the_store_goes_on(stopped: Stopped) -> None:
    engine = stopped.engine
    page = engine.environment.from_string(PAGE)
    _in_threads(20, lambda: engine.render_string(PAGE))
    _in_tasks(MANY, lambda _: engine.render_async(page))
    stopped.go_on()
    assert engine.render_string(PAGE) == "sent"
    ended, _ = _in_tasks(MANY, lambda _: engine.render_async(page))
    assert ended == ["sent"] * MANY


def test_a_first_page_works_once_there_is_a_store(hole: Hole, make_engine: MakeEngine, start_server: Start) -> None:
    engine = make_engine(hole.url)
    _errors(_in_threads(20, lambda: engine.render_string(PAGE))[0])
    port = hole.listening.getsockname()[1]
    hole.listening.close()
    start_server(port=port)
    assert engine.render_string(PAGE) == "sent"


def test_tasks_that_are_cancelled_leave_connections_as_they_were(stopped: Stopped) -> None:
    engine = stopped.engine
    page = engine.environment.from_string(PAGE)

    async def hung_up() -> None:
        tasks = [asyncio.create_task(engine.render_async(page)) for _ in range(100)]
        await asyncio.sleep(TIMEOUT / 4)
        for task in tasks:
            task.cancel()
        stopped.go_on()
        assert await asyncio.gather(*(engine.render_async(page) for _ in range(100))) == ["sent"] * 100
        assert all(task.cancelled() for task in tasks)

    asyncio.run(hung_up())
    before = len(engine.jobs.list(limit=1000))
    assert 101 <= before <= 201  # of those that were cancelled some were on their way
    for number in range(20):
        engine.render_string("{% background source_name: 'n', n: n %}x{% endbackground %}", {"n": number})
    found = [job.parameters["n"] for job in engine.jobs.list(source_name="n")]
    assert sorted(found) == list(range(20))


def test_packets_dropped_at_each_address_of_a_host_count_once(
    dropping: str, make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(dropping.removesuffix("/0").rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))] * 8
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    ended, seconds = _in_threads(5, lambda: make_engine(dropping).render_string(PAGE))
    assert seconds < SOON
    assert len(_errors(ended)) == 5


def test_names_that_are_looked_up_for_ever(make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told.wait(60) and [])
    engine = make_engine("redis://store.example/0")
    ended, seconds = _in_threads(5, lambda: engine.render_string(PAGE))
    told.set()
    assert seconds < SOON
    assert len(_errors(ended)) == 5


def test_an_embedded_store_that_stands_still(store_dir: Path, make_engine: MakeEngine) -> None:
    engine = make_engine(None, data_dir=store_dir)
    assert engine.render_string(PAGE) == "sent"
    server = embedded.status(store_dir).pid
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    try:
        for each in (engine, make_engine(None, data_dir=store_dir)):
            ended, seconds = _in_threads(20, lambda each=each: each.render_string(PAGE))  # type: ignore[misc]
            assert seconds < SOON + TIMEOUT
            assert len(_errors(ended)) == 20
    finally:
        os.kill(server, signal.SIGCONT)
    assert engine.render_string(PAGE) == "sent"


def test_an_embedded_store_has_its_time_to_start(store_dir: Path, make_engine: MakeEngine) -> None:
    engine = make_engine(None, data_dir=store_dir, store_timeout=0.1)
    assert [each for each in _in_threads(5, engine.environment.from_string(PAGE).render)[0] if each != "sent"] == []


def test_a_process_that_is_forked_while_another_waits_tries_by_itself(
    stopped: Stopped, hole: Hole, make_engine: MakeEngine
) -> None:
    engine, other = stopped.engine, make_engine(hole.url, store_timeout=3)
    page = engine.environment.from_string(PAGE)
    _in_tasks(10, lambda _: engine.render_async(page))  # it has threads now
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_in_threads, 3, lambda: other.render_string(PAGE))
        while not hole.count():
            time.sleep(0.01)
        stopped.go_on()
        child = _forked(lambda: _child(engine, other, hole))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _child(engine: Engine, other: Engine, hole: Hole) -> None:
    signal.alarm(20)
    page = engine.environment.from_string(PAGE)
    assert _in_tasks(10, lambda _: engine.render_async(page))[0] == ["sent"] * 10
    assert engine.render_string(PAGE) == "sent"
    Thread(target=other.render_string, args=(PAGE,), daemon=True).start()
    before = hole.count()
    while hole.count() == before:
        time.sleep(0.01)


def _forked(function: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        function()
        os._exit(0)
    finally:
        os._exit(1)


def test_following_the_log_blocks_for_longer(start_server: Start, make_engine: MakeEngine) -> None:
    engine = make_engine(start_server().url, store_timeout=0.1)
    engine.render_string("{% log 'first' %}")
    entries = engine.log.follow()
    Thread(target=lambda: (time.sleep(2), engine.render_string("{% log 'second' %}"))).start()
    began = time.monotonic()
    assert next(entries).message == "second"
    assert time.monotonic() - began > 1


def test_a_job_waits_for_the_store_as_its_worker_does(stopped: Stopped) -> None:
    engine = stopped.engine
    engine.environment.add_filter("asks", lambda _: len(engine.jobs.list()))
    job = Job(source_name="asks", template="pages/x", line=1, source="{{ 1 | asks }}")
    Thread(target=lambda: (time.sleep(3 * TIMEOUT), stopped.go_on())).start()
    outcome = engine.perform(job.id, decode_payload(encode_data(job)), 1, 1)
    assert (outcome.error, outcome.result) == (None, "1")


@pytest.mark.parametrize("seconds", [0, 0.05, -1, 301, "soon", "nan", "inf"])
def test_the_setting_has_bounds(seconds: object) -> None:
    with pytest.raises(SettingsError, match="setting store_timeout"):
        load_settings(store_timeout=seconds)
