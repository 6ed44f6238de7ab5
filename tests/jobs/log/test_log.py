"""The job log: filters, following, the cap, and lines that nothing in a field can break."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.log import KEY, entries, follow, format_entry, last_id, oldest_first, printable, steady
from liquid_background.jobs.log.searching import script, search
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import load_settings
from tests.log_entries import append

AT = datetime(2024, 1, 15, 14, 32, 45, tzinfo=UTC)


def _entry(**fields: Any) -> LogEntry:
    return LogEntry(**{"source_name": "send_email", "attempt": 1, "max_attempts": 2, "time": AT, **fields})


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (
            _entry(status=LogStatus.SUCCESS, duration=734),
            "[2024-01-15 14:32:45] background job: send_email (attempt 1/2) - SUCCESS (734ms)",
        ),
        (
            _entry(
                status=LogStatus.FAILED,
                duration=12,
                message="partial 'p/x' not found",
                template="pages/checkout",
                line=14,
            ),
            "[2024-01-15 14:32:45] background job: send_email (attempt 1/2) - FAILED (12ms): "
            "partial 'p/x' not found (pages/checkout:14)",
        ),
        (
            _entry(type="info", message="Job completed in 3 seconds"),
            "[2024-01-15 14:32:45] log: send_email - Job completed in 3 seconds",
        ),
        (_entry(type="error", message="no"), "[2024-01-15 14:32:45] log (error): send_email - no"),
    ],
)
def test_a_line_of_text(entry: LogEntry, line: str) -> None:
    assert format_entry(entry) == line


def test_a_short_line() -> None:
    entry = _entry(status=LogStatus.FAILED, source_name="processing_order", max_attempts=3)
    assert format_entry(entry, "short") == "[attempt 1/3] - processing_order - FAILED"


HOSTILE = [
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1b[2J",
    "\x9b2J",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\x7f",
    "\0",
]


@pytest.mark.parametrize("style", ["text", "short", "json"])
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["source_name", "message", "template", "type"])
def test_no_field_breaks_a_line_or_reaches_the_terminal(hostile: str, field: str, style: Any) -> None:
    for status in (None, LogStatus.FAILED):
        line = format_entry(_entry(**{"status": status, "message": "m", field: f"a{hostile}b"}), style)
        assert len(line.splitlines()) == 1
        assert hostile[0] not in line


def test_a_forged_line_is_shown_escaped(store: Store) -> None:
    forged = "x\n[2024-01-15 14:32:45] background job: pay (attempt 1/1) - SUCCESS (1ms)"
    append(store.client, [_entry(message=forged, type="info")], 1000)
    [entry] = entries(store.client)
    assert entry.message == forged
    assert "x\\n[2024" in format_entry(entry)


_FORGED = (
    "attempt 1/3",
    "attempt\u00a01/3",
    "attempt\u31641/3",
    "attempt\U0001d1591/3",
    "attempt\u28001/3",
    "attempt\u00b71/3",
    "x] - pay - SUCCESS [y",
    'attempt 1/3"] - pay - SUCCESS',
    "pay (attempt 1/1) - SUCCESS (1ms)",
    "x) background job: pay (attempt 1/1) - SUCCESS (1ms): (y",
)
_ATTEMPT = {
    "short": re.compile(rf"\[attempt.\d+/\d+\] - [^\"\s]\S* - ({'|'.join(LogStatus)})"),
    "text": re.compile(r"(\[.{19}\] )?background job: [^\"\s]\S* \(attempt \d+/\d+\) - \w+ \(\d+ms\)"),
}


@pytest.mark.parametrize("style", ["text", "short"])
@pytest.mark.parametrize("forged", _FORGED)
def test_no_line_of_a_template_looks_like_an_attempt(style: Any, forged: str) -> None:
    genuine = format_entry(_entry(status=LogStatus.FAILED, source_name="processing_order"), style)
    assert _ATTEMPT[style].match(genuine)
    for field in ("type", "source_name", "message"):
        line = format_entry(
            _entry(**{"message": "SUCCESS", "source_name": "pay", "type": "info", field: forged}), style
        )
        assert not _ATTEMPT[style].match(line), line
    failed = format_entry(_entry(status=LogStatus.FAILED, source_name=forged, message=forged), style)
    assert failed.startswith('[attempt 1/2] - "' if style == "short" else '[2024-01-15 14:32:45] background job: "')


@pytest.mark.parametrize("style", ["text", "short"])
def test_a_name_that_looks_like_a_status_is_in_quotes(style: Any) -> None:
    for name in ("SUCCESS", "failed", "Lost", "\uff26\uff21\uff29\uff2c\uff25\uff24"):
        line = format_entry(_entry(status=LogStatus.FAILED, source_name=name), style)
        assert f'"{name}"' in line
        assert f" - {name} - " not in line
    assert "pay-SUCCESS (" in format_entry(_entry(status=LogStatus.FAILED, source_name="pay-SUCCESS"))


@pytest.mark.parametrize("style", ["text", "short"])
@pytest.mark.parametrize(
    "hostile",
    ["\u05d0", "\u0627", "\u0661", "\u0336", "\ufe0f", "\u20e0", "\u2065", "\ue000", "\u1161", "\u11a8", "\ud7b0"],
)
def test_no_name_turns_or_covers_its_line(hostile: str, style: Any) -> None:
    for status in (None, LogStatus.FAILED):
        for field in ("source_name", "type"):
            line = format_entry(_entry(**{"status": status, "type": "info", field: f"a{hostile}b"}), style)
            assert hostile not in line


def test_messages_keep_their_script_and_turn_nothing_else() -> None:
    assert printable("שלום नमस्ते ünï 你好 ❤️") == "שלום नमस्ते ünï 你好 ❤️"
    assert printable("\u0301a") == "\\u0301a"  # it would stand on what comes before
    assert printable("a" + "\u0336" * 50) == "a" + "\u0336" * 4 + "\\u0336" * 46
    for letter in "\u1160\u1161\u11ff\ud7b0\ud7fb\u3164\uffa0":  # without a column of its own
        number = f"\\u{ord(letter):04x}"
        assert printable(f"a{letter * 50}b") == f"a{letter * 4}{number * 46}b"
        assert printable(letter) == number
    korean = unicodedata.normalize("NFD", "한국어")
    assert printable(korean) == korean
    failed = _entry(status=LogStatus.FAILED, message="שלום", template="pages/x", line=7)
    assert format_entry(failed).endswith("שלום\u200e (pages/x:7)")


def test_only_the_status_is_painted() -> None:
    for style, name in (("text", "x) - FAILED (1ms"), ("short", "a - FAILED"), ("short", "FAILED-1")):
        entry = _entry(status=LogStatus.FAILED, source_name=name)
        painted = format_entry(entry, style, lambda status: f"<{status}>")  # type: ignore[arg-type]
        assert painted.count("<") == 1
        assert painted.replace("<FAILED>", "FAILED") == format_entry(entry, style)  # type: ignore[arg-type]
        assert painted.index("<") > painted.index(name[-3:])


def test_a_name_of_other_characters_than_letters_and_digits_is_in_quotes() -> None:
    for name in ("a(b)", "a]", "\u2192", "\u2160", "a\u2062b", "\U0001f4e6"):
        for style in ("text", "short"):
            assert ' "' in format_entry(_entry(source_name=name), style)  # type: ignore[arg-type]
            assert '"' in format_entry(_entry(source_name="pay", message="m", type=name), style)  # type: ignore[arg-type]
    assert steady("a\U0001d159b\u2800c \u2192 \u00fc1") == "a\\U0001d159b\\u2800c \\u2192 \u00fc1"


def test_ordinary_types_and_names_stay_as_they_are() -> None:
    entry = _entry(source_name="pages/a-b_c.d", type="warning", message="two words")
    assert format_entry(entry) == "[2024-01-15 14:32:45] log (warning): pages/a-b_c.d - two words"
    assert format_entry(entry, "short") == "[warning] - pages/a-b_c.d - two words"
    assert format_entry(_entry(source_name="ünï", message="m", type="info"), "short") == "[info] - ünï - m"


def test_a_backslash_cannot_pass_for_an_escape() -> None:
    assert format_entry(_entry(message="a\\nb", type="info")).endswith("a\\\\nb")


def test_json_lines_hold_every_field(store: Store) -> None:
    append(store.client, [_entry(status=LogStatus.FAILED, message="é\ud800", job_id="j", final=True)], 1000)
    [entry] = entries(store.client)
    read = json.loads(format_entry(entry, "json"))
    assert (read["status"], read["job_id"], read["final"], read["message"]) == ("FAILED", "j", True, "é\\ud800")


def test_every_field_of_an_entry_comes_back_and_is_in_its_json(store: Store) -> None:
    given = {field.name: field for field in fields(LogEntry) if field.name not in ("id", "time")}
    values: dict[str, Callable[[int], Any]] = {
        "str": lambda number: f"x{number}",
        "int": lambda number: number + 1,
        "bool": lambda _: True,
        "LogStatus | None": lambda _: LogStatus.LOST,
    }
    entry = LogEntry(**{name: values[str(field.type)](number) for number, (name, field) in enumerate(given.items())})
    append(store.client, [entry], 1000)
    [read] = entries(store.client)
    assert replace(read, id="", time=None) == entry
    shown = json.loads(format_entry(read, "json"))
    shown["duration"] = shown.pop("duration_ms")
    assert {name: shown[name] for name in given} == {name: getattr(entry, name) for name in given}


def test_filters_find_what_the_version_before_wrote(store: Store) -> None:
    """They go by the place of a field, so that a new one stands behind these."""
    before = {
        "job_id": "j", "source_name": "mail", "template": "t", "line": 1, "attempt": 2, "max_attempts": 3,
        "status": "FAILED", "duration": 4, "message": "m", "type": "job", "final": 1,
    }  # fmt: skip
    store.client.xadd(KEY, before)  # type: ignore[arg-type]
    for wanted in ({"source_name": "mail"}, {"status": "FAILED"}, {"type": "job"}):
        assert [entry.job_id for entry in entries(store.client, **wanted)] == ["j"]  # type: ignore[arg-type]
    append(store.client, [_entry(job_id="k")], 1000)
    [*_, (_, newer)] = store.client.xrange(KEY)
    assert [name.decode() for name in newer][: len(before)] == [*before]


def test_filters_are_literal_and_the_newest_come_last(store: Store) -> None:
    rows = [_entry(source_name=name, message=str(number)) for number in range(600) for name in ("a", "a*", "[a-z]")]
    append(store.client, rows, 10_000)
    assert [entry.message for entry in entries(store.client, source_name="a*", limit=2)] == ["598", "599"]
    assert len(entries(store.client, source_name="a", limit=1000)) == 600
    assert entries(store.client, source_name="b") == []
    append(store.client, [_entry(status=LogStatus.FAILED, type="job")], 10_000)
    assert len(entries(store.client, status="FAILED")) == 1
    assert len(entries(store.client, type="job", limit=5)) == 5


def test_entries_since_a_time(store: Store) -> None:
    append(store.client, [_entry(message="old")], 1000)
    newest = entries(store.client)[-1].time
    assert newest is not None
    assert len(entries(store.client, since=newest)) == 1
    assert entries(store.client, since=datetime.fromtimestamp(newest.timestamp() + 1, UTC)) == []


def test_the_log_is_capped(store: Store) -> None:
    for _ in range(10):
        append(store.client, [_entry(message="m") for _ in range(200)], 100)
    assert 100 <= store.client.xlen(KEY) < 400


def test_following_goes_on_over_a_lost_connection(store: Store) -> None:
    append(store.client, [_entry(message="before")], 1000)
    seen: list[str] = []

    def read() -> None:
        seen.extend(entry.message for entry in islice(follow(store.client, after="0-0"), 4))

    reader = Thread(target=read)
    reader.start()
    append(store.client, [_entry(message="one"), _entry(message="two")], 1000)
    store.client.client_kill_filter(_type="normal", skipme=True)
    append(store.client, [_entry(message="three")], 1000)
    reader.join(10)
    assert seen == ["before", "one", "two", "three"]


MOST = 2**64 - 1
LAST = f"{MOST}-{MOST}"


class Follower:
    """A thread that follows the log; `next()` waits for one more message."""

    def __init__(self, store: Store, after: str | None) -> None:
        self.seen: SimpleQueue[str] = SimpleQueue()
        self._store, self._after = store, after
        Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        for entry in follow(self._store.client, after=self._after):
            self.seen.put(entry.message)
            if entry.message == "end":
                return

    def next(self) -> str:
        return self.seen.get(timeout=10)


@pytest.mark.parametrize("how", ["renamed", "deleted", "flushed", "replaced"])
def test_following_goes_on_in_a_log_put_in_its_place(store: Store, how: str) -> None:
    append(store.client, [_entry(message="before")], 1000)
    reader = Follower(store, "0-0")
    assert reader.next() == "before"
    store.client.xadd(KEY, {"message": "none can come behind this one"}, id=LAST)
    assert reader.next() == "none can come behind this one"
    if how == "renamed":
        store.client.rename(KEY, "liquid_background:log:full")
    elif how == "deleted":
        store.client.delete(KEY)
    elif how == "flushed":
        store.client.flushall()
    else:
        store.client.xadd("new", {"message": "one"}, id="5-1")
        store.client.rename("new", KEY)
        assert reader.next() == "one"
    append(store.client, [_entry(message="two"), _entry(message="end")], 1000)
    assert [reader.next(), reader.next()] == ["two", "end"]


def test_a_log_that_lost_its_last_entries_is_not_shown_again(store: Store) -> None:
    append(store.client, [_entry(message="one"), _entry(message="two")], 1000)
    kept = store.client.dump(KEY)
    assert kept is not None
    reader = Follower(store, "0-0")
    assert [reader.next(), reader.next()] == ["one", "two"]
    store.client.xadd(KEY, {"message": "lost"}, id=f"{MOST}-0")
    assert reader.next() == "lost"
    store.client.restore(KEY, 0, kept, replace=True)
    append(store.client, [_entry(message="end")], 1000)
    assert reader.next() == "end"


def _info(store: Store, section: str) -> Any:
    return store.client.info(section)


@pytest.mark.parametrize("has_read", [True, False])
def test_a_log_that_lost_its_last_entries_and_has_gone_on_is_shown_whole(store: Store, has_read: bool) -> None:
    """A new primary lacks what the old one had not sent it, and where its clock is behind, its ids are lower."""
    for number in range(1, 4):
        store.client.xadd(KEY, {"message": f"kept {number}"}, id=f"{number}-0")
    kept = store.client.dump(KEY)
    assert kept is not None
    store.client.xadd(KEY, {"message": "lost"}, id="9-0")
    reader = Follower(store, "0-0" if has_read else "9-0")
    if has_read:
        assert [reader.next() for _ in range(4)] == ["kept 1", "kept 2", "kept 3", "lost"]
    else:
        store.client.xadd(KEY, {"message": "read"}, id="9-1")
        assert reader.next() == "read"
    with store.client.pipeline() as failover:
        failover.restore(KEY, 0, kept, replace=True)
        for entry_id, message in (("4-0", "new 1"), ("8-0", "new 2"), ("20-0", "new 3")):
            failover.xadd(KEY, {"message": message}, id=entry_id)
        failover.execute()
    assert [reader.next() for _ in range(3)] == ["new 1", "new 2", "new 3"]
    append(store.client, [_entry(message="end")], 1000)
    assert reader.next() == "end"


def test_entries_that_were_gone_for_a_while_are_not_shown_again(store: Store, wait_until: Any) -> None:
    """A server that was made a replica takes over the new primary's log bit by bit, and a reader may still be at it."""
    store.client.xadd(KEY, {"message": "one"}, id="1-0")
    kept = store.client.dump(KEY)
    assert kept is not None
    for number, message in ((2, "two"), (3, "three")):
        store.client.xadd(KEY, {"message": message}, id=f"{number}-0")
    reader = Follower(store, "0-0")
    assert [reader.next() for _ in range(3)] == ["one", "two", "three"]
    store.client.restore(KEY, 0, kept, replace=True)
    store.client.config_resetstat()
    wait_until(lambda: _info(store, "commandstats").get("cmdstat_xread", {"calls": 0})["calls"] >= 4)
    store.client.xadd(KEY, {"message": "two"}, id="2-0")
    for number, message in ((3, "three"), (4, "four")):
        store.client.xadd(KEY, {"message": message}, id=f"{number}-0")
    append(store.client, [_entry(message="end")], 1000)
    assert [reader.next(), reader.next()] == ["four", "end"]


