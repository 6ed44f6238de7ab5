"""Looking for jobs for a moment only: what was found by then, and how far that went."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Final

from liquid_background.job import JobRecord
from liquid_background.jobs.pages import Count, Page

MOMENT: Final = 0.2
"""Seconds that a request may look for jobs."""
_FEW: Final = 1_000  # ids that are looked at whatever time that takes: a few calls


class Moment:
    """The time that one request has."""

    def __init__(self, seconds: float = MOMENT) -> None:
        self._end = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._end - monotonic())

    def page(self, pages: Iterator[Page], after: str | None) -> Page:
        """Return the jobs that are found by then; the cursor goes on behind what was looked at.

        Where the store knows how many there are, none is looked at in vain: then all that were asked for are found. And
        however little time there is, each request looks at some, and comes further than the cursor that it was given.
        """
        records: list[JobRecord] = []
        last = Page()
        first: Page | None = None
        for last in pages:
            records += last
            first = last if first is None else first  # an empty page is false
            is_further = last.looked_at - first.looked_at > _FEW and last.cursor not in (after, first.cursor)
            if last.total is None and is_further and not self.left:
                break
        return Page(records, cursor=last.cursor, looked_at=last.looked_at, of=last.of, total=last.total)

    def count(self, counts: Iterator[Count], share: int = 1) -> Count:
        """Return how many are found by then, or by when a share of the time is over."""
        end = monotonic() + self.left / share
        found = Count(found=0, looked_at=0, of=0, is_whole=False)
        for now in counts:
            found = now
            if now.of > _FEW and monotonic() > end:
                break
        return found
