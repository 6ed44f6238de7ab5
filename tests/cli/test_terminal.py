"""Colours: each status has its own, and an attempt's is that of what its job is then."""

from __future__ import annotations

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