def test_following_from_behind_an_entry_that_was_lost_shows_nothing_before_it(store: Store, wait_until: Any) -> None:
    """Between the entries that a tail begins with and the first look for more, there may be a failover."""
    append(store.client, [_entry(message="seen")], 1000)
    milliseconds, number = last_id(store.client).split("-")
    reader = Follower(store, f"{int(milliseconds) + 5000}-{number}")
    wait_until(lambda: _info(store, "clients")["blocked_clients"])
    append(store.client, [_entry(message="end")], 1000)
    assert reader.next() == "end"


def test_following_from_an_id_that_no_clock_has_made_shows_the_log_that_is_there(store: Store) -> None:
    append(store.client, [_entry(message="there"), _entry(message="end")], 1000)
    reader = Follower(store, LAST)
    assert [reader.next(), reader.next()] == ["there", "end"]


def test_following_from_an_id_that_no_entry_has_shows_what_is_behind_it(store: Store) -> None:
    for number in (1, 2, 5, 6):
        store.client.xadd(KEY, {"message": str(number)}, id=f"{number}-0")
    reader = Follower(store, "3-0")
    assert [reader.next(), reader.next()] == ["5", "6"]
    append(store.client, [_entry(message="end")], 1000)
    assert reader.next() == "end"


def test_following_goes_on_when_its_server_is_demoted_and_promoted_again(start_server: Any, wait_until: Any) -> None:
    server = connect(load_settings(redis_url=start_server().url))
    append(server.client, [_entry(message="before")], 1000)
    reader = Follower(server, "0-0")
    assert reader.next() == "before"
    wait_until(lambda: _info(server, "clients")["blocked_clients"])
    server.client.replicaof("127.0.0.1", "1")  # whoever waits is told: UNBLOCKED
    wait_until(lambda: "errorstat_UNBLOCKED" in _info(server, "errorstats"))
    server.client.replicaof("NO", "ONE")
    append(server.client, [_entry(message="after"), _entry(message="end")], 1000)
    assert [reader.next(), reader.next()] == ["after", "end"]
    server.close()


