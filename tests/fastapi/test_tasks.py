"""JobTasks: sent in one step when the endpoint has succeeded, before its answer; wrong ones are refused at the call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from liquid_background import DuplicateJob, Engine, EnqueueError, LiquidBackgroundError, StoreUnavailable, TasksEnded
from liquid_background.fastapi import JobTasks, JobTasksDep, get_engine, job_tasks, lifespan
from liquid_background.testing import FakeJobs, fake_jobs
from tests.fastapi import shop


def _names(engine: Engine) -> list[str]:
    return sorted(job.source_name for job in engine.jobs.list())


def test_tasks_are_jobs_when_the_endpoint_has_succeeded(client: TestClient, stored: Engine) -> None:
    answer = client.get("/tasks", params={"file": "/x", "text": "now"})
    assert answer.status_code == 200
    note, later = sorted(stored.jobs.list(), key=lambda job: job.source_name)
    assert (note.source, note.parameters["kwargs"]) == ("tests.fastapi.shop:note", {"file": "/x", "text": "now"})
    assert (later.id, later.priority, later.max_attempts) == (answer.json()["id"], "high", 3)


@pytest.mark.parametrize(("query", "status"), [("end=raise", 500), ("end=404", 404)])
def test_an_endpoint_that_raises_sends_none(client: TestClient, stored: Engine, query: str, status: int) -> None:
    assert client.get(f"/tasks?{query}").status_code == status
    assert stored.jobs.list() == []


def test_an_answer_that_is_not_as_its_model_sends_none(client: TestClient, stored: Engine) -> None:
    assert client.get("/unlike").status_code == 500
    assert stored.jobs.list() == []


def test_endpoints_in_threads_and_dependencies_add_to_the_same_tasks(client: TestClient, stored: Engine) -> None:
    sent: list[int] = []
    real = shop.engine.jobs.send
    shop.engine.jobs.send = lambda jobs, entries=(): sent.append(len(jobs)) or real(jobs, entries)  # type: ignore
    assert client.get("/sync").status_code == client.get("/shared").status_code == 200
    assert _names(stored) == ["note", "note", "note"]
    assert sent == [1, 2]  # each request in one round trip


def test_tasks_of_a_socket_are_sent_at_its_end(client: TestClient, stored: Engine) -> None:
    with client.websocket_connect("/socket") as socket:
        first = socket.receive_json()
        assert [job.id for job in stored.jobs.list()] == [first]
        socket.send_text("seen")
    assert _names(stored) == ["note", "note"]


def test_tests_override_the_engine(client: TestClient, stored: Engine, overridden: Engine) -> None:
    with fake_jobs(overridden) as jobs:
        client.get("/tasks")
        assert len(jobs.enqueued) == 2
    assert stored.jobs.list() == []


@pytest.mark.usefixtures("overridden")
def test_a_store_that_is_away_is_told_before_the_answer(client: TestClient) -> None:
    away = Engine(redis_url="redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        asyncio.run(_sent(away))
    shop.app.dependency_overrides[get_engine] = lambda: away
    answer = client.get("/tasks")
    assert (answer.status_code, "127.0.0.1:1" in answer.text) == (503, True)  # by the application's own handler


async def _sent(engine: Engine) -> None:
    tasks = JobTasks(engine)
    tasks.add_task(shop.note, "x")
    await tasks.send()


class Customer: ...


def _within() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


WRONG: list[tuple[Callable[[JobTasks], object], str]] = [
    (lambda tasks: tasks.add_task(shop.unregistered, "x"), "unregistered is not registered: decorate it"),
    (lambda tasks: tasks.add_task(print, "x"), "print is not registered"),
    (lambda tasks: tasks.add_task(shop.note, Customer()), r"shop:note: argument 'file' is a Customer"),
    (lambda tasks: tasks.add_task(shop.note, "f", text={1}), r"shop:note: argument 'text' is a set"),
    (lambda tasks: tasks.add_task(shop.note), r"shop:note: missing a required argument: 'file'"),
    (lambda tasks: tasks.add_task(shop.note, "f", txt="a"), r"shop:note: got an unexpected keyword argument 'txt'"),
    (lambda tasks: tasks.options(delay=-1).add_task(shop.note, "f"), "delay is -1; it must be minutes from 0"),
    (lambda tasks: tasks.options(max_attempts=0).add_task(shop.note, "f"), "max_attempts is 0; it must be an integer"),
    (lambda tasks: tasks.options(priority="urgent").add_task(shop.note, "f"), "priority is 'urgent'; it must be 'low'"),
    (lambda tasks: tasks.options(id="a b").add_task(shop.note, "f"), "id is 'a b'; it must be 1 to 100"),
    (lambda tasks: tasks.options(dealy=1).add_task(shop.note, "f"), "unknown option 'dealy'"),  # type: ignore
    (lambda tasks: tasks.options(delay=1, start_at="2030-01-01T00:00Z").add_task(shop.note, "f"), "give one of them"),
    (lambda tasks: tasks.options(max_attempts=2, retries=1).add_task(shop.note, "f"), "give one of them"),
]


@pytest.mark.parametrize(("add", "says"), WRONG)
def test_what_cannot_be_a_job_is_told_at_the_call(add: Callable[[JobTasks], object], says: str) -> None:
    tasks = JobTasks(shop.engine)
    with pytest.raises(EnqueueError, match=says):
        add(tasks)


@pytest.fixture
def jobs() -> Any:
    with fake_jobs(shop.engine) as jobs:
        yield jobs


def test_options_are_those_of_enqueue_and_of_the_tag(jobs: FakeJobs) -> None:
    tasks = JobTasks(shop.engine)
    slow = tasks.options(priority="low", delay=2.5)
    slow.add_task(shop.note, "a")
    slow.options(id="one", max_attempts=1, source_name="mail").add_task(shop.note, "b")
    tasks.add_task(shop.note_later, "c")
    asyncio.run(tasks.send())
    first, second, third = jobs.enqueued
    assert (first.priority, first.delay, first.max_attempts) == ("low", 2.5, 7)
    assert (second.priority, second.delay, second.max_attempts) == ("low", 2.5, 1)
    assert (second.id, second.source_name) == ("one", "mail")
    assert (third.priority, third.delay, third.max_attempts) == ("default", 0, 3)


def test_what_was_sent_is_not_sent_again(jobs: FakeJobs) -> None:
    tasks = JobTasks(shop.engine)
    tasks.add_task(shop.note, "a")
    for _ in range(2):
        asyncio.run(tasks.send())
    assert len(jobs.enqueued) == 1


def test_an_id_that_is_taken_is_told_and_the_others_are_sent(jobs: FakeJobs) -> None:
    shop.engine.enqueue("note", {"file": "first"}, id="one")
    tasks = JobTasks(shop.engine)
    tasks.options(id="one", on_duplicate="ignore").add_task(shop.note, "second")
    asyncio.run(tasks.send())
    tasks.options(id="one").add_task(shop.note, "third")
    tasks.options(id="two").add_task(shop.note, "fourth")
    with pytest.raises(DuplicateJob, match="'one' is there already"):
        asyncio.run(tasks.send())
    assert [job.parameters["kwargs"]["file"] for job in jobs.enqueued] == ["first", "fourth"]


def test_send_when_says_when(jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, waiting = Engine(job_store=shop.engine.job_store), []
    engine.send_when(waiting.append)
    tasks = JobTasks(engine)
    tasks.add_task(shop.note, "a")
    asyncio.run(tasks.send())
    assert jobs.enqueued == []
    waiting.pop()()
    assert len(jobs.enqueued) == 1


def test_starlette_alone_sends_behind_its_answer_or_before(jobs: FakeJobs) -> None:
    async def behind(request: Request) -> Response:
        tasks = JobTasks(shop.engine)
        tasks.add_task(shop.note, "behind")
        return Response("", background=BackgroundTask(tasks.send))

    async def before(request: Request) -> Response:
        tasks = JobTasks(shop.engine)
        tasks.add_task(shop.note, "before")
        await tasks.send()
        return Response("")

    app = Starlette(routes=[Route("/behind", behind), Route("/before", before)], lifespan=lifespan(shop.engine))
    with TestClient(app) as client:
        assert client.get("/behind").status_code == client.get("/before").status_code == 200
    assert [job.parameters["kwargs"]["file"] for job in jobs.enqueued] == ["behind", "before"]


def test_options_that_there_are_not_are_told_with_all_that_there_are() -> None:
    with pytest.raises(
        EnqueueError, match=r"unknown option 'foo': options are delay, id, max_attempts, on_duplicate, "
    ):
        JobTasks(shop.engine).options(foo=1)  # type: ignore[call-arg]
    with pytest.raises(EnqueueError, match=r"unknown option 'delay_': did you mean 'delay'\?"):
        JobTasks(shop.engine).options(delay_=1)  # type: ignore[call-arg]


def test_a_store_that_hangs_lets_many_wait_for_it_at_once(jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(40)
    monkeypatch.setattr(shop.engine, "dispatch_each", lambda *_: together.wait(20))

    async def send() -> None:
        await asyncio.gather(*(_sent(shop.engine) for _ in range(40)))

    asyncio.run(send())  # a barrier that is not reached is broken, and raises


def _late() -> FastAPI:
    app = FastAPI(lifespan=lifespan(shop.engine))

    @app.get("/stream")
    async def stream(tasks: JobTasksDep) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            yield "text"
            tasks.options(priority="low").add_task(shop.note, "late")

        return StreamingResponse(body())

    @app.get("/background")
    async def background(tasks: JobTasksDep, after: BackgroundTasks) -> None:
        after.add_task(lambda: tasks.add_task(shop.note, "late"))

    return app


@pytest.mark.parametrize("way", ["stream", "background"])
def test_a_task_that_comes_after_the_others_were_sent_is_told(jobs: FakeJobs, way: str) -> None:
    assert issubclass(TasksEnded, RuntimeError)
    assert issubclass(TasksEnded, LiquidBackgroundError)
    with TestClient(_late()) as client, pytest.raises(TasksEnded, match=r"add_task\(note\) comes too late: .*await"):
        client.get(f"/{way}")
    assert jobs.enqueued == []


def test_a_task_that_comes_after_a_failure_is_told(jobs: FakeJobs) -> None:
    kept: list[JobTasks] = []

    async def fail() -> None:
        running = job_tasks(shop.engine)
        kept.append(await anext(running))
        await running.athrow(LookupError())

    with pytest.raises(LookupError):
        asyncio.run(fail())
    with pytest.raises(TasksEnded):
        kept[0].add_task(shop.note, "late")


@pytest.fixture
def chatting(jobs: FakeJobs) -> Iterator[TestClient]:
    app = FastAPI(lifespan=lifespan(shop.engine))

    @app.websocket("/chat")
    async def chat(websocket: WebSocket, tasks: JobTasksDep) -> None:
        await websocket.accept()
        while True:
            said = await websocket.receive_text()
            tasks.add_task(shop.note, said)
            if said == "now":
                await tasks.send()
                await websocket.send_text("sent")
            if said == "raise":
                raise LookupError

    @app.websocket("/group")
    async def group(websocket: WebSocket, tasks: JobTasksDep) -> None:
        async with asyncio.TaskGroup() as tasks_of_it:
            tasks_of_it.create_task(chat(websocket, tasks))

    with TestClient(app) as client:
        yield client


def _say(client: TestClient, *texts: str, path: str = "/chat") -> None:
    with client.websocket_connect(path) as socket:
        for text in texts:
            socket.send_text(text)
            if text == "now":
                socket.receive_text()


def test_what_a_socket_has_added_is_sent_when_its_client_leaves(chatting: TestClient, jobs: FakeJobs) -> None:
    with pytest.raises(WebSocketDisconnect):
        _say(chatting, "now", "a", "b")
    assert [job.parameters["kwargs"]["file"] for job in jobs.enqueued] == ["now", "a", "b"]


def test_a_client_may_leave_a_task_group(chatting: TestClient, jobs: FakeJobs) -> None:
    with pytest.raises(ExceptionGroup):
        _say(chatting, "a", path="/group")
    assert len(jobs.enqueued) == 1


def test_what_a_socket_has_added_is_not_sent_when_it_fails(chatting: TestClient, jobs: FakeJobs) -> None:
    with pytest.raises(LookupError):
        _say(chatting, "a", "raise")
    with pytest.raises(ExceptionGroup):
        _say(chatting, "a", "raise", path="/group")
    assert jobs.enqueued == []
