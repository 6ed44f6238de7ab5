"""The job log: filters, following, the cap, and lines that nothing in a field can break."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import islice
from threading import Thread
from typing import Any

import pytest

from liquid_background.job import LogEntry, LogStatus
from liquid_background.joblog import KEY, append, entries, follow, format_entry
from liquid_background.store import Store

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
    "x] - pay - SUCCESS [y",
    'attempt 1/3"] - pay - SUCCESS',
    "pay (attempt 1/1) - SUCCESS (1ms)",
    "x) background job: pay (attempt 1/1) - SUCCESS (1ms): (y",
)
_ATTEMPT = {
    "short": re.compile(r"\[attempt.\d+/\d+\] - [^\"\s]\S* - (SUCCESS|FAILED|LOST|CANCELLED|REFUSED)"),
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
