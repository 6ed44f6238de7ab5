"""What a signature is over, when it is valid, and what is left of it when its job has ended."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liquid_background.errors import JobRefused
from liquid_background.job import Job, Outcome
from liquid_background.jobs.queue import Queue, assembly, finishing, keys, scripts
from liquid_background.jobs.queue.opening import open_claimed
from liquid_background.jobs.queue.payload import decode_payload, encode_data, encode_payload
from liquid_background.jobs.queue.protocol import CLAIMED, CONSTANTS
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.queue.signing import LIFETIME, spent
from liquid_background.jobs.store import Store
from liquid_background.jobs.store.clock import ServerClock
from liquid_background.settings import Settings, load_settings
from tests.campaigns import TIMES, fuzz

KEY = "the-first-signing-key"
NOW = 1_700_000_000.4
DAY = 86_400.0

Make = Any


@pytest.fixture
def signing(settings: Settings) -> Settings:
    return _with_key(settings, KEY)


def _with_key(settings: Settings, key: str) -> Settings:
    return settings.model_copy(update={"signing_key": load_settings(signing_key=key).signing_key})


def _record(store: Store, job: Job, settings: Settings, now: float | None = NOW) -> dict[str, Any]:
    """Send a job as a sender does whose clock is `now`, and return the fields that a claim would bring."""
    scripts.run(store, "send", [settings.log_limit, 1, 0, *encode_job(job, settings, now)])
    client: Any = store.client
    return dict(zip(CLAIMED, client.hmget(keys.job(job.id), CLAIMED), strict=True))


def _open(job_id: str, record: dict[str, Any], settings: Settings, now: float = NOW, queue: str = "") -> Any:
    return open_claimed(job_id.encode(), queue or record["origin"].decode(), b"", [*record.values()], settings, now=now)


def _times(record: dict[str, Any]) -> tuple[int, int]:
    version, due, expires, digest = record[keys.SIGNATURE].decode().split(":")
    assert (version, len(digest)) == ("2", 64)
    return int(due), int(expires)


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({}, 1_700_000_000),
        ({"delay": 2.5}, 1_700_000_150),
        ({"start_at": NOW + 3600}, 1_700_003_600),
        ({"start_at": 5.0}, 1_700_000_000),
        ({"start_at": -5.0}, 1_700_000_000),
    ],
)
def test_a_job_is_signed_for_its_first_due_time(
    store: Store, job: Make, signing: Settings, fields: dict[str, Any], due: int
) -> None:
    record = _record(store, job(id="j", **fields), signing)
    assert _times(record) == (due, due + LIFETIME)
    assert _open("j", record, signing, due).id == "j"


def test_a_job_for_a_moment_is_signed_for_it_whatever_the_clock_is(store: Store, job: Make, signing: Settings) -> None:
    assert _times(_record(store, job(id="j", start_at=NOW), signing, now=None))[0] == int(NOW)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (-3600, "a time that comes in 4,500 s"),
        (900 - 5.1, "a time that comes in 5 s"),
        (900 - 4.9, None),
        (900 + 29 * DAY, None),
        (900 + 30 * DAY, "over 30 days old"),
        (900 + 400 * DAY, "over 30 days old"),
    ],
)
def test_a_signature_is_valid_from_the_due_time_on_for_thirty_days(
    store: Store, job: Make, signing: Settings, seconds: float, reason: str | None
) -> None:
    due = int(NOW)
    record = _record(store, job(id="j", delay=15.0), signing, float(due))
    if reason is None:
        assert _open("j", record, signing, due + seconds).id == "j"
    else:
        with pytest.raises(JobRefused, match=reason):
            _open("j", record, signing, due + seconds)


def _changed(signature: bytes, place: int, value: str) -> bytes:
    parts = signature.decode().split(":")
    parts[place] = value
    return ":".join(parts).encode()


ALTERED = {
    "id": lambda record: None,
    "queue": lambda record: record.update(origin=b"high"),
    "whole limit": lambda record: record.update(timeout=b"9"),
    "exact limit": lambda record: record.update({keys.LIMIT: b"7.25"}),
    "no exact limit": lambda record: record.update({keys.LIMIT: None}),
    "waits": lambda record: record.update(retry_intervals=b"[0.0]"),
    "more attempts": lambda record: record.update(retry_intervals=b"[5.0,5.0]"),
    "payload": lambda record: record.update(data=record["data"].replace(b'"hi"', b'"ho"')),
    "due": lambda record: record.update({keys.SIGNATURE: _changed(record[keys.SIGNATURE], 1, "1600000000")}),
    "expiry": lambda record: record.update({keys.SIGNATURE: _changed(record[keys.SIGNATURE], 2, "9999999999")}),
    "version": lambda record: record.update({keys.SIGNATURE: record[keys.SIGNATURE].rpartition(b":")[2]}),
    "spaces": lambda record: record.update({keys.SIGNATURE: record[keys.SIGNATURE] + b"\n"}),
    "garbage": lambda record: record.update({keys.SIGNATURE: b"\xff" * 5000}),
    "digits": lambda record: record.update({keys.SIGNATURE: _changed(record[keys.SIGNATURE], 1, "1" * 5000)}),
    "none": lambda record: record.update({keys.SIGNATURE: None}),
    "empty": lambda record: record.update({keys.SIGNATURE: b""}),
}


@pytest.mark.parametrize("part", ALTERED)
def test_whatever_part_is_altered_does_not_fit_any_more(store: Store, job: Make, signing: Settings, part: str) -> None:
    record = _record(store, job(id="j", timeout=7.5, max_attempts=2), signing)
    assert _open("j", record, signing).max_attempts == 2
    ALTERED[part](record)
    with pytest.raises(JobRefused, match="is not signed" if part in ("none", "empty") else "does not fit"):
        _open("other" if part == "id" else "j", record, signing)
    assert _open("j", record, load_settings()).id == "j"


def test_a_record_that_rq_has_saved_again_still_fits(store: Store, job: Make, signing: Settings) -> None:
    record = _record(store, job(id="j", max_attempts=3, waits=(5, 0.5)), signing)
    record["retry_intervals"] = json.dumps(json.loads(record["retry_intervals"])).encode()
    assert _open("j", record, signing).max_attempts == 3


def test_keys_rotate(store: Store, job: Make, settings: Settings, signing: Settings) -> None:
    record = _record(store, job(id="j"), signing)
    assert _open("j", record, _with_key(settings, f"the-second-signing-key,{KEY}")).id == "j"
    with pytest.raises(JobRefused, match="does not fit"):
        _open("j", record, _with_key(settings, "the-second-signing-key"))


def test_a_signature_of_the_version_before_is_accepted(store: Store, job: Make, signing: Settings) -> None:
    record = _record(store, job(id="j", timeout=7.5, max_attempts=2), signing)
    parts = (b"liquid-background job v1", b"j", b"default", b"8", b"7.5", b"[5.0]", record["data"])
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    record[keys.SIGNATURE] = hmac.new(KEY.encode(), framed, hashlib.sha256).hexdigest().encode()
    assert _open("j", record, signing).id == "j"
    with pytest.raises(JobRefused, match="does not fit"):
        _open("other", record, signing)


@pytest.mark.parametrize("signature", [b"", b"ended:2:1:2:ab", b"2:1:2:" + b"ab" * 32, b"cd" * 32, b"x", b"ended:"])
def test_the_scripts_leave_of_a_signature_what_is_looked_for(store: Store, signature: bytes) -> None:
    store.client.hset("key", "lb_sig", signature)  # type: ignore[arg-type]
    call = "spend(ARGV[1], redis.call('HGET', ARGV[1], 'lb_sig'))"
    for _ in range(2):
        store.client.eval(assembly.text("signature") + call, 0, "key")
        assert store.client.hget("key", "lb_sig") == spent(signature)


def test_a_sender_looks_at_the_clock_once_a_minute_and_only_to_sign(
    store: Store, job: Make, settings: Settings, signing: Settings
) -> None:
    asked = _times_asked(store)
    Queue(store, settings).send([job()])
    assert _times_asked(store) == asked
    before = store.client.time()[0]
    queue = Queue(replace(store, clock=ServerClock()), signing)
    for number in range(5):
        queue.send([job(id=f"j{number}")])
    assert _times_asked(store) == asked + 2  # the test's own, too
    assert before <= _times({keys.SIGNATURE: store.client.hget(keys.job("j4"), keys.SIGNATURE)})[0] <= time.time() + 1


def _times_asked(store: Store) -> int:
    client: Any = store.client
    return int(client.info("commandstats").get("cmdstat_time", {"calls": 0})["calls"]) - _times_in_scripts(client)


def _times_in_scripts(client: Any) -> int:
    stats = client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"]) for name in ("evalsha", "eval"))


def test_what_a_job_makes_is_signed_for_the_time_of_its_claim(job: Make, signing: Settings) -> None:
    running = finishing.Running("j", "token", "default", "mail", "pages/x", 3, 1)
    done = finishing.finish(running, Outcome(result="", jobs=(job(delay=1.0),)), signing, now=NOW)
    assert [value for value in done.arguments if str(value).startswith("2:")] == [
        encode_job(job(id=done.arguments[CONSTANTS["END_WIDTH"]], delay=1.0), signing, NOW)[9]
    ]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@fuzz
@settings(max_examples=100 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.text(max_size=5), PLAIN, max_size=4), st.text(max_size=20))
def test_a_payload_read_back_is_encoded_as_it_was_sent(parameters: dict[str, Any], source: str) -> None:
    sent = encode_data(Job(source_name="x", template="pages/é", line=3, source=source, parameters=parameters))
    assert encode_payload(decode_payload(sent)) == sent
