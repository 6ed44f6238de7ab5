"""What someone else wrote into the store is refused, logged once and left; the next job runs."""

from __future__ import annotations

import json
import pickle
import time
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liquid_background.errors import JobRefused
from liquid_background.job import JobStatus
from liquid_background.jobs.queue import Queue, keys, scripts
from liquid_background.jobs.queue.payload import FUNCTION
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.store import connect
from liquid_background.settings import load_settings
from tests.worker.conftest import Bench

REFUSED = [("REFUSED", 0, True)]


def _data(function: str, *args: Any) -> bytes:
    return json.dumps([function, None, list(args), {}]).encode()


def _plant(bench: Bench, **fields: Any) -> str:
    """Send a job of ours and change its record behind our back."""
    job_id = bench.send()
    bench.store.client.hset(keys.job(job_id), mapping=fields)
    return job_id


class _Touch:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (self._path,)  # type: ignore[return-value]


def _bomb() -> bytes:
    """Return what 300 MB are compressed to, of which only a part is compressed."""
    part, parts = b"[" * 1_000_000, 300
    raw = zlib.compressobj(9, wbits=-15)
    again = raw.compress(part) + raw.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(parts):
        check = zlib.adler32(part, check)
    return b"\x78\xda" + again * parts + raw.flush() + check.to_bytes(4, "big")


PLANTED = [
    ("J2 another function", {"data": _data("os.system", "true")}, "names the function"),
    ("J2 os.system inside", {"data": _data(FUNCTION, {"v": 1, "function": "os:system"})}, "missing or of the wrong"),
    ("J3 version", {"data": _data(FUNCTION, {"v": 2})}, "payload version"),
    ("J5 callback", {"success_callback_name": "os.system"}, "success_callback_name"),
    ("J5 callback on failure", {"failure_callback_name": "os.system"}, "failure_callback_name"),
    ("J6 webhook", {"webhooks": '[{"url": "http://127.0.0.1", "job_status": "finished"}]'}, "webhooks"),
    ("J7 bomb", {"data": _bomb()}, "over 204,800 bytes"),
    ("J7 oversize", {"data": b'"' + b"x" * 300_000 + b'"'}, "over 204,800 bytes"),
    ("J8 no JSON", {"data": b"\xff\x00"}, "not the JSON"),
    ("J8 deep JSON", {"data": b"[" * 100_000}, "not the JSON"),
    ("J8 timeout", {"timeout": "soon"}, "timeout"),
    ("J8 no end", {"timeout": "inf"}, "timeout"),
    ("J8 waits", {"retry_intervals": '{"a": 1}'}, "retry_intervals"),
    ("J8 waits nest", {"retry_intervals": "[[1]]"}, "retry_intervals"),
    ("J8 origin", {"origin": "other"}, "another queue"),
    ("J8 repeats", {"repeats_left": "5"}, "repeats_left"),
]


