"""What Python and the scripts say to each other: shapes, constants, kinds of ends, and where an error stands."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from subprocess import run
from sys import executable

import pytest
from redis.exceptions import ResponseError

from liquid_background.job import MAX_CONCURRENCY, MAX_PAYLOAD, MAX_RETRIES, MAX_RETRYING, Ending, Priority
from liquid_background.jobs.log import KEY
from liquid_background.jobs.log.entry import EntryValues
from liquid_background.jobs.queue import Queue, assembly, keys, protocol, scripts
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

ROOT = Path(__file__).parents[3]
FOLDER = files("liquid_background.jobs.queue").joinpath("lua")

# Why each is what it is. Whoever changes one changes what stores and workers of two versions agree on: say so here.
NAMES = {  # the names in the store, where versions before have put them
    "LOG": "liquid_background:log",
    "LOG_ENDS": "liquid_background:log:ends",
    "LOG_MARKS": "liquid_background:log:marks",
    "LOG_LONG": "liquid_background:log:long",
    "LEASES": "liquid_background:leases",
    "BATCHES": "liquid_background:batches",
    "BATCH_JOBS": "liquid_background:batch_jobs",
    "DELETED": "liquid_background:deleted",
    "TICKED": "liquid_background:ticked",
    "WRITABLE": "liquid_background:writable",
    "GROUPS": "liquid_background:groups",
    "PAUSES": "liquid_background:pauses",
    "HELD": "liquid_background:held",
    "SCHEDULES": "liquid_background:schedules",
    "SCHEDULES_PAUSED": "liquid_background:schedules:paused",
    "COUNTS": "liquid_background:counts:",
    "COUNTED_NAMES": "liquid_background:counted",
    "OPERATION": "liquid_background:operation:",
    "OPERATIONS": "liquid_background:operations",
    "OPERATIONS_DUE": "liquid_background:operations:due",
    "PROVED": "liquid_background:proved:",
    "BEHIND": "liquid_background:behind:",
    "AUDIT": "liquid_background:audit",
    "SET_ASIDE": "liquid_background:set_aside:",
    "WAKE": "liquid_background:wake:",
    "SLOTS": "liquid_background:slots:",
    "PARKED": "liquid_background:parked:",
    "FAILED_IDS": "liquid_background:failed",
    "FAILED_OF": "liquid_background:failed:of",
    "FAILED_NAMES": "liquid_background:failed:names",
    "FAILED_UNNAMED": "liquid_background:failed:unnamed",
    "FAILED_APART": "liquid_background:failed:apart",
    "FAILED_NAME": "liquid_background:failed:name:",
    "FAILED_GROUP": "liquid_background:failed:group:",
    "FAILURE_GROUPS": "liquid_background:failures",
    "FAILURE_ABOUT": "liquid_background:failures:about:",
    "FAILURE_HOURS": "liquid_background:failures:hours:",
    "FAILURES_OF": "liquid_background:failures:of:",
    "FAILURES_LOOKED": "liquid_background:failures:looked",
    "DELAYED": "liquid_background:delayed:",
    "DELAYED_LOOKED": "liquid_background:delayed",
    "ALERT": "liquid_background:alert:",
    "ALERTS": "liquid_background:alerts",
    "ALERTS_DUE": "liquid_background:alerts:due",
    "ALERTS_HELD": "liquid_background:alerts:held",
    "ALERT_WORKERS": "liquid_background:alerts:workers",
    "SCHEDULES_PASSED": "liquid_background:schedules:passed",
    "QUEUE": "rq:queue:",  # and where RQ has them
    "SCHEDULED": "rq:scheduled:",
    "DEFERRED": "rq:deferred:",
    "WIP": "rq:wip:",
    "FINISHED_IN": "rq:finished:",
    "CANCELED_IN": "rq:canceled:",
    "FAILED_IN": "rq:failed:",
    "WORKERS_OF": "rq:workers:",
    "HIGH_QUEUE": "high",
    "DEFAULT_QUEUE": "default",
    "LOW_QUEUE": "low",
    "SITE": "",
    "SCHEDULED_HERE": "",
}
NAMES_OF_SHOP = {
    "LOG": "liquid_background:shop.log",
    "LOG_ENDS": "liquid_background:shop.log:ends",
    "LOG_MARKS": "liquid_background:shop.log:marks",
    "LOG_LONG": "liquid_background:shop.log:long",
    "LEASES": "liquid_background:shop.leases",
    "BATCHES": "liquid_background:shop.batches",
    "BATCH_JOBS": "liquid_background:shop.batch_jobs",
    "DELETED": "liquid_background:shop.deleted",
    "TICKED": "liquid_background:shop.ticked",
    "WRITABLE": "liquid_background:shop.writable",
    "GROUPS": "liquid_background:shop.groups",
    "PAUSES": "liquid_background:shop.pauses",
    "HELD": "liquid_background:shop.held",
    "SCHEDULES": "liquid_background:shop.schedules",
    "SCHEDULES_PAUSED": "liquid_background:shop.schedules:paused",
    "COUNTS": "liquid_background:shop.counts:",
    "COUNTED_NAMES": "liquid_background:shop.counted",
    "OPERATION": "liquid_background:shop.operation:",
    "OPERATIONS": "liquid_background:shop.operations",
    "OPERATIONS_DUE": "liquid_background:shop.operations:due",
    "PROVED": "liquid_background:shop.proved:",
    "BEHIND": "liquid_background:shop.behind:",
    "AUDIT": "liquid_background:shop.audit",
    "SET_ASIDE": "liquid_background:shop.set_aside:",
    "WAKE": "liquid_background:shop.wake:",
    "SLOTS": "liquid_background:shop.slots:",
    "PARKED": "liquid_background:shop.parked:",
    "FAILED_IDS": "liquid_background:shop.failed",
    "FAILED_OF": "liquid_background:shop.failed:of",
    "FAILED_NAMES": "liquid_background:shop.failed:names",
    "FAILED_UNNAMED": "liquid_background:shop.failed:unnamed",
    "FAILED_APART": "liquid_background:shop.failed:apart",
    "FAILED_NAME": "liquid_background:shop.failed:name:",
    "FAILED_GROUP": "liquid_background:shop.failed:group:",
    "FAILURE_GROUPS": "liquid_background:shop.failures",
    "FAILURE_ABOUT": "liquid_background:shop.failures:about:",
    "FAILURE_HOURS": "liquid_background:shop.failures:hours:",
    "FAILURES_OF": "liquid_background:shop.failures:of:",
    "FAILURES_LOOKED": "liquid_background:shop.failures:looked",
    "DELAYED": "liquid_background:shop.delayed:",
    "DELAYED_LOOKED": "liquid_background:shop.delayed",
    "ALERT": "liquid_background:shop.alert:",
    "ALERTS": "liquid_background:shop.alerts",
    "ALERTS_DUE": "liquid_background:shop.alerts:due",
    "ALERTS_HELD": "liquid_background:shop.alerts:held",
    "ALERT_WORKERS": "liquid_background:shop.alerts:workers",
    "SCHEDULES_PASSED": "liquid_background:shop.schedules:passed",
    "QUEUE": "rq:queue:shop.",
    "SCHEDULED": "rq:scheduled:shop.",
    "DEFERRED": "rq:deferred:shop.",
    "WIP": "rq:wip:shop.",
    "FINISHED_IN": "rq:finished:shop.",
    "CANCELED_IN": "rq:canceled:shop.",
    "FAILED_IN": "rq:failed:shop.",
    "WORKERS_OF": "rq:workers:shop.",
    "HIGH_QUEUE": "shop.high",
    "DEFAULT_QUEUE": "shop.default",
    "LOW_QUEUE": "shop.low",
    "SITE": "shop.",
    "SCHEDULED_HERE": "-8d9001d",
}

CONSTANTS = {
    "JOB_WIDTH": 14,  # records.encode_job
    "ENTRY_WIDTH": 11,  # log.encode_entry; the fields of every entry that a log holds
    "END_WIDTH": 14,  # finishing.finish
    "BEAT_WIDTH": 9,  # moves.beat
    "STATUS_AT": 7,  # in the order of ENTRY
    "GROUP_AT": 4,  # behind status, token and mark of another application's
    "DATA_AT": 5,
    "LAST_AT": 13,  # the nine of CLAIMED
    "LARGEST": 2 * MAX_PAYLOAD,  # the payload, with room for what wraps it
    "LARGEST_VALUE": (1024 * 1024 + 2) // 3 * 4,  # 1 MB of JSON as base64, which RQ keeps
    "CUT_VALUE": "Ilx1MjAyNiI=",  # "…" as JSON, as base64
    "BLANK": "IiI=",  # likewise "", of a text that is not kept, where a result of an earlier run stands
    "NOTHING": "bnVsbA==",  # likewise null, of a result that is not kept
    "NOT_KEPT": "!",  # no base64
    "NOT_KEPT_FINAL": 2,  # true, as 1 is, to every version
    "MOST_DIGITS": 15,  # exact as a float, which Lua counts in
    "MOST_ATTEMPTS": 10**6,  # more than MAX_RETRIES allows in any number of runs that a person starts
    "MOST_WAITS": MAX_RETRIES,
    "LONGEST_WAIT": MAX_RETRYING,
    "MOST_SLOTS": 10 * MAX_CONCURRENCY,  # more were planted
    "FAILURE_TTL": Settings.model_fields["failure_ttl"].default,
    "LONGEST_TTL": 10 * 365 * 24 * 3600,
    "ANCHORS": 4,  # ids on either side of a place in a list
    "LONGEST_ID": 1000,  # ours have 100 bytes at most
    "LARGEST_BATCH": 512 * 1024,  # 64 ids of that length, each byte six in JSON
    "LONGEST_SHOWN": 200,  # a name of 100 characters of two bytes
    "LONGEST_GAP": 400,  # half of the shortest claim
    "LONGEST_GRACE": 3_600_000,  # the setting LEASE says 3,600 s at most
    "SINCE_REAPED": 60_000,
    "MOST_IN_BATCH": 1_000,
    "LONGEST_SLEEP": 24 * 3600 * 1000,
    "MOST_LOSSES": 10,
    "SHORT": 256,  # bytes of why an attempt failed that the log always keeps
    "WEIGHED": 512,  # a line of a few words counts once, as ever
    "MOST_WAKES": 64,
    "CELL": 9,  # five counts, two sums, two objects of buckets
    "LOST_AT": 4,
    "MOST_NAMES": 1_000,
    "OTHER_NAMES": "(others)",  # no source name
    "COUNTED_MINUTES_KEPT": 25 * 3600,  # a day, and the hour that it ends in
    "COUNTED_HOURS_KEPT": 32 * 86_400,
    "COUNTED_DAYS_KEPT": 33 * 86_400,
    "MOST_PAUSES": 100,
    "OURS": 3,  # a worker that knows of the index of delayed jobs
    "KNOWS_BEHIND": 2,  # one that knows of ids that stay behind
    "MOST_OPERATIONS": 1_000,
    "OPERATION_KEPT": 30 * 24 * 3600,
    "PROOF_KEPT": 86_400,  # a day: templates change, and a proof is worth no more than the time since it was made
    "FARTHEST_DUE": 60_000,  # a worker looks again after a minute, whatever the rate or the clock
    "MOST_AUDITED": 10_000,
    "LONGEST_AUDITED": 2_000,  # an operation's filter
    "MOST_FAILED_NAMES": 2000,  # 250 bytes each
    "MOST_FAILURES": 2000,  # 2 KB each
    "MOST_FAILURES_OF": 50,  # of one template, whose author may make a message of anything
    "HOURS_KEPT": 48,
    "LONGEST_NAME": 400,  # of a source name
    "LONGEST_PLACE": 255,
    "LONGEST_ERROR": 500,
    "GIVEN_UP": "the worker that ran it died 10 times",
    "GIVEN_UP_SHARED": "the worker that ran it died * times",
    "GARBAGE": "its record is garbage",
    "GONE": "its record is gone: deleted, expired or evicted by the store",
    "NO_RECORD": "the record is not a hash",
    "ELSEWHERE": "a job of another site has this id: give it one with the name of this site in it",
}


def test_every_constant_is_what_was_agreed_on() -> None:
    assert dict(protocol.CONSTANTS) == CONSTANTS


@pytest.mark.parametrize(("site", "names"), [("", NAMES), ("shop", NAMES_OF_SHOP)])
def test_every_name_is_what_was_agreed_on(site: str, names: dict[str, str], store: Store) -> None:
    assert dict(protocol.names_of(site)) == names
    seen = store.client.eval(assembly._with_constants(f"return {{{', '.join(names)}}}", site), 0)
    assert seen == [name.encode() for name in names.values()]


def test_a_script_sees_what_was_agreed_on(store: Store) -> None:
    seen = store.client.eval(assembly._with_constants(f"return {{{', '.join(CONSTANTS)}}}"), 0)
    assert seen == [value.encode() if isinstance(value, str) else value for value in CONSTANTS.values()]


def test_the_lists_are_those_that_were_agreed_on() -> None:
    assert protocol.LISTS["PRIORITIES"] == tuple(Priority) == ("high", "default", "low")
    assert {*protocol.LISTS["ENDED"]} == {"finished", "failed", "stopped", "canceled"}
    assert {*protocol.LISTS["RETRIABLE"]} == {"failed", "stopped", "canceled"}
    assert {*protocol.LISTS["ENDED_IN"]} == {"finished", "failed", "canceled"}
    assert {*protocol.LISTS["RETRIED_FROM"]} == {"failed", "canceled"}
    fields = protocol.LISTS["FIELDS"]
    assert fields[: protocol.CONSTANTS["DATA_AT"] - 1] == ("status", "lb_token", "lb_foreign", "lb_group")  # type: ignore[index, operator]
    assert fields[4:13] == protocol.CLAIMED
    assert fields[13:] == protocol.PLANTED


def test_every_constant_is_used_and_none_is_written_again() -> None:
    code = "".join(line for name in assembly.names() for line in _code(name))
    named = set(re.findall(r"\b[A-Z][A-Z_]+\b", code))
    constants = {*protocol.CONSTANTS, *protocol.LISTS, *NAMES}
    assert constants <= named
    written = re.findall(r"^local ([A-Z_]+)(?:, [A-Z_]+)* = ", code, re.MULTILINE)
    assert not {*written} & constants
    own = [value for value in protocol.CONSTANTS.values() if isinstance(value, str)]
    own += [name for name in NAMES.values() if ":" in name]
    assert not [value for value in own if f"'{value}'" in code]


def _code(name: str) -> list[str]:
    lines = FOLDER.joinpath(f"{name}.lua").read_text("ascii").splitlines(keepends=True)
    return [line.partition("-- ")[0] if not re.match(r"\s*-- (unpack|name|locals):", line) else line for line in lines]


def test_every_script_is_part_of_another_or_run_by_its_name() -> None:
    parts = {line.file for name in assembly.names() for line in assembly.lines(name) if line.file != name}
    code = "".join(path.read_text() for path in ROOT.joinpath("liquid_background").rglob("*.py"))
    assert [name for name in {*assembly.names()} - parts if f'"{name}"' not in code] == []


def test_the_step_script_has_an_end_for_each_kind() -> None:
    ends = set(re.findall(r"function ends\.(\w+)\(", assembly.text("step")))
    # A cancel wins over every other kind, so it stands before them; a claim that never began has no kind of its own.
    assert ends - {"unstarted"} == {ending.value for ending in Ending} - {"cancelled"}
    assert "kind == 'cancelled'" in assembly.text("step")


WHOLE = [name for name in assembly.names() if "ARGV" in assembly.text(name)]


@pytest.mark.parametrize("name", WHOLE)
def test_a_script_knows_every_name_that_it_uses(name: str) -> None:
    text = assembly.text(name)
    assert text.isascii()
    assert not re.search(r"^\s*-- (include|unpack|name|fetch|locals):", text, re.MULTILINE)
    code = re.sub(r"--.*|'[^']*'", "", text)
    known = {name for names in re.findall(r"\blocal ([A-Z][A-Z_, ]+)", code) for name in names.split(", ")}
    assert not set(re.findall(r"\b[A-Z][A-Z_]{2,}\b", code)) - {name.strip() for name in known} - {"ARGV"}


def test_fields_travel_under_their_names(store: Store, queue: Queue) -> None:
    values = protocol.JobValues(
        id="j", queue="low", delay=0, data=b"{}", timeout=7, retries=2, waits="[1,2]", source_name="mail", limit="6.5",
        signature="s", result_ttl=11, failure_ttl=12, group="g", group_limit=3,
    )  # fmt: skip
    entry = EntryValues(
        job_id=b"j", source_name=b"mail", template=b"t", line=1, attempt=2, max_attempts=3, status=b"FAILED",
        duration=4, message=b"m", type=b"x", final=1,
    )  # fmt: skip
    assert scripts.run(store, "send", [100, 1, 1, *values, *entry]) == []
    record = {name.decode(): value.decode() for name, value in store.client.hgetall(keys.job("j")).items()}
    assert record.pop("created_at") == record.pop("enqueued_at")
    assert record == {
        "data": "{}", "origin": "low", "status": "queued", "description": "mail", "timeout": "7", "retries_left": "2",
        "retry_intervals": "[1,2]", "lb_limit": "6.5", "lb_sig": "s", "result_ttl": "11", "failure_ttl": "12",
        "lb_group": "g", "lb_group_limit": "3",
    }  # fmt: skip
    [(_, fields)] = store.client.xrange(KEY)
    assert fields == {name.encode(): str(value).encode() if isinstance(value, int) else value
                      for name, value in entry._asdict().items()}  # fmt: skip
    assert [*fields] == [name.encode() for name in EntryValues._fields]  # in this order: their names are stored once


def test_an_error_names_the_file_and_the_line(store: Store) -> None:
    with pytest.raises(ResponseError) as caught:
        scripts.run(store, "step", [])
    place = re.search(r"(\w+)\.lua:(\d+)", str(caught.value))
    assert place, caught.value
    assert place[1] == "step"
    assert "higher_queues" in FOLDER.joinpath("step.lua").read_text("ascii").splitlines()[int(place[2]) - 1]


def test_a_line_outside_the_script_is_left_as_it_is() -> None:
    assert assembly.located("send", "user_script:999999: x") == "user_script:999999: x"
    assert assembly.located("send", "at user_script:1 and @user_script:1.") == "at time.lua:1 and @time.lua:1."


def test_a_command_prints_a_script_with_its_places() -> None:
    module = "liquid_background.jobs.queue.assembly"
    done = run([executable, "-m", module, "send"], capture_output=True, text=True, check=True)
    shown = [re.fullmatch(r" *(\d+) (\w+):(\d+) +(.*)", line) for line in done.stdout.splitlines()]
    lines = assembly.lines("send")
    assert [(int(m[1]), m[2], int(m[3])) for m in shown if m] == [
        (number, line.file, line.number) for number, line in enumerate(lines, 1)
    ]
    wrong = run([executable, "-m", module, "nonsense"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "step" in wrong.stderr