@pytest.mark.parametrize("after", [None, "0-0"])
def test_following_waits_while_the_key_holds_something_else(
    store: Store, after: str | None, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store.client.set(KEY, "no log")
    reader = Follower(store, after)
    wait_until(lambda: caplog.messages)
    store.client.delete(KEY)
    append(store.client, [_entry(message="end")], 1000)
    assert reader.next() == "end"
    assert caplog.messages == [f"the key {KEY} holds something else than the job log: rename or delete it"]


def test_garbage_in_the_log_is_blank(store: Store) -> None:
    append(store.client, [_entry(message="good")], 1000)
    store.client.xadd(KEY, {"attempt": "9" * 5000, "line": "-1", "status": "NO", b"\xff": b"\xff", "message": b"a\xff"})
    store.client.xadd(KEY, {"message": "x" * 5_000_000}, id="253402300800000-0")
    store.client.xadd(KEY, {"duration": "1e300"}, id=LAST)
    good, odd, late, last = entries(store.client)
    assert (good.message, odd.message, odd.attempt, odd.line, odd.status) == ("good", "a\\xff", 0, 0, None)
    assert (late.time, last.time, last.duration, last.id) == (None, None, 0, LAST)
    assert len(late.message) < 50_000
    assert list(oldest_first(store.client, last_id(store.client))) == [good, odd, late, last]
    for style in ("text", "short", "json"):
        assert all(len(format_entry(entry, style).splitlines()) == 1 for entry in (good, odd, late, last))  # type: ignore[arg-type]


def test_a_key_that_is_no_log_has_no_entries(store: Store) -> None:
    store.client.set(KEY, "no log")
    assert entries(store.client) == []
    assert last_id(store.client) == "0-0"
    assert list(oldest_first(store.client, "5-0")) == []


def test_the_whole_log_is_read_in_parts(store: Store) -> None:
    append(store.client, [_entry(message=str(number)) for number in range(1_000)], 10_000)
    last = last_id(store.client)
    append(store.client, [_entry(message="later")], 10_000)
    assert [entry.message for entry in oldest_first(store.client, last)] == [str(number) for number in range(1_000)]
    store.client.xadd(KEY, {"message": "last"}, id=LAST)
    assert len(list(oldest_first(store.client, LAST))) == 1_002


def test_no_time_is_too_early_and_no_filter_is_not_text(store: Store) -> None:
    append(store.client, [_entry(message="one")], 1000)
    long_ago = datetime(1, 1, 1, tzinfo=UTC)
    assert len(entries(store.client, since=long_ago)) == 1
    assert len(list(oldest_first(store.client, last_id(store.client), long_ago))) == 1
    assert entries(store.client, source_name="\udcff") == []


def test_a_call_of_a_search_looks_at_few_entries_and_the_search_at_all(store: Store) -> None:
    append(store.client, [_entry(source_name="first"), *[_entry(source_name="other")] * 1_500], 10_000)
    found, following = store.client.eval(script(), 0, *search("+", b"-", 100, {"source_name": "first"}))  # type: ignore[no-untyped-call]
    assert found == []
    passed = store.client.xlen(KEY) - len(store.client.xrange(KEY, max=following))
    assert 0 < passed <= 500
    assert [entry.source_name for entry in entries(store.client, source_name="first")] == ["first"]
