"""`send_when`: the application says when jobs are sent, as after its commit; what is sent is sent as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liquid_background import DuplicateJob, Engine, JobNotFound, SettingsError, StoreUnavailable
from liquid_background.settings import Settings
from liquid_background.testing import fake_jobs
from tests.halves import BothHalves
from tests.python_jobs import shop


class Transaction:
    """As a database's: what is to be done after its commit is done at once outside of one."""

    def __init__(self) -> None:
        self.open = False
        self.waiting: list[Callable[[], None]] = []

    def on_commit(self, call: Callable[[], None]) -> None:
        if self.open:
            self.waiting.append(call)
        else:
            call()

    def commit(self) -> None:
        self.open = False
        while self.waiting:
            self.waiting.pop(0)()

    def roll_back(self) -> None:
        self.open = False
        self.waiting.clear()


@pytest.fixture
def transaction() -> Transaction:
    return Transaction()


@pytest.fixture
def engine(settings: Settings, transaction: Transaction) -> Iterator[Engine]:
    made = BothHalves(settings=settings)
    for name, function in shop.engine.environment.actions.items():
        made.action(name)(function)
    made.send_when(transaction.on_commit)
    yield made
    made.store.close()


PAGE = (
    "{% log 'seen' %}{% background source_name: 'a' %}A{% endbackground %}"
    "{% background source_name: 'b' %}B{% endbackground %}"
)


def _sends(engine: Engine) -> dict[str, Callable[[], object]]:
    return {
        "render": lambda: engine.render_string(PAGE),
        "render_async": lambda: asyncio.run(_render_async(engine)),
        "template": lambda: engine.environment.from_string(PAGE).render(),
        "enqueue": lambda: engine.enqueue("notify", {"order_id": 5}),
        "enqueue with an id": lambda: engine.enqueue("notify", {"order_id": 5}, id="order-5"),
        "enqueue_many": lambda: engine.enqueue_many("notify", [{"order_id": 5}, {"order_id": 6}]),
        "enqueue_async": lambda: asyncio.run(engine.enqueue_async("notify", {"order_id": 5})),
        "function": lambda: engine.environment.actions["notify"].enqueue_sync(5),  # type: ignore[attr-defined]
    }


async def _render_async(engine: Engine) -> str:
    return await engine.environment.from_string(PAGE).render_async()


@pytest.mark.parametrize("way", _sends(Engine()))
@pytest.mark.parametrize("end", ["commit", "roll back", "no transaction"])
def test_jobs_of_every_kind_wait_for_it(
    engine: Engine, transaction: Transaction, monkeypatch: pytest.MonkeyPatch, way: str, end: str
) -> None:
    if way == "function":
        notify = engine.environment.actions["notify"]
        monkeypatch.setattr(notify, "_queue", lambda: engine.function_queue)
    transaction.open = end != "no transaction"
    _sends(engine)[way]()
    if end != "no transaction":
        assert engine.jobs.list() == []
        assert engine.log.entries() == []
        (transaction.commit if end == "commit" else transaction.roll_back)()
    expected = 0 if end == "roll back" else 1 if way.startswith(("enqueue", "function")) and "many" not in way else 2
    assert len(engine.jobs.list()) == expected
    if "render" in way:
        assert [entry.message for entry in engine.log.entries()] == ([] if end == "roll back" else ["seen"])


def test_a_page_that_only_logs_waits_for_nothing(engine: Engine, transaction: Transaction) -> None:
    transaction.open = True
    engine.render_string("{% log 'seen' %}")
    assert [entry.message for entry in engine.log.entries()] == ["seen"]
    assert transaction.waiting == []


def test_a_page_that_raises_sends_nothing_later(engine: Engine, transaction: Transaction) -> None:
    transaction.open = True
    with pytest.raises(Exception, match="none"):
        engine.render_string(PAGE + "{% include 'none' %}")
    transaction.commit()
    assert engine.jobs.list() == []
    assert [entry.message for entry in engine.log.entries()] == ["seen"]


def test_an_id_that_is_taken_is_told_at_once_and_otherwise_never_doubled(
    engine: Engine, transaction: Transaction
) -> None:
    engine.enqueue("notify", {"order_id": 5}, id="order-5")
    transaction.open = True
    with pytest.raises(DuplicateJob, match="order-5"):
        engine.enqueue("notify", {"order_id": 5}, id="order-5")
    engine.enqueue("notify", {"order_id": 6}, id="order-5", on_duplicate="ignore")
    assert transaction.waiting == []
    for number in (7, 8):
        engine.enqueue("notify", {"order_id": number}, id="order-7")
    transaction.commit()
    assert sorted(job.id for job in engine.jobs.list()) == ["order-5", "order-7"]
    assert engine.jobs.get("order-7").parameters["kwargs"] == {"order_id": 7}


def test_a_handle_finds_its_job_once_it_is_sent(engine: Engine, transaction: Transaction) -> None:
    transaction.open = True
    handle = engine.enqueue("notify", {"order_id": 5})
    with pytest.raises(JobNotFound):
        handle.job()
    transaction.commit()
    assert handle.job().status == "pending"


def test_sending_twice_sends_once_and_after_an_outage_again(settings: Settings) -> None:
    engine, kept = Engine(settings=settings), []
    engine.send_when(kept.append)
    engine.render_string(PAGE)
    (send,) = kept
    send("the session that was committed")
    send()
    assert len(engine.jobs.list()) == 2
    assert len(engine.log.entries()) == 1

    away, kept = Engine(redis_url="redis://127.0.0.1:1"), []
    away.send_when(kept.append)
    away.render_string(PAGE)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            kept[0]()


def test_what_it_raises_reaches_the_caller_and_nothing_is_sent(settings: Settings) -> None:
    engine = Engine(settings=settings)

    @engine.send_when
    def broken(send: Callable[[], None]) -> None:
        raise RuntimeError("the transaction is broken")

    with pytest.raises(RuntimeError, match="transaction is broken"):
        engine.render_string(PAGE)
    assert engine.jobs.list() == []


def test_there_is_one_of_it(engine: Engine) -> None:
    with pytest.raises(SettingsError, match=r"there is one already, send_when hook .*Transaction\.on_commit"):
        engine.send_when(lambda send: send())

    async def later(send: Callable[[], None]) -> None: ...

    with pytest.raises(SettingsError, match="is async"):
        Engine().send_when(later)


def test_jobs_that_jobs_make_are_not_its_business(engine: Engine, transaction: Transaction) -> None:
    with fake_jobs(engine) as jobs:
        engine.render_string(
            "{% background source_name: 'outer' %}{% background source_name: 'inner' %}x{% endbackground %}"
            "{% endbackground %}"
        )
        transaction.open = True
        assert [job.source_name for job in jobs.run_all()] == ["outer", "inner"]
        assert transaction.waiting == []


def test_the_double_is_sent_to_at_the_time_of_sending(engine: Engine, transaction: Transaction) -> None:
    transaction.open = True
    with fake_jobs(engine) as jobs:
        engine.render_string(PAGE)
        assert jobs.enqueued == []
        transaction.commit()
        names: list[Any] = [job.source_name for job in jobs.enqueued]
    assert names == ["a", "b"]