@pytest.mark.parametrize(("fields", "reason"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_j_a_planted_record_is_refused(bench: Bench, fields: dict[str, Any], reason: str) -> None:
    planted = _plant(bench, **fields)
    after = bench.send()
    bench.burst()
    assert bench.story(planted) == REFUSED
    assert reason in bench.log(planted)[0].message
    assert bench.queue.get(planted).status is JobStatus.FAILED
    assert bench.store.client.zscore(keys.failed("default"), planted) is not None
    for name, value in fields.items():
        assert bench.store.client.hget(keys.job(planted), name) == (value if type(value) is bytes else value.encode())
    assert bench.story(after) == [("SUCCESS", 1, True)]
    assert [run[0] for run in bench.runs()] == [after]


def test_j1_a_pickled_job_is_never_loaded(bench: Bench, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    planted = _plant(bench, data=pickle.dumps(("x.y", None, (_Touch(trap),), {})))
    bench.burst()
    assert bench.story(planted) == REFUSED
    assert not trap.exists()


def test_j8_a_record_that_is_not_a_hash_is_logged_and_passed_over(bench: Bench) -> None:
    planted, after = bench.send(), bench.send()
    bench.store.client.delete(keys.job(planted))
    bench.store.client.set(keys.job(planted), "garbage")
    bench.burst()
    assert bench.story(planted) == REFUSED
    assert bench.story(after) == [("SUCCESS", 1, True)]


@pytest.mark.parametrize(
    "field", ["status", "created_at", "lb_attempt", "lb_final", "result_ttl", "failure_ttl", "description"]
)
def test_j8_garbage_in_our_bookkeeping_stops_nothing(bench: Bench, field: str) -> None:
    planted = _plant(bench, **{field: b"\xff garbage"})
    after = bench.send()
    bench.burst()
    assert bench.story(after) == [("SUCCESS", 1, True)]
    assert [final for _, _, final in bench.story(planted)].count(True) == (field != "status")


KEY = "the-first-signing-key"


@pytest.fixture
def signed(bench: Bench) -> Bench:
    bench.queue.settings = bench.settings.model_copy(
        update={"signing_key": load_settings(signing_key=KEY).signing_key, "retry_delays": (0.0,)}
    )
    return bench


def test_j3_j4_with_a_key_only_what_it_signed_runs(signed: Bench) -> None:
    good = signed.send(max_attempts=2, timeout=7.5)
    altered = signed.send(given={"do": "nothing", "note": "x"})
    data = signed.store.client.hget(keys.job(altered), "data") or b""
    signed.store.client.hset(keys.job(altered), "data", data.replace(b'"note":"x"', b'"note":"y"'))  # type: ignore[arg-type]
    longer = signed.send()
    signed.store.client.hset(keys.job(longer), "timeout", "9999")
    replayed = "replayed"
    signed.store.client.copy(keys.job(good), keys.job(replayed))
    signed.store.client.rpush(keys.queue("default"), replayed)
    moved = signed.send()
    signed.store.client.hset(keys.job(moved), "origin", "high")
    signed.store.client.lrem(keys.queue("default"), 1, moved)
    signed.store.client.rpush(keys.queue("high"), moved)
    unsigned = signed.send()
    signed.store.client.hdel(keys.job(unsigned), keys.SIGNATURE)
    signed.burst(signing_key=KEY)
    assert signed.story(good) == [("SUCCESS", 1, True)]
    assert [signed.story(job_id) for job_id in (altered, longer, replayed, moved, unsigned)] == [REFUSED] * 5


def test_a_signed_job_runs_again_and_keys_rotate(signed: Bench) -> None:
    job_id = signed.send("fail_until", given={"times": 2}, max_attempts=3)
    signed.burst(signing_key=f"the-second-signing-key,{KEY}")
    assert signed.story(job_id)[-1] == ("SUCCESS", 3, True)


ENDED_BY = {
    "completed": ("nothing", {}),
    "completed at its second attempt": ("fail_until", {"times": 1}),
    "completed with jobs of its own": ("nothing", {"makes": ["made"]}),
    "failed": ("raise", {}),
    "crashed": ("kill", {}),
    "cancelled while it waits": ("", {}),
    "cancelled while it runs": ("wait_for", {}),
}


@pytest.mark.parametrize("how", ENDED_BY)
def test_l10_a_record_that_has_ended_is_not_run_when_it_is_put_back(signed: Bench, tmp_path: Path, how: str) -> None:
    does, given = ENDED_BY[how]
    job_id = _ended(signed, how, does or "nothing", {**given, "until": str(tmp_path / "go")})
    runs = len(signed.runs())
    _put_back(signed, job_id)
    signed.burst(signing_key=KEY)
    assert signed.story(job_id)[-1:] == REFUSED
    assert "poscli jobs retry" in signed.log(job_id)[-1].message
    assert len(signed.runs()) == runs
    (tmp_path / "go").touch()
    if how.startswith("completed"):
        return
    signed.queue.retry(job_id)  # the record is what was signed, and who has the key wants it to run again
    signed.burst(signing_key=KEY)
    assert len(signed.runs()) > runs
    assert "REFUSED" not in [status for status, _, _ in signed.story(job_id)[-1:]]


def _ended(signed: Bench, how: str, does: str, given: dict[str, Any]) -> str:
    job_id = signed.send(does, given=given, max_attempts=2, delay=5.0 if "waits" in how else 0.0)
    if "waits" in how:
        signed.queue.cancel(job_id)
    elif "runs" in how:
        worker = signed.start(signing_key=KEY)
        signed.wait_for_run(job_id)
        signed.queue.cancel(job_id)
        signed.wait_for(job_id, "cancelled")
        worker.stop()
    else:
        signed.burst(signing_key=KEY)
    assert signed.queue.get(job_id).status == how.split(maxsplit=1)[0].replace("crashed", "failed")
    return job_id


def _put_back(bench: Bench, job_id: str) -> None:
    """Put a record back into its queue as someone does who can write to the store and knows RQ."""
    client: Any = bench.store.client
    client.hset(keys.job(job_id), "status", "queued")
    client.persist(keys.job(job_id))
    client.rpush(keys.queue("default"), job_id)


def test_a_signed_job_is_retried_with_its_key_only(signed: Bench) -> None:
    failing = signed.send("raise")
    signed.burst(signing_key=KEY)
    without = Queue(signed.store, signed.settings)
    with pytest.raises(JobRefused, match="SIGNING_KEY is not set here"):
        without.retry(failing)
    assert signed.queue.get(failing).status == "failed"


def test_l10_a_retry_vouches_for_nothing_that_was_not_signed(signed: Bench) -> None:
    altered, copied, unsigned = signed.send("raise"), "copied", signed.send("raise")
    signed.burst(signing_key=KEY)
    client: Any = signed.store.client
    client.copy(keys.job(altered), keys.job(copied))
    data = client.hget(keys.job(altered), "data")
    client.hset(keys.job(altered), "data", data.replace(b'"do":"raise"', b'"do":"nothing"'))
    client.hdel(keys.job(unsigned), keys.SIGNATURE)
    for job_id, reason in ((altered, "does not fit"), (copied, "does not fit"), (unsigned, "is not signed")):
        with pytest.raises(JobRefused, match=rf"cannot retry job {job_id}: .*{reason}"):
            signed.queue.retry(job_id)
    for job_id in (altered, copied, unsigned):
        _put_back(signed, job_id)
    signed.burst(signing_key=KEY)
    assert [signed.story(job_id)[-1:] for job_id in (altered, copied, unsigned)] == [REFUSED] * 3


def test_l10_a_refused_record_is_signed_anew_once_it_is_what_it_was(signed: Bench) -> None:
    job_id = signed.send()
    client: Any = signed.store.client
    client.hset(keys.job(job_id), "timeout", "9999")
    signed.burst(signing_key=KEY)
    client.hset(keys.job(job_id), "timeout", "300")
    signed.queue.retry(job_id)
    signed.burst(signing_key=KEY)
    assert signed.story(job_id) == [*REFUSED, ("SUCCESS", 1, True)]


def test_l10_a_record_out_of_its_time_is_not_run(signed: Bench) -> None:
    later, last = signed.send(delay=5.0), signed.send()
    _put_back(signed, later)
    old = [signed.job(), signed.job(delay=1.0)]
    for job in old:
        values = encode_job(job, signed.queue.settings, time.time() - 40 * 86_400)
        scripts.run(signed.store, "send", [signed.settings.log_limit, 1, 0, *values])
        _put_back(signed, job.id)
    signed.burst(signing_key=KEY)
    assert [signed.story(job_id) for job_id in (later, *(job.id for job in old))] == [REFUSED] * 3
    assert "queued too early" in signed.log(later)[0].message
    assert "over 30 days old" in signed.log(old[0].id)[0].message
    assert signed.story(last) == [("SUCCESS", 1, True)]


def test_l10_a_signature_lasts_over_retries_and_losses(signed: Bench) -> None:
    retried = signed.send("fail_until", given={"times": 2}, max_attempts=3)
    signed.burst(signing_key=KEY)
    crashed = signed.send("kill_until", given={"times": 4}, max_attempts=3)
    signed.burst(signing_key=KEY)
    assert [signed.story(job_id)[-1][0] for job_id in (retried, crashed)] == ["SUCCESS", "SUCCESS"]


def test_j12_the_key_shows_nowhere(signed: Bench) -> None:
    unsigned = signed.send()
    signed.store.client.hdel(keys.job(unsigned), keys.SIGNATURE)
    said = signed.burst(signing_key=KEY)
    assert KEY not in said + "".join(entry.message for entry in signed.log())


def test_j9_a_user_with_the_documented_rights_is_enough(bench: Bench, start_server: Any) -> None:
    server = start_server()
    with closing(connect(load_settings(redis_url=server.url))) as admin:
        rule = ("~rq:*", "~liquid_background:*", "+@all", "-@dangerous", "-@admin")
        client: Any = admin.client
        client.execute_command("ACL", "SETUSER", "jobs", "on", ">pw", *rule)
    settings = load_settings(redis_url=server.url.replace("redis://", "redis://jobs:pw@"))
    with closing(connect(settings)) as store:
        limited = replace(bench, store=store, settings=settings, queue=Queue(store, settings))
        job_id, failing = limited.send(), limited.send("raise", max_attempts=2, waits=(0.0,))
        limited.burst()
        assert limited.story(job_id) == [("SUCCESS", 1, True)]
        assert limited.story(failing) == [("FAILED", 1, False), ("FAILED", 2, True)]
        assert limited.queue.retry(failing).status == "pending"
        assert limited.queue.cancel(failing).status == "cancelled"
        assert [record.id for record in limited.queue.list(status="completed")] == [job_id]
