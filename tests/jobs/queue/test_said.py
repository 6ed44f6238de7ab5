"""What the log keeps of why attempts failed: their long reasons are bounded together, and push out nobody's ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from liquid_background.job import Job, Outcome
from liquid_background.jobs.log import ENDS, KEY, LONG, entries
from liquid_background.jobs.log.entry import MAX_MESSAGE, MAX_TEMPLATE_NAME, SHORT, WEIGHED
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

LIMIT = 1_000
ALLOWED = LIMIT // 2 * WEIGHED  # bytes of long reasons
Make = Callable[..., Job]


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings.model_copy(update={"log_limit": LIMIT}))


@pytest.fixture
def fail(hands: Hands, job: Make) -> Callable[..., str]:
    """Fail one job with an error; return what the log says."""
    queue = Queue(hands.store, hands.settings)
    numbers: Iterator[int] = iter(range(10**6))

    def failed(error: str, **fields: object) -> str:
        queue.send([job(id=f"j{next(numbers)}", **fields)])
        hands.finish(hands.take(), Outcome(error=error))
        return entries(hands.store.client, limit=1)[0].message

    return failed


def test_long_reasons_are_cut_when_the_log_holds_many(store: Store, fail: Callable[..., str]) -> None:
    long, told = "ä" * 3_000, "ä" * ((MAX_MESSAGE - 3) // 2) + "…"
    assert fail("first") == "first"
    said = [fail(long) for _ in range(2 * ALLOWED // MAX_MESSAGE)]
    whole = said.index("ä" * ((SHORT - 3) // 2) + "…")
    assert set(said[:whole]) == {told}
    assert set(said[whole:]) == {said[whole]}
    assert ALLOWED - MAX_MESSAGE < sum(len(each.encode()) for each in said[:whole]) <= ALLOWED
    assert len(said[whole].encode()) <= SHORT
    assert fail("x" * SHORT) == "x" * SHORT
    assert entries(store.client, limit=LIMIT)[0].message == "first"  # nobody's end is gone
    record = store.client.hget(keys.job(f"j{len(said)}"), keys.ERROR)
    assert record is not None
    assert record.decode() == told  # the job's record says all


def test_long_reasons_are_told_again_when_the_others_have_gone(store: Store, fail: Callable[..., str]) -> None:
    long = "x" * MAX_MESSAGE
    while len(fail(long)) > SHORT:
        pass
    store.client.xtrim(KEY, maxlen=1, approximate=False)
    assert fail(long) == long
    while len(fail(long)) > SHORT:
        pass
    store.client.xadd(ENDS, {"job_id": "old"}, id="1-1")
    store.client.xtrim(KEY, maxlen=1, approximate=False)
    assert len(fail(long)) <= SHORT  # an older one is left among the ends that were set apart
    store.client.delete(ENDS)
    assert fail(long) == long


@pytest.mark.parametrize("planted", ["garbage", "9" * 500, "5 1-1 more"])
def test_what_is_planted_there_costs_nothing(store: Store, fail: Callable[..., str], planted: str) -> None:
    store.client.set(LONG, planted)
    assert len(fail("x" * MAX_MESSAGE)) == MAX_MESSAGE
    store.client.delete(LONG)
    store.client.lpush(LONG, planted)
    assert len(fail("x" * MAX_MESSAGE)) == MAX_MESSAGE
    assert store.client.type(LONG) == b"string"


def test_a_long_name_of_a_template_is_cut_in_the_log(store: Store, fail: Callable[..., str]) -> None:
    fail("no", template="t/" * 400)
    (entry,) = entries(store.client)
    assert len(entry.template.encode()) == MAX_TEMPLATE_NAME
    assert entry.template.endswith("…")
