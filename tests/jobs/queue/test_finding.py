"""Going through all jobs that a filter means."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest

from liquid_background import Engine, JobNotFound
from liquid_background.job import Group, Job, Outcome, Priority
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

Make = Callable[..., Job]


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


def job(job_id: str, **given: object) -> Job:
    return Job(**{"id": job_id, "source_name": "mail", "template": "pages/x", "line": 3, "source": "hi", **given})  # type: ignore[arg-type]


def found(engine: Engine, most: int = 500, **given: object) -> set[str]:
    chunks = list(scan(engine.store, engine.settings, Filter(**given), most=most))  # type: ignore[arg-type]
    ids = [job_id for chunk in chunks for job_id in chunk.ids]
    assert len(ids) == len(set(ids))
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].looked_at == chunks[-1].of
    return set(ids)


def every_state(engine: Engine, hands: Hands) -> None:
    """Bring a job to each place, and name it by that."""
    engine.jobs.send([job("finished"), job("failed"), job("canceled"), job("started"), job("claimed")])
    hands.finish(hands.take(), Outcome(result="ok"))
    hands.finish(hands.take(), Outcome(error="POST /mail: 503 No"))
    engine.jobs.cancel("canceled")
    hands.take()
    hands.hold()
    group = Group("crm", 1)
    engine.jobs.send([job("holds", group=group), job("deferred", group=group)])
    hands.hold()
    hands.claim()
    engine.jobs.send([job("scheduled", delay=1.0), job("queued"), job("low", priority=Priority.LOW)])


PENDING = {"claimed", "holds", "deferred", "scheduled", "queued", "low"}


@pytest.mark.parametrize("most", [1, 500])
def test_jobs_are_found_wherever_they_stand(engine: Engine, hands: Hands, most: int) -> None:
    every_state(engine, hands)
    ended = {"finished", "failed", "canceled"}
    assert found(engine, most) == PENDING | ended | {"started"}
    assert found(engine, most, status="pending") == PENDING
    assert found(engine, most, status="running") == {"started"}
    assert found(engine, most, status="completed") == {"finished"}
    assert found(engine, most, status="failed") == {"failed"}
    assert found(engine, most, status="cancelled") == {"canceled"}
    assert found(engine, most, queue="low") == {"low"}
    assert found(engine, most, group="crm") == {"holds", "deferred"}
    assert found(engine, most, error="mail: 503 nO") == {"failed"}
    assert found(engine, most, id_prefix="c") == {"claimed", "canceled"}


def test_a_deleted_job_leaves_nothing_of_it(engine: Engine, hands: Hands, store: Store) -> None:
    group = Group("crm", 1)
    engine.jobs.send([job(name, group=group) for name in ("holds", "next", "last")])
    hands.hold()
    hands.claim(2)  # parks the others
    engine.jobs.delete("holds")  # claimed: its slot goes to the next one
    engine.jobs.delete("last")
    assert found(engine) == {"next"}
    assert hands.finish(hands.take(), Outcome(error="no")) == "done"
    engine.jobs.delete("next")
    left = {key.decode() for key in store.client.scan_iter("*") if not key.startswith(b"liquid_background:log")}
    assert [key for key in left if "holds" in key or "next" in key or "last" in key] == []
    assert not {keys.slots("crm"), keys.LEASES, keys.failed("default"), keys.deferred("default"), keys.GROUPS} & left


def test_another_site_s_job_is_neither_found_nor_deleted(engine: Engine, settings: Settings) -> None:
    shop = Engine(settings=settings.model_copy(update={"site": "shop"}))
    shop.jobs.send([job("theirs")])
    engine.jobs.send([job("mine")])
    assert (found(engine), found(shop)) == ({"mine"}, {"theirs"})
    assert engine.jobs.count() == shop.jobs.count() == 1
    with pytest.raises(JobNotFound):
        engine.jobs.delete("theirs")
    assert shop.jobs.get("theirs").source_name == "mail"


def test_packed_data_of_other_tools_is_read(engine: Engine, store: Store) -> None:
    engine.jobs.send([job("a", parameters={"customer_id": 42})])
    plain = store.client.hget(keys.job("a"), "data")
    assert isinstance(plain, bytes)
    store.client.hset(keys.job("a"), "data", zlib.compress(plain))
    assert found(engine, values={"customer_id": "42"}) == {"a"}
    assert found(engine, values={"customer_id": "4"}) == set()


def test_what_stands_where_its_status_does_not_say_is_found_there(engine: Engine, store: Store) -> None:
    engine.jobs.send([job("a"), job("b")])
    store.client.hset(keys.job("a"), "status", "finished")  # another tool's doing: it stands in no such place
    assert found(engine) == {"a", "b"}
    assert found(engine, status="pending") == {"b"}
    store.client.zadd(keys.finished("default"), {"a": 9e9})
    assert found(engine) == {"a", "b"}


def test_an_error_is_found_by_what_is_shown_of_it(engine: Engine, hands: Hands) -> None:
    engine.jobs.send([job("a", parameters={"api_token": "s3cret-7", "n": 1}), job("b", handed_over={"n": "s3cret-7"})])
    for _ in range(2):
        hands.finish(hands.take(), Outcome(error="POST /pay?key=s3cret-7: 503 für alle"))
    for text in ("s3cret", "S3CRET-7", "t-7: 503", "key=s", "s3cret-7: 503 für"):
        assert found(engine, error=text) == {"b"}, text
        assert engine.jobs.count(error=text) == 1
        assert [record.id for record in engine.jobs.list(error=text)] == ["b"]
        assert list(engine.operations.matching("retry", Filter(error=text))) == ["b"]
    for text in ("key=[MASKED]: 503", "[mask", "ed]: 503", "masked", "[masked]: 503 FÜR"):
        assert found(engine, error=text) == {"a"}, text
        assert engine.jobs.count(error=text) == 1
    for text in ("post /pay?key=", ": 503", "FÜR alle"):
        assert found(engine, error=text) == {"a", "b"}, text


def test_a_count_comes_as_it_is_found(engine: Engine, hands: Hands) -> None:
    engine.jobs.send([job(f"j{number}", parameters={"n": number % 2}) for number in range(300)])
    counts = list(engine.jobs.counting("pending", values={"n": "1"}))
    assert len(counts) > 1
    assert [each.is_whole for each in counts] == [False] * (len(counts) - 1) + [True]
    assert (counts[-1].found, counts[-1].looked_at, counts[-1].of) == (150, 300, 300)
    [known] = engine.jobs.counting("pending")  # the store knows that without looking
    assert (known.found, known.looked_at, known.is_whole) == (300, 0, True)
    every = [*engine.operations.counting("cancel", Filter(values={"n": "1"}))]
    assert (every[-1].found, every[-1].is_whole) == (150, True)
    assert not any(each.is_whole for each in every[:-1])


def test_a_list_goes_on_behind_what_was_looked_at(engine: Engine) -> None:
    engine.jobs.send([job("rare", source_name="rare"), *(job(f"j{number:04}") for number in range(600))])
    cursor, seen, steps = None, [], 0
    while steps == 0 or cursor:
        for page in engine.jobs.pages(source_name="rare", after=cursor):
            seen += [record.id for record in page]
            assert page.looked_at <= page.of == 601
            if page.cursor != cursor:
                break
        cursor, steps = page.cursor, steps + 1
    assert seen == ["rare"]
    assert steps > 3
