"""A plain URL behind which the server changes, as behind a proxy or a name: its connections are made anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.errors import StoreUnavailable
from liquid_background.job import Job, LogEntry
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store, connect, translated_errors
from liquid_background.settings import load_settings
from tests.faults.proxy import Proxy

Start = Callable[..., Any]
NOBODY = "127.0.0.1 1"


def _demoted(server: Store, other: Store) -> None:
    server.client.replicaof(*_place(other))


def _cut_off(server: Store, other: Store) -> None:
    server.client.config_set("min-replicas-to-write", 1)


def _without_primary(server: Store, other: Store) -> None:
    server.client.config_set("replica-serve-stale-data", "no")
    server.client.replicaof(*NOBODY.split())


CHANGES = {"READONLY": _demoted, "NOREPLICAS": _cut_off, "MASTERDOWN": _without_primary}


def _place(store: Store) -> tuple[str, str]:
    return "127.0.0.1", str(store.client.connection_pool.connection_kwargs["port"])


@pytest.fixture
def servers(start_server: Start) -> Iterator[tuple[Store, Store]]:
    made = [connect(load_settings(redis_url=start_server().url)) for _ in range(2)]
    yield made[0], made[1]
    for each in made:
        each.close()


@pytest.fixture
def name(servers: tuple[Store, Store]) -> Iterator[Proxy]:
    """What stands for both servers: it leads to the first, until `_moves`."""
    with closing(Proxy(int(_place(servers[0])[1]))) as made:
        yield made


def _moves(name: Proxy, server: Store) -> None:
    """Lead new connections to another server; those that there are stay."""
    name._target = int(_place(server)[1])


def _job(job_id: str) -> Job:
    return Job(id=job_id, source_name="x", template="t", line=1, source="")


def _messages(server: Store) -> list[str]:
    return [entry.message for entry in entries(server.client)]


@pytest.mark.parametrize("how", CHANGES)
def test_jobs_that_a_former_primary_refuses_are_sent_to_the_new_one(
    servers: tuple[Store, Store], name: Proxy, how: str
) -> None:
    first, second = servers
    settings = load_settings(redis_url=name.url)
    store = connect(settings)
    queue = Queue(store, settings)
    queue.send([_job("one")])
    CHANGES[how](first, second)
    _moves(name, second)
    assert queue.send([_job("two")], [LogEntry(message="hello")]) == []
    assert [job.id for job in Queue(second, settings).list()] == ["two"]
    assert _messages(second) == ["hello"]
    store.close()


@pytest.mark.parametrize("how", CHANGES)
def test_entries_alone_that_are_refused_are_sent_to_the_new_one(
    servers: tuple[Store, Store], name: Proxy, how: str
) -> None:
    first, second = servers
    settings = load_settings(redis_url=name.url)
    store = connect(settings)
    Queue(store, settings).send((), [LogEntry(message="before")])
    CHANGES[how](first, second)
    _moves(name, second)
    Queue(store, settings).send((), [LogEntry(message="after")])
    assert _messages(second) == ["after"]
    store.close()


@pytest.mark.parametrize("how", CHANGES)
def test_what_is_refused_so_was_not_written(servers: tuple[Store, Store], how: str) -> None:
    """So it may be sent again: here, where no other server comes, it was refused twice."""
    first, second = servers
    settings = load_settings(redis_url=f"redis://127.0.0.1:{_place(first)[1]}/0")
    store = connect(settings)
    queue = Queue(store, settings)
    CHANGES[how](first, second)
    for jobs, told in (([_job("one"), _job("two")], ()), ((), [LogEntry(message="hello")])):
        with pytest.raises(StoreUnavailable) as caught:
            queue.send(jobs, told)
        assert not caught.value.maybe_done
    first.client.replicaof("NO", "ONE")
    first.client.config_set("min-replicas-to-write", 0)
    assert first.client.dbsize() == 0
    assert second.client.dbsize() == 0
    assert queue.send([_job("one")]) == []
    store.close()


def test_every_connection_of_the_pool_is_made_anew(servers: tuple[Store, Store], name: Proxy) -> None:
    first, second = servers
    store = connect(load_settings(redis_url=name.url))
    pool: Any = store.client.connection_pool
    held = [pool.get_connection() for _ in range(3)]
    for connection in held[:2]:
        pool.release(connection)
    _demoted(first, second)
    _moves(name, second)
    with pytest.raises(StoreUnavailable, match="read-only replica"), translated_errors(store.url):
        store.client.set("key", "value")
    pool.release(held[2])
    again = [pool.get_connection() for _ in range(3)]
    assert not any(connection.is_open for connection in held)
    for connection in again:
        connection.send_command("SET", "key", "value")
        assert connection.read_response() == b"OK"
        pool.release(connection)
    store.close()


def test_pages_go_on_at_the_new_primary(servers: tuple[Store, Store], name: Proxy, caplog: Any) -> None:
    first, second = servers
    engine = Engine(redis_url=name.url)
    page = "{% background source_name: 'made' %}{% endbackground %}"
    failed = []

    def render(times: int) -> None:
        for _ in range(times):
            try:
                engine.render_string(page)
            except StoreUnavailable as error:
                failed.append(error)

    threads = [threading.Thread(target=render, args=(50,)) for _ in range(8)]
    render(1)
    _demoted(first, second)
    _moves(name, second)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.render_string("{% log 'hello' %}")
    assert failed == []
    assert len(Queue(second, engine.settings).list(limit=1000)) == 400
    assert _messages(second) == ["hello"]
    assert caplog.messages == []
    engine.store.close()


def test_a_clock_is_not_taken_from_one_server_for_another(servers: tuple[Store, Store], name: Proxy) -> None:
    first, second = servers
    store = connect(load_settings(redis_url=name.url))
    store.time(60.0)
    known = store.clock.now()
    assert known is not None
    assert known == pytest.approx(time.time(), abs=5)
    _demoted(first, second)
    _moves(name, second)
    with pytest.raises(StoreUnavailable), translated_errors(store.url):
        store.client.set("key", "value")
    assert store.clock.now() is None
    name.cut()
    store.time(60.0)
    assert store.clock.now() is not None
    name.cut()
    assert store.client.ping()  # over a new connection, which may lead elsewhere
    assert store.clock.now() is None
    store.close()


def test_a_time_that_was_asked_of_the_server_before_is_not_kept(servers: tuple[Store, Store]) -> None:
    clock = servers[0].clock
    before = clock.servers
    clock.another_server()
    clock.noted(1000.0, before)
    assert clock.now() is None
    clock.noted(2000.0, clock.servers)
    assert clock.now(within=5) == pytest.approx(2000.0, abs=5)
