"""Jobs as rows of a table: whole when piped, and on a terminal in as many columns as it has room for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from liquid_background import JobRecord, JobStatus
from liquid_background.jobs.log import printable, steady
from liquid_background.jobs.queue.waiting import Waiting
from poscli.tables import GAP, name_cell, table
from poscli.terminal import fitted, terminal_width
from poscli.times import age, clock, span

_RANDOM: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHORT: Final = 10  # digits of a random id: of a million jobs, two begin alike once in two times
_ERROR: Final = 30  # columns that an error needs to be readable
_NAME: Final = 20  # columns of a source name where there is little room
_HEADINGS: Final = ("ID", "STATUS", "SOURCE NAME", "ATTEMPTS", "PRIORITY", "AGE", "PLACE", "WAITS FOR", "ERROR")
_DROPPED: Final = (4, 3)  # columns that go first where there is little room


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of jobs, and what stands of each in a line of its own."""

    headings: Sequence[str]
    cells: Sequence[Sequence[str]]
    below: Sequence[str]

    def text(self, above: Rows | None = None) -> str:
        """Return them as lines, below their headings if those above had others."""
        goes_on = above is not None and above.headings == self.headings
        heading, *lines = table(self.headings, self.cells, above.widths if above and goes_on else ()).split("\n")
        shown = [] if goes_on else [heading]
        for line, more in zip(lines, self.below, strict=True):
            shown += [line, *([fitted(f"  {more}")] if more else [])]
        return "\n".join(shown)

    @property
    def widths(self) -> Sequence[int]:
        """The width of each column."""
        return _widths([self.headings, *self.cells])


def place_of(job: JobRecord) -> str:
    """Return where a job's block stands."""
    return f"{job.template}:{job.line}" if job.template else ""


def rows(jobs: Sequence[JobRecord], waits: Sequence[Waiting]) -> Rows:
    """Return a row for each job; what jobs wait for has a column when there is such a job."""
    cells = [_row(job, wait) for job, wait in zip(jobs, waits, strict=True)]
    shown = [at for at, name in enumerate(_HEADINGS) if name != "WAITS FOR" or any(row[at] for row in cells)]
    width = terminal_width()
    if not width or _width(cells, shown) <= width:
        return _only(cells, shown, [""] * len(cells))
    cells = [[*row] for row in cells]
    for row, short in zip(cells, _short([row[0] for row in cells]), strict=True):
        row[0] = short
    error, waiting = _HEADINGS.index("ERROR"), _HEADINGS.index("WAITS FOR")
    if width - _width(cells, shown[:-1]) - len(GAP) >= _ERROR or not any(row[error] for row in cells):
        return _only(cells, shown, [""] * len(cells))
    below = [row[error] for row in cells]
    shown = shown[:-1]
    for row, wait in zip(cells, waits, strict=True):
        row[2] = row[2] if len(row[2]) <= _NAME else f"{row[2][: _NAME - 1]}…"
        row[waiting] = _reason(wait, is_short=True)
    for at in _DROPPED:
        if _width(cells, shown) > width:
            shown.remove(at)
    return _only(cells, shown, below)


def _row(job: JobRecord, wait: Waiting) -> list[str]:
    attempts = f"{job.attempts}/{job.max_attempts}"
    known = (job.id, job.status, name_cell(job.source_name), attempts, job.priority, age(_time(job)))
    return [*(steady(str(cell)) for cell in known), steady(place_of(job)), _reason(wait), printable(job.error or "")]


def _time(job: JobRecord) -> datetime | None:
    """Return when a job came to where it is, as lists are ordered: it ended, it started, it was made."""
    if job.status.has_ended:
        return job.completed_at or job.created_at
    return (job.started_at if job.status is JobStatus.RUNNING else None) or job.created_at


def _reason(wait: Waiting, *, is_short: bool = False) -> str:
    if wait.pause:
        return f"pause of {wait.pause.what}"
    if wait.parked:
        return f"group {wait.group}"
    if wait.due_at and is_short:
        return span((wait.due_at - datetime.now(UTC)).total_seconds())
    return clock(wait.due_at) if wait.due_at else ""


def _only(cells: Sequence[Sequence[str]], shown: Sequence[int], below: Sequence[str]) -> Rows:
    return Rows([_HEADINGS[at] for at in shown], [[row[at] for at in shown] for row in cells], below)


def _width(cells: Sequence[Sequence[str]], shown: Sequence[int]) -> int:
    columns = _widths([[row[at] for at in shown] for row in (_HEADINGS, *cells)])
    return sum(columns) + len(GAP) * (len(columns) - 1)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _short(ids: Sequence[str]) -> list[str]:
    """Return ids cut to beginnings that tell them apart, where they are random."""
    found = []
    for job_id in ids:
        length = _SHORT
        while length < len(job_id) and sum(other.startswith(job_id[:length]) for other in ids) > 1:
            length += 1
        found.append(job_id[:length] if _RANDOM.fullmatch(job_id) else job_id)
    return found
