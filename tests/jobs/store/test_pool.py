"""The pool of a store's client, on real servers that take no more connections, close some, or are named by nobody."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from time import monotonic
from typing import Any

import pytest
import redis

from benchmarks.sentinels import Sentinels
from liquid_background import Engine
from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store, connect, translated_errors
from liquid_background.jobs.store.asked import asked
from liquid_background.settings import load_settings

Start = Callable[..., Any]
PAGE = "{% background source_name: 'made' %}{% endbackground %}"
BURST = 12


@pytest.fixture
def server(start_server: Start) -> Any:
    return start_server()


@pytest.fixture
def store(server: Any) -> Iterator[Store]:
    made = connect(load_settings(redis_url=server.url))
    yield made
    made.close()


def _at_once(threads: int, what: Callable[[], object]) -> list[StoreUnavailable]:
    """Return what of it failed."""
    failed = []
    begin = threading.Barrier(threads)

    def one() -> None:
        begin.wait()
        try:
            what()
        except StoreUnavailable as error:
            failed.append(error)

    started = [threading.Thread(target=one) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return failed


def _clients(url: str) -> int:
    with closing(redis.Redis.from_url(url)) as client:
        return len(client.client_list()) - 1


def _hold(store: Store, count: int) -> list[Any]:
    pool: Any = store.client.connection_pool
    return [pool.get_connection() for _ in range(count)]


def _release(store: Store, connections: list[Any]) -> None:
    for connection in connections:
        store.client.connection_pool.release(connection)


def test_pages_go_on_after_a_burst_that_the_server_had_no_room_for(start_server: Start) -> None:
    server = start_server("--maxclients", "4")
    engine = Engine(redis_url=server.url)
    engine.render_string(PAGE)
    pool: Any = engine.store.client.connection_pool
    held = _hold(engine.store, 4)
    with pytest.raises(StoreUnavailable, match="max number of clients"):
        engine.render_string(PAGE)
    _release(engine.store, held)
    for _ in range(5):
        assert _at_once(BURST, lambda: engine.render_string(PAGE)) == []
        for _ in range(10):
            engine.render_string(PAGE)
    assert len(Queue(engine.store, engine.settings).list(limit=1000)) == 1 + 5 * (BURST + 10)
    assert len(pool._available_connections) <= 4, "no connection is kept that could not be made"
    engine.store.close()


@pytest.mark.parametrize(("how", "bursts"), [("killed", 10), ("standing still", 1)])
def test_pages_go_on_while_no_sentinel_answers(
    start_sentinels: Callable[..., Sentinels], how: str, bursts: int
) -> None:
    group = start_sentinels()
    engine = Engine(redis_url=group.url)
    engine.render_string(PAGE)
    held = _hold(engine.store, 1)
    for port in group.sentinel_ports:
        (group.kill if how == "killed" else group.stand_still)(port)
    with pytest.raises(StoreUnavailable, match="no Sentinel names its primary"):
        engine.render_string(PAGE)
    assert _at_once(3, lambda: engine.render_string(PAGE))
    _release(engine.store, held)
    engine.render_string(PAGE)  # the Sentinels are asked once more whether the primary is another server
    began = monotonic()
    for _ in range(20):
        engine.render_string(PAGE)
    assert monotonic() - began < 2.0
    for _ in range(bursts):
        failed = _at_once(BURST, lambda: engine.render_string(PAGE))
        assert failed == [] or how == "standing still"
        for _ in range(5):
            engine.render_string(PAGE)
    if how != "killed":
        for port in group.sentinel_ports:
            group.go_on(port)
    engine.store.close()


def test_nothing_is_waited_for_where_no_connection_is_left(start_server: Start) -> None:
    server = start_server()
    engine = Engine(redis_url=server.url)
    engine.render_string(PAGE)
    held = _hold(engine.store, 3)
    server.kill()
    for connection in held:
        connection.disconnect()
    began = monotonic()
    assert len(_at_once(BURST, lambda: engine.render_string(PAGE))) == BURST
    assert monotonic() - began < 1.0
    _release(engine.store, held)
    engine.store.close()


def _by_script(store: Store) -> object:
    return Queue(store, load_settings(redis_url=store.url)).list()


def _by_client(store: Store) -> object:
    with translated_errors(store.url):
        return store.client.ping()


def _by_pipeline(store: Store) -> object:
    with translated_errors(store.url):
        return store.client.pipeline(transaction=False).ping().execute()


def _by_asking(store: Store) -> object:
    with asked(store) as connection:
        return connection.ask(("PING",))


def _by_time(store: Store) -> object:
    return store.time(0.0)


WAYS = {
    "a script": _by_script,
    "a command": _by_client,
    "a pipeline": _by_pipeline,
    "asking": _by_asking,
    "its time": _by_time,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_connected_is_used_before_what_the_server_closed(start_server: Start, way: str) -> None:
    """And no connection is made for it: here there is no room for one."""
    server = start_server("--maxclients", "3")
    store = connect(load_settings(redis_url=server.url))
    held = _hold(store, 3)
    for connection in held:
        connection.send_command("CLIENT", "ID")
    numbers = [connection.read_response() for connection in held]
    first, *others = held
    _release(store, held)  # the last one is the next to be used
    with closing(redis.Redis.from_url(server.url)) as client, ExitStack() as stack:
        # Asked of the store itself, whose own connection is the one to be kept.
        first.send_command("CLIENT", "KILL", "ID", numbers[1])
        assert first.read_response() == 1
        first.send_command("CLIENT", "KILL", "ID", numbers[2])
        assert first.read_response() == 1
        for _ in range(2):
            stack.enter_context(closing(redis.Redis.from_url(server.url))).ping()
        with pytest.raises(redis.ConnectionError, match="max number of clients"):
            client.ping()
        WAYS[way](store)
    assert not any(connection.is_open for connection in others)
    store.close()


def test_a_connection_with_a_reply_that_nobody_read_is_not_used(store: Store) -> None:
    [connection] = _hold(store, 1)
    connection.send_command("ECHO", "another's")
    while not connection.can_read(timeout=1):
        pass
    _release(store, [connection])
    assert store.client.ping() is True
    assert not connection.is_open


def test_what_a_burst_left_behind_is_closed(store: Store, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liquid_background.jobs.store.pool._UNUSED", 0.0)
    held = _hold(store, BURST)
    assert _clients(server.url) == BURST
    monkeypatch.setattr("liquid_background.jobs.store.pool._UNUSED", 3600.0)
    _release(store, held)
    for _ in range(2 * BURST):
        store.client.ping()
    assert _clients(server.url) == BURST
    monkeypatch.setattr("liquid_background.jobs.store.pool._UNUSED", 0.0)
    for _ in range(BURST):
        store.client.ping()
    assert _clients(server.url) == 1, "one is left, which is used all the time"


def test_as_many_connections_as_threads(store: Store, server: Any) -> None:
    """redis-py 8 would make 100, and refuse the rest."""
    held = _hold(store, 130)
    assert _clients(server.url) == 130
    _release(store, held)
    assert len({id(each) for each in _hold(store, 130)} & {id(each) for each in held}) == 130


def test_threads_share_no_connection(store: Store) -> None:
    pool: Any = store.client.connection_pool
    wrong: list[object] = []

    def one() -> None:
        for number in range(200):
            connection = pool.get_connection()
            if number % 20 == 7:
                connection.disconnect()
            else:
                word = f"{threading.get_ident()} {number}".encode()
                connection.send_command("ECHO", word)
                if connection.read_response() != word:
                    wrong.append(word)
            pool.release(connection)

    assert _at_once(8, one) == []
    assert wrong == []
    assert len(pool._in_use_connections) == 0
    assert all(connection.is_open for connection in pool._available_connections)
    assert len(pool._available_connections) <= 8


def test_a_forked_process_uses_none_of_its_parents(store: Store) -> None:
    held = _hold(store, 3)
    _release(store, held[1:])
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        pool: Any = store.client.connection_pool
        pool.release(held[0])  # as one that was in use in the parent may be
        mine = [pool.get_connection() for _ in range(3)]
        fine = store.client.ping() and not {id(each) for each in mine} & {id(each) for each in held}
        os.write(writer, b"fine" if fine else b"shared")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 10) == b"fine"
    _release(store, held[:1])
    for connection in held:
        connection.send_command("ECHO", "mine")
        assert connection.read_response() == b"mine"
    os.close(reader)
    os.close(writer)


def test_closing_closes_all_and_a_later_use_connects_anew(store: Store, server: Any) -> None:
    held = _hold(store, 3)
    _release(store, held[1:])
    store.close()
    assert _clients(server.url) == 0
    _release(store, held[:1])
    assert store.client.ping() is True
    assert _clients(server.url) == 1
