"""Colours: each status has its own, and an attempt's is that of what its job is then.

Rows are broken before a terminal breaks them.
"""

from __future__ import annotations

import ctypes
import locale
import sys
from collections.abc import Iterator

import click
import pytest

from liquid_background.job import JobStatus, LogEntry, LogStatus
from poscli import tables, terminal


@pytest.fixture(autouse=True)
def _colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda: True)


def _shown(word: str, status: JobStatus) -> str:
    colour = terminal.colour_of(status)
    return click.style(word, fg=colour) if colour else word


def test_no_two_statuses_look_alike_and_a_failure_is_red() -> None:
    assert len({terminal.colour_of(status) for status in JobStatus}) == len(JobStatus)
    assert _shown("x", JobStatus.FAILED) == "\x1b[31mx\x1b[0m"
    assert _shown("x", JobStatus.COMPLETED) == "\x1b[32mx\x1b[0m"
    assert _shown("x", JobStatus.PENDING) == "x"


@pytest.mark.parametrize("status", JobStatus)
def test_a_row_has_the_colour_of_its_job_s_status(status: JobStatus) -> None:
    row = tables.table(("ID", "STATUS"), [("a", status)]).splitlines()[1]
    assert row == f"a   {_shown(str(status), status)}"


@pytest.mark.parametrize("status", LogStatus)
def test_a_log_line_and_a_row_have_the_colour_of_what_the_job_is_then(status: LogStatus) -> None:
    shown = _shown(str(status), status.job_status)
    assert f" - {shown} (0ms)" in terminal.line_of(LogEntry(source_name="mail", status=status))
    assert tables.table(("ID", "STATUS"), [("a", status)]).splitlines()[1] == f"a   {shown}"


# Symbols that Unicode made wide in its version 16, or that terminals draw wide though it calls them ambiguous.
_WIDE = [
    *(
        chr(number)
        for first, last in ((0x2630, 0x2637), (0x268A, 0x268F), (0x3248, 0x324F), (0x4DC0, 0x4DFF))
        for number in range(first, last + 1)
    ),
    *"\u00a9\u00ae\u00a1\u2122\u2192\u2500\u2764\u2e3b\U0001d300\U0001d360\U0001f1e6\U0001f3fb\U0001f6dc\U0003fffd",
]


@pytest.fixture
def _c_locale() -> Iterator[None]:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        pytest.skip("this system has no C.UTF-8")
    yield
    locale.setlocale(locale.LC_CTYPE, before)


@pytest.mark.slow
@pytest.mark.usefixtures("_c_locale")
def test_what_the_system_calls_wide_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    width_of = ctypes.CDLL(None).wcwidth
    monkeypatch.setattr(terminal, "terminal_width", lambda given=None: 9)
    wide = [chr(number) for number in range(0x80, sys.maxunicode + 1) if width_of(number) == 2]
    assert len(wide) > 100_000
    assert [f"{ord(each):x}" for each in wide if "\n" not in terminal.fitted(each * 5)] == []


def test_what_any_terminal_may_draw_wide_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "terminal_width", lambda given=None: 9)
    assert [f"{ord(each):x}" for each in _WIDE if "\n" not in terminal.fitted(each * 5)] == []
    assert terminal.fitted("1\ufe0f" * 5).split("\n")[1:]  # a selector makes what it follows wide


def test_letters_of_narrow_alphabets_take_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "terminal_width", lambda given=None: 9)
    for letter in "a\u0107\u05d0\u0915\u0e01\u10d0\u1ea1":
        assert terminal.fitted(letter * 10) == f"{letter * 9}\n    {letter}"
