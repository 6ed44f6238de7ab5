"""Colours: each status has its own, and an attempt's is that of what its job is then."""

from __future__ import annotations

import pytest

from liquid_background.job import JobStatus, LogEntry, LogStatus
from poscli import tables, terminal

COLOURS = {
    JobStatus.PENDING: None,
    JobStatus.RUNNING: "36",
    JobStatus.COMPLETED: "32",
    JobStatus.FAILED: "31",
    JobStatus.CANCELLED: "33",
}


@pytest.fixture(autouse=True)
def _colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "has_colour", lambda: True)


def _shown(word: str, status: JobStatus) -> str:
    colour = COLOURS[status]
    return f"\x1b[{colour}m{word}\x1b[0m" if colour else word


@pytest.mark.parametrize("status", JobStatus)
def test_a_row_has_the_colour_of_its_job_s_status(status: JobStatus) -> None:
    row = tables.table(("ID", "STATUS"), [("a", status)]).splitlines()[1]
    assert row == f"a   {_shown(str(status), status)}"


@pytest.mark.parametrize("status", LogStatus)
def test_a_log_line_and_a_row_have_the_colour_of_what_the_job_is_then(status: LogStatus) -> None:
    shown = _shown(str(status), status.job_status)
    assert f" - {shown} (0ms)" in terminal.line_of(LogEntry(source_name="mail", status=status))
    assert tables.table(("ID", "STATUS"), [("a", status)]).splitlines()[1] == f"a   {shown}"
