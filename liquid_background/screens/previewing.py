"""What a job would do against the templates as they are now: run dry, so that somebody may know before a retry."""

from __future__ import annotations

from typing import Final

from liquid_background.preview import Tree
from liquid_background.screens.access import Action
from liquid_background.screens.linking import job_url, short
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

_SECONDS: Final = 5.0  # that somebody waits for the page
_ROWS: Final = 1_000


def show(screen: Screen) -> ScreenAnswer:
    """Show it, to those who may retry jobs."""
    screen.check_right(Action.RETRY)
    [job] = screen.engine.shown([screen.engine.jobs.get(screen.request.segments[1])])
    tree = Tree(screen.engine.preview_job(job.id, seconds=_SECONDS))
    rows = [Exact(f"{before}{line}") for before, line in tree.rows()]  # printable by now
    name = job.source_name or "Job"
    return screen.page(
        "preview",
        f"Preview of {name} {short(job.id)}",
        heading=f"What {name} would do now",
        id=short(job.id),
        url=job_url(screen, job.id),
        rows=rows[:_ROWS],
        behind=max(0, len(rows) - _ROWS),
    )
