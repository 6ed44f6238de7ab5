"""Who did what is kept apart from the job log, and no line of a template pushes it out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from liquid_background import Engine
from liquid_background.job import Job, LogEntry
from liquid_background.jobs.operating.audit import Audit
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.queue.protocol import LONGEST_AUDITED, MAX_AUDITED
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings


@pytest.fixture
def queue(store: Store, settings: Settings) -> Queue:
    return Queue(store, settings)


@pytest.fixture
def audit(store: Store) -> Audit:
    return Audit(store)


def _said(audit: Audit) -> list[tuple[str, str, str]]:
    return [(entry.by, entry.action, entry.about) for entry in audit.entries()]


def test_retries_and_cancels_say_who_asked_for_them(queue: Queue, audit: Audit, job: Callable[..., Job]) -> None:
    queue.send([job(id="one")])
    queue.cancel("one", by="ada@web-3")
    queue.retry("one")
    assert _said(audit) == [("ada@web-3", "cancel", "job one (mail)"), ("application", "retry", "job one (mail)")]


def test_what_is_refused_is_not_said(queue: Queue, audit: Audit, job: Callable[..., Job]) -> None:
    queue.send([job(id="one")])
    with pytest.raises(Exception, match="it is pending"):
        queue.retry("one", by="ada")
    with pytest.raises(Exception, match="no job has the id"):
        queue.cancel("none", by="ada")
    assert _said(audit) == []


def test_the_newest_come_oldest_first_and_from_a_time_on(audit: Audit) -> None:
    for number in range(5):
        audit.note("pause", f"queue {number}", "ada")
    assert [entry.about for entry in audit.entries(2)] == ["queue 3", "queue 4"]
    assert audit.entries(0) == []
    now = datetime.now(UTC)
    assert len(audit.entries(since=now - timedelta(hours=1))) == 5
    assert audit.entries(since=now + timedelta(hours=1)) == []
    assert abs(audit.entries(1)[0].time - now) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="from 0"):
        audit.entries(-1)


def test_before_the_first_id_there_can_be_is_nothing(audit: Audit) -> None:
    audit.note("retry", "job one")
    assert audit.entries(before="0-0") == []


def test_no_line_of_a_template_pushes_an_entry_out(settings: Settings, store: Store) -> None:
    engine = Engine(settings=settings.model_copy(update={"log_limit": 100}))
    engine.audit.note("pause", "queue low", "ada")
    engine.jobs.send([], [LogEntry(message="x" * 500, type="info")] * 2_000)
    assert [entry.about for entry in engine.audit.entries()] == ["queue low"]
    engine.store.close()


def test_as_many_are_kept_as_agreed_and_no_value_is_endless(audit: Audit, store: Store) -> None:
    for number in range(MAX_AUDITED + 300):
        store.client.xadd(keys.AUDIT, {"by": b"x", "action": b"y", "about": b"%d" % number})
    audit.note("pause", "z" * 100_000, "\udcff\x1b[31m")
    assert store.client.xlen(keys.AUDIT) < MAX_AUDITED + 200
    [entry] = audit.entries(1)
    assert entry.about == "z" * LONGEST_AUDITED
    assert entry.by == "\\udcff\x1b[31m"


def test_a_key_that_is_no_stream_costs_only_itself(
    queue: Queue, audit: Audit, store: Store, job: Callable[..., Job]
) -> None:
    store.client.set(keys.AUDIT, "planted")
    assert audit.entries() == []
    queue.send([job(id="one")])
    queue.cancel("one", by="ada")
    assert [entry.action for entry in audit.entries()] == ["cancel"]


def test_garbage_in_an_entry_is_blank(audit: Audit, store: Store) -> None:
    store.client.xadd(keys.AUDIT, {b"other": b"\xff"}, id="9999999999999999-1")
    [entry] = audit.entries()
    assert (entry.by, entry.action, entry.about) == ("", "", "")


def test_sites_have_audits_of_their_own(settings: Settings, store: Store) -> None:
    shop, other = (Engine(settings=settings.model_copy(update={"site": site})) for site in ("shop", ""))
    shop.audit.note("pause", "queue low", "ada")
    assert len(shop.audit.entries()) == 1
    assert other.audit.entries() == []
    for engine in (shop, other):
        engine.store.close()


def test_a_page_goes_on_before_an_entry(audit: Audit) -> None:
    for number in range(5):
        audit.note("note", f"thing {number}")
    newest = audit.entries(2)
    assert [entry.about for entry in newest] == ["thing 3", "thing 4"]
    assert [entry.about for entry in audit.entries(2, before=newest[0].id)] == ["thing 1", "thing 2"]
    assert audit.entries(2, before=audit.entries(5)[0].id) == []
    with pytest.raises(ValueError, match="no entry of the audit has the id 'x'"):
        audit.entries(before="x")
