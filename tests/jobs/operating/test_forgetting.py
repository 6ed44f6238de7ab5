"""What carries a text is found however it is packed, and deleted; what cannot be is said."""

from __future__ import annotations

import asyncio
import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from liquid_background import Engine
from liquid_background.errors import FilterError, JobNotFound
from liquid_background.job import Job, LogEntry, Outcome
from liquid_background.jobs.log import KEY, entries
from liquid_background.jobs.operating.audit import Audit
from liquid_background.jobs.operating.traces import Traces
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import Settings, load_settings
from tests.jobs.queue.hands import Hands

ADA = "ada@example.com"


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


Do = Callable[..., Job]


@pytest.fixture
def send(store: Store, settings: Settings) -> Do:
    queue = Queue(store, settings)

    def send(**fields: Any) -> Job:
        job = Job(**{"source_name": "mail", "template": "t", "line": 1, "source": "hi", **fields})
        queue.send([job])
        return job

    return send


def _ended(hands: Hands, send: Do, outcome: Outcome | None = None, **fields: Any) -> Job:
    job = send(**fields)
    hands.finish(hands.take(), outcome or Outcome(result=""))
    return job


CARRIED: dict[str, tuple[str, dict[str, Any]]] = {
    "a parameter": (ADA, {"parameters": {"email": f"<{ADA}>"}}),
    "a name of a parameter": (ADA, {"parameters": {ADA: 1}}),
    "a nested value": (ADA, {"handed_over": {"user": {"mails": [{"to": ADA}]}}}),
    "a body": (ADA, {"source": "{% log '" + ADA + "' %}"}),
    "text that JSON escapes": ('René "the" Ångström\\\n☃', {"parameters": {"name": 'René "the" Ångström\\\n☃!'}}),
    "an emoji": ("ada 🎉 b", {"parameters": {"name": "ada 🎉 b"}}),
    "a number": ("4915112345", {"parameters": {"phone": 4915112345678}}),
    "an id": ("ada-7", {"id": "mail-ada-7"}),
    "a source name": ("for_ada", {"source_name": "mail_for_ada"}),
}


@pytest.mark.parametrize("what", CARRIED)
def test_what_a_job_carries_is_found(hands: Hands, send: Do, engine: Engine, what: str) -> None:
    text, fields = CARRIED[what]
    other = _ended(hands, send)
    job = _ended(hands, send, **fields)
    dry = engine.forget(text, dry_run=True)
    assert (dry.jobs, dry.dry_run, engine.jobs.get(job.id).id) == (1, True, job.id)
    done = engine.forget(text, by="ada")
    assert (done.jobs, done.jobs_looked_at, done.is_complete) == (1, 2, True)
    with pytest.raises(JobNotFound):
        engine.jobs.get(job.id)
    assert not hands.store.client.exists(keys.results(job.id))
    assert hands.store.client.zscore(keys.finished("default"), job.id) is None
    assert engine.jobs.get(other.id).source_name == "mail"
    assert engine.forget(text).jobs == 0


OUTCOMES = {
    "a result": Outcome(result=f"sent to {ADA}"),
    "a result that is no text": Outcome(result={"to": [ADA]}),
    "an error": Outcome(error=f"550 {ADA} unknown", retry=False),
    "a traceback": Outcome(error="no", traceback=f"Traceback\n  raise ValueError('{ADA}')", retry=False),
}


@pytest.mark.parametrize("what", OUTCOMES)
def test_what_an_attempt_left_is_found(hands: Hands, send: Do, engine: Engine, what: str) -> None:
    _ended(hands, send)
    job = _ended(hands, send, OUTCOMES[what])
    assert engine.forget(ADA).jobs == 1
    with pytest.raises(JobNotFound):
        engine.jobs.get(job.id)
    left = b"".join(str(hands.store.client.xrange(KEY)).encode() for _ in range(1))
    assert ADA.encode() not in left


def test_what_rq_has_packed_is_found(hands: Hands, send: Do, engine: Engine) -> None:
    job = _ended(hands, send, Outcome(error="no", retry=False), parameters={"to": ADA})
    theirs = RqJob.fetch(job.id, connection=hands.store.client, serializer=JSONSerializer)
    theirs.save()
    assert hands.store.client.hget(keys.job(job.id), "data")[:1] == b"\x78"  # type: ignore[index]
    assert engine.forget(ADA).jobs == 1


@pytest.mark.parametrize("text", ["Ada@example.com", "ada@example.org", "xda@example.com"])
def test_other_text_is_left(hands: Hands, send: Do, engine: Engine, text: str) -> None:
    _ended(hands, send, parameters={"to": ADA})
    assert engine.forget(text).jobs == 0


def test_waiting_and_running_jobs_are_named_and_left(hands: Hands, send: Do, engine: Engine) -> None:
    running = send(parameters={"to": ADA})
    taken = hands.take()
    waiting, later = send(parameters={"to": ADA}), send(parameters={"to": ADA}, delay=60)
    found = engine.forget(ADA)
    assert (found.jobs, {*found.waiting}, found.running) == (0, {waiting.id, later.id}, [running.id])
    assert not found.is_complete
    assert engine.forget(ADA, dry_run=True, including_waiting=True).jobs == 2
    found = engine.forget(ADA, including_waiting=True)
    assert (found.jobs, found.waiting, found.running) == (2, [], [running.id])
    assert [count.queued + count.scheduled for count in engine.jobs.counts()] == [0, 0, 0]
    assert hands.finish(taken, Outcome(result="")) == "done"
    assert engine.forget(ADA).jobs == 1
    finals = [entry.job_id for entry in entries(hands.store.client) if entry.final]
    assert sorted(finals) == sorted([running.id, waiting.id, later.id])


