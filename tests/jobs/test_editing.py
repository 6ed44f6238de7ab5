"""A job that is run again with other values is a new one; the old one stays, and what is masked is copied unseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from liquid_background import Engine
from liquid_background.errors import EnqueueError, JobNotAllowed, JobNotFound, JobRefused
from liquid_background.job import Group, Job, Outcome
from liquid_background.jobs.handover import encode
from liquid_background.jobs.queue import Queue, keys, moves
from liquid_background.jobs.queue.editing import value_of
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.places import Place
from tests.jobs.queue.hands import Hands

FAILED = Outcome(error="no")
GIVEN = {"customer_id": 42, "api_key": "k-1", "day": encode(date(2024, 1, 15))}
HANDED = {"user": {"id": 7, "tags": ["a", "b"]}, "order.total": "12.50"}


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


@pytest.fixture
def queue(store: Store, settings: Settings) -> Queue:
    return Queue(store, settings)


@pytest.fixture
def failed(queue: Queue, hands: Hands, job: Callable[..., Job]) -> str:
    queue.send(
        [job(id="old", parameters=GIVEN, handed_over=HANDED, priority="low", group=Group("crm", 2), timeout=7.5)]
    )
    hands.finish(hands.take(), FAILED)
    return "old"


def test_a_new_job_has_the_other_values_and_all_the_rest(queue: Queue, failed: str, hands: Hands) -> None:
    new = queue.retry(failed, set={"customer_id": 43})
    old = queue.get(failed)
    assert (new.edited_from, old.edited_from) == (failed, "")
    assert (new.status, old.status) == ("pending", "failed")
    assert new.parameters == {"customer_id": 43, "api_key": "k-1", "day": date(2024, 1, 15)}
    assert new.handed_over == old.handed_over
    same = ("source_name", "priority", "max_attempts", "source", "template", "line")
    assert [getattr(new, name) for name in same] == [getattr(old, name) for name in same]
    fields = ("lb_group", "lb_group_limit", "timeout", "lb_limit", "origin")
    records = [hands.store.client.hmget(keys.job(each), fields) for each in (failed, new.id)]
    assert records[0] == records[1]
    assert hands.take().id == new.id


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [
        ("user.id", 8, lambda job: job.handed_over["user"]["id"]),
        ("user.tags.1", "c", lambda job: job.handed_over["user"]["tags"][1]),
        ("order.total", 13, lambda job: job.handed_over["order.total"]),
        ("user", {"id": 9}, lambda job: job.handed_over["user"]),
        ("day", date(2025, 1, 1), lambda job: job.parameters["day"]),
        ("api_key", "k-2", lambda job: job.parameters["api_key"]),
    ],
)
def test_a_value_is_named_as_it_is_shown(queue: Queue, failed: str, name: str, value: Any, at: Any) -> None:
    assert at(queue.retry(failed, set={name: value})) == value


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"customer": 1}, "it was given no value 'customer'; it has api_key, customer_id, day, order.total, user"),
        ({"user.name": 1}, "it was given no value 'user.name'"),
        ({"user.tags.2": 1}, "it was given no value 'user.tags.2'"),
        ({"customer_id": object()}, "'customer_id' is an object, not plain data; pass its id or plain values"),
        ({"customer_id": float("nan")}, "'customer_id' is nan, which JSON cannot carry"),
        ({"customer_id": "x" * 110_000}, "it would take 108 KB, and at most 100 KB can travel"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_sent(
    queue: Queue, failed: str, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(EnqueueError, match=f"cannot run job old again.*{says}"):
        queue.retry(failed, set=changes)
    assert len(queue.list()) == 1


def test_only_what_has_ended_is_edited(queue: Queue, hands: Hands, job: Callable[..., Job]) -> None:
    queue.send([job(id="waits", parameters={"a": 1}), job(id="runs", parameters={"a": 1}, priority="high")])
    running = hands.take()
    for name in ("waits", "runs"):
        with pytest.raises(JobNotAllowed, match=f"cannot edit job {name}"):
            queue.retry(name, set={"a": 2})
    with pytest.raises(JobNotFound):
        queue.retry("none", set={"a": 2})
    hands.finish(running, Outcome(result="x"))
    assert queue.retry("runs", set={"a": 2}).parameters == {"a": 2}


def test_the_audit_names_the_values_and_does_not_tell_them(settings: Settings, failed: str) -> None:
    engine = Engine(settings=settings)
    new = engine.jobs.retry(failed, set={"api_key": "very-secret", "user.id": 8}, by="ada")
    [entry] = engine.audit.entries()
    assert (entry.by, entry.action, entry.about) == ("ada", "edit", f"job old (mail) as job {new.id}: api_key, user.id")
    engine.store.close()


def test_arguments_of_a_python_function_are_named_alone(queue: Queue, hands: Hands, job: Callable[..., Job]) -> None:
    given = {"args": [], "kwargs": {"customer_id": 42}}
    queue.send([job(id="old", source=None, function="shop:sync", parameters=given)])
    hands.finish(hands.take(), FAILED)
    new = queue.retry("old", set={"customer_id": 43})
    assert new.parameters == {"args": [], "kwargs": {"customer_id": 43}}
    with pytest.raises(EnqueueError, match=r"it was given no value 'customer'; it has customer_id$"):
        queue.retry("old", set={"customer": 43})


def test_it_is_signed_anew_when_the_old_one_was_signed(
    store: Store, settings: Settings, job: Callable[..., Job]
) -> None:
    keyed = settings.model_copy(update={"signing_key": (SecretStr("k" * 32),)})
    queue, hands = Queue(store, keyed), Hands(store, keyed)
    queue.send([job(id="old", parameters={"a": 1}), job(id="forged", parameters={"a": 1})])
    for _ in range(2):
        hands.finish(hands.take(), FAILED)
    new = queue.retry("old", set={"a": 2})
    [claimed] = hands.claim().jobs
    assert not isinstance(claimed, moves.Refused)
    assert (claimed.id, claimed.payload["parameters"]) == (new.id, {"a": 2})
    data = store.client.hget(keys.job("forged"), "data")
    assert data is not None
    store.client.hset(keys.job("forged"), "data", data.replace(b'"a":1', b'"a":7'))
    with pytest.raises(JobRefused, match="cannot run job forged again: the signature does not fit"):
        queue.retry("forged", set={"a": 2})


def test_one_that_was_edited_is_edited_again(queue: Queue, failed: str, hands: Hands) -> None:
    first = queue.retry(failed, set={"customer_id": 43})
    hands.finish(hands.take(), FAILED)
    second = queue.retry(first.id, set={"customer_id": 44})
    assert (second.edited_from, second.parameters["customer_id"]) == (first.id, 44)


def test_every_store_does_it_alike(place: Place, job: Callable[..., Job]) -> None:
    place.engine.jobs.send([job(id="old", parameters={"a": 1}, group=Group("crm", 2), max_attempts=3)])
    with pytest.raises(JobNotAllowed, match="cannot edit job old: it is pending"):
        place.engine.jobs.retry("old", set={"a": 2})
    place.engine.jobs.cancel("old")
    new = place.engine.jobs.retry("old", set={"a": 2})
    assert (new.edited_from, new.parameters, new.max_attempts, new.status) == ("old", {"a": 2}, 3, "pending")
    assert place.engine.jobs.get("old").status == "cancelled"
    with pytest.raises(EnqueueError, match="it was given no value 'b'; it has a"):
        place.engine.jobs.retry("old", set={"b": 2})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("43", 43),
        ('"43"', "43"),
        ("ada", "ada"),
        ("null", None),
        ('{"a": [1]}', {"a": [1]}),
        ("", ""),
        ("[" * 9_999, "[" * 9_999),
    ],
)
def test_a_value_is_json_or_else_text(written: str, value: Any) -> None:
    assert value_of(written) == value
