"""What an application is told when the store does not answer: whether its jobs may have been sent nevertheless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from liquid_background import Engine, StoreUnavailable
from liquid_background.job import Job, JobRecord, LogEntry
from liquid_background.jobs.queue import Queue, scripts
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import load_settings
from tests.faults.proxy import Proxy

PAGE = "{% background source_name: 'mail' %}hi{% endbackground %}"


@pytest.fixture
def server(start_server: Callable[..., Any]) -> Any:
    return start_server()


@pytest.fixture
def proxy(server: Any) -> Iterator[Proxy]:
    with closing(Proxy(server.port)) as made:
        yield made


@pytest.fixture
def behind(server: Any) -> Iterator[Queue]:
    """The queue as the store itself has it."""
    settings = load_settings(redis_url=server.url)
    with closing(connect(settings)) as store:
        yield Queue(store, settings)


@pytest.fixture
def front(proxy: Proxy) -> Iterator[Queue]:
    """The queue as the application reaches it, with little patience."""
    settings = load_settings(redis_url=proxy.url)
    with closing(connect(settings, socket_timeout=0.3)) as store:
        yield Queue(store, settings)


def _job() -> Job:
    return Job(source_name="mail", template="pages/x", line=3, source="hi")


def _lose_replies(proxy: Proxy) -> None:
    proxy.mode = "drop replies"


def _fall_silent(proxy: Proxy) -> None:
    proxy.freeze()


@pytest.mark.parametrize("lose", [_lose_replies, _fall_silent])
@pytest.mark.parametrize("known", [True, False], ids=["known script", "new script"])
def test_jobs_may_have_been_sent_when_the_reply_is_lost(
    proxy: Proxy, front: Queue, behind: Queue, lose: Callable[[Proxy], None], known: bool
) -> None:
    front.send([_job()])
    if not known:
        behind.store.client.script_flush()
    jobs = [_job(), _job()]
    lose(proxy)
    with pytest.raises(StoreUnavailable, match="reply was lost, so the jobs may have been sent") as raised:
        front.send(jobs)
    assert raised.value.maybe_done
    proxy.mode = "pass"
    sent = len(behind.list()) - 1
    assert sent in (0, 2)
    assert len(front.send(jobs)) == sent  # sent again, none is doubled
    assert len(behind.list()) == 3


@pytest.mark.parametrize("move", ["cancel", "retry"])
def test_a_move_by_hand_may_have_been_made(
    proxy: Proxy, front: Queue, behind: Queue, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    scripts.load_all(behind.store)
    job = _job()
    behind.send([job])
    if move == "retry":
        behind.cancel(job.id)

    def get(job_id: str) -> JobRecord:
        record = Queue.get(front, job_id)
        proxy.mode = "drop replies"  # that of the move, which comes next
        return record

    monkeypatch.setattr(front, "get", get)
    with pytest.raises(StoreUnavailable, match=r"so the job may have been (cancelled|retried):"):
        getattr(front, move)(job.id)
    assert behind.get(job.id).status == {"cancel": "cancelled", "retry": "pending"}[move]


def _nobody_listens(proxy: Proxy, store: Store) -> None:
    store.client.connection_pool.disconnect()
    proxy.close()
    proxy.cut()


def _is_loading(proxy: Proxy, store: Store) -> None:
    proxy.mode = "loading"


def _is_full(proxy: Proxy, store: Store) -> None:
    store.client.config_set("maxmemory", "1")


def _is_a_replica(proxy: Proxy, store: Store) -> None:
    store.client.replicaof("127.0.0.1", "1")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("refuse", [_nobody_listens, _is_loading, _is_full, _is_a_replica])
def test_nothing_was_sent_to_a_store_that_cannot_be_reached_or_refuses(
    proxy: Proxy, front: Queue, behind: Queue, refuse: Callable[[Proxy, Store], None]
) -> None:
    front.send([_job()])
    refuse(proxy, front.store)
    with pytest.raises(StoreUnavailable) as raised:
        front.send([_job()])
    assert not raised.value.maybe_done
    assert "may have been" not in str(raised.value)
    assert len(behind.list()) == 1


def test_what_only_reads_may_have_done_nothing(proxy: Proxy, front: Queue) -> None:
    front.list()
    proxy.mode = "drop replies"
    with pytest.raises(StoreUnavailable) as raised:
        front.list()
    assert not raised.value.maybe_done
    assert "may have been" not in str(raised.value)


def test_a_page_says_so_too_and_one_that_only_logs_raises_nothing(proxy: Proxy, behind: Queue, caplog: Any) -> None:
    engine = Engine(redis_url=proxy.url)
    engine.render_string(PAGE)
    proxy.mode = "drop replies"
    with pytest.raises(StoreUnavailable, match="the jobs may have been sent") as raised:
        engine.render_string(PAGE)
    assert raised.value.maybe_done
    engine.render_string("{% log 'x' %}")
    engine.send([], [LogEntry(message="y")])
    assert "log entries may be lost" in caplog.text
    engine.store.close()
    assert len(behind.list()) == 2