def test_a_held_job_is_taken_back_too(hands: Hands, send: Do, engine: Engine) -> None:
    engine.queues.pause(source_name="mail")
    send(parameters={"to": ADA})
    assert hands.claim().jobs == ()
    assert engine.forget(ADA, including_waiting=True).jobs == 1
    assert engine.queues.held(engine.queues.paused()) == [0]


def test_log_and_audit_forget_too_and_the_audit_does_not_say_what(
    hands: Hands, send: Do, engine: Engine, store: Store
) -> None:
    engine.jobs.send([], [LogEntry(message=f"to {ADA}", type="info"), LogEntry(message="to Bob", type="info")])
    engine.audit.note("cancel", f"job of {ADA}", by="bob")
    found = engine.forget(ADA, by="ada@web-3")
    assert (found.log_entries, found.audit_entries) == (1, 1)
    assert [entry.message for entry in entries(store.client)] == ["to Bob"]
    told = Audit(store).entries()
    assert [(entry.by, entry.action) for entry in told] == 2 * [("ada@web-3", "forget")]  # begun, and done
    assert not any(ADA in entry.about for entry in told)
    everything = b"".join(store.client.dump(key) or b"" for key in store.client.scan_iter())
    assert ADA.encode() not in everything


def test_samples_of_failures_are_dropped_and_other_notes_named(store: Store, engine: Engine) -> None:
    client = store.client
    client.hset("liquid_background:failures:about:f1", mapping={"message": f"550 {ADA}", "count": 3})
    client.hset("liquid_background:shop.failures:about:f1", mapping={"message": f"550 {ADA}"})
    engine.queues.pause(group="crm", reason=f"asked by {ADA}")
    found = engine.forget(ADA)
    assert (found.notes, found.others) == (1, [keys.PAUSES])
    assert client.hgetall("liquid_background:failures:about:f1") == {b"count": b"3"}
    assert client.hlen("liquid_background:shop.failures:about:f1") == 1


def test_a_group_of_failures_keeps_nothing_of_it(hands: Hands, send: Do, engine: Engine, store: Store) -> None:
    _ended(hands, send, Outcome(error=f"550 {ADA} unknown", retry=False))
    [group] = engine.failures.list()
    assert ADA in group.error
    found = engine.forget(ADA)
    assert (found.jobs, found.is_complete) == (1, True)
    assert found.notes > 0
    left = [group.error + group.message for group in engine.failures.list()]
    assert not any(ADA in text for text in left)
    assert engine.forget(ADA, dry_run=True).notes == 0


def test_other_sites_are_left_alone(store: Store, settings: Settings, hands: Hands, send: Do, engine: Engine) -> None:
    shop = load_settings(data_dir=settings.data_dir, site="shop")
    with closing(connect(shop)) as other:
        queue = Queue(other, shop)
        job = Job(source_name="mail", template="t", line=1, source="hi", parameters={"to": ADA})
        queue.send([job], [LogEntry(message=ADA, type="info")])
        assert engine.forget(ADA, including_waiting=True).jobs_looked_at == 0
        assert queue.get(job.id).parameters == {"to": ADA}
        theirs = Engine(settings=shop).forget(ADA, including_waiting=True)
        assert (theirs.jobs, theirs.log_entries) == (1, 1)


def test_many_jobs_are_gone_through_and_progress_is_told(hands: Hands, engine: Engine, store: Store) -> None:
    queue = Queue(store, hands.settings)
    blank = {"source_name": "mail", "template": "t", "line": 1, "source": "hi"}
    queue.send([Job(**blank, parameters={"to": ADA if number % 10 == 0 else "bob"}) for number in range(3_000)])
    told: list[tuple[str, int, int]] = []
    found = engine.forget(ADA, including_waiting=True, progress=lambda what, done, of: told.append((what, done, of)))
    assert (found.jobs, found.jobs_looked_at) == (300, 3_000)
    assert told[0][0] == "records"
    assert all(done <= of for _, done, of in told)
    slowest = max(
        float(value["usec_per_call"]) for name, value in store.client.info("commandstats").items() if "evalsha" in name
    )
    assert slowest < 20_000


def test_the_twin_forgets_too(hands: Hands, send: Do, engine: Engine) -> None:
    _ended(hands, send, parameters={"to": ADA})
    assert asyncio.run(engine.forget_async(ADA)).jobs == 1


@pytest.mark.parametrize("text", ["", "ab"])
def test_a_text_that_is_in_everything_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(FilterError, match="give 3 or more"):
        engine.forget(text)


@pytest.mark.parametrize(
    "value",
    [
        b"x\xffada@example.com",
        zlib.compress(b'["ada@example.com"]'),
        b64encode(b'"ada@example.com"'),
        b64encode(zlib.compress(b"Traceback ada@example.com")),
        b'{"\\u0061da@example.com": 1}',
    ],
)
def test_traces_are_seen_in_every_form(value: bytes) -> None:
    assert Traces(ADA).are_in([b"", value])


@pytest.mark.parametrize(("text", "value"), [('to":', b'{"to":1}'), ('","', b'["a","b"]'), ("[null", b"[null]")])
def test_what_stands_between_values_is_no_trace(text: str, value: bytes) -> None:
    assert not Traces(text).are_in([value])


@pytest.mark.parametrize("value", [b"[" * 100_000 + b'"', b"\x78garbage", b"ada@example", b'["ada@", "example.com"]'])
def test_garbage_is_no_trace(value: bytes) -> None:
    assert not Traces(ADA).are_in([value])
