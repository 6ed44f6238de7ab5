"""The jobs that a filter means, the newest first, with tabs that count those of each state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from liquid_background.errors import FailureNotFound, FilterError
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import Kind
from liquid_background.jobs.pages import Count, Page
from liquid_background.screens.filterform import STATUSES, form_of, only_filter, whole_filter_of
from liquid_background.screens.looking import MOMENT, Moment
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.paging import PAGE
from liquid_background.screens.rendering import Exact
from liquid_background.screens.rows import rows_of
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted

_FOR_LIST: Final = 0.6  # of the time that a request may look for jobs
_FOR_COUNTS: Final = 0.25  # at least
_ALL: Final = ""
_MAY: Final[Mapping[str, tuple[Kind, ...]]] = {
    _ALL: tuple(Kind),
    "pending": (Kind.CANCEL, Kind.DELETE),
    "running": (Kind.CANCEL,),
    "completed": (Kind.DELETE,),
    "failed": (Kind.RETRY, Kind.DELETE),
    "cancelled": (Kind.RETRY, Kind.DELETE),
}
"""What may be done with jobs of a state, one by one."""


def show(screen: Screen) -> ScreenAnswer:
    """Show a page of jobs; a filter that is none is shown as it was typed, and what is wrong with it."""
    query = screen.request.query
    try:
        wanted = whole_filter_of(screen.engine, query)
        moment, after = Moment(), query.one("after") or None
        listing = screen.engine.jobs.pages(wanted, limit=PAGE, after=after)
        found = Moment(_FOR_LIST * MOMENT).page(listing, after)
    except (FilterError, FailureNotFound) as error:
        return screen.page("jobs", "Jobs", 400, message=str(error), tabs=[], **form_of(query))
    counts = _counts(screen, wanted, found, Moment(max(moment.left, _FOR_COUNTS * MOMENT)))
    here = str(wanted.status or _ALL)
    return screen.page(
        "jobs",
        _title(here, counts[here]),
        heading="Jobs",
        tabs=[_tab(screen, status, here, count) for status, count in counts.items()],
        jobs=rows_of(screen, found),
        progress=_progress(screen, found),
        nothing=_nothing(wanted, found, after=bool(query.one("after"))),
        newest=Exact(screen.url("jobs", query=query.but("after", "done", "about"))) if query.one("after") else None,
        everything=Exact(screen.url("jobs")),
        selected=[_act(screen, kind) for kind in _MAY[here] if screen.request.visitor.may(kind)],
        matching=[_act(screen, kind) for kind in Kind if _may_all(here, kind) and screen.request.visitor.may(kind)],
        query=Exact(only_filter(query)),
        **form_of(query),
    )


def _may_all(status: str, kind: Kind) -> bool:
    return kind in _MAY[status] and (status, kind) != ("pending", Kind.DELETE)  # an operation deletes what has ended


def _act(screen: Screen, kind: Kind) -> dict[str, Any]:
    return {"name": str(kind), "verb": kind.capitalize(), "url": Exact(screen.url("jobs", "selected", str(kind)))}


def _counts(screen: Screen, wanted: Filter, found: Page, moment: Moment) -> dict[str, Count]:
    """Return how many jobs of each state the filter means, and of all together, as far as that is known by then."""
    counts = {}
    for left, status in zip(range(len(STATUSES), 0, -1), STATUSES, strict=True):
        is_here, is_listed = status is wanted.status, not (found.cursor or screen.request.query.one("after"))
        if is_here and is_listed:
            counts[str(status)] = Count(found=len(found), looked_at=found.looked_at, of=found.of, is_whole=True)
        else:
            counting = screen.engine.jobs.counting(replace(wanted, status=status))
            counts[str(status)] = moment.count(counting, share=left)
    every = counts.values()
    total = Count(
        found=sum(each.found for each in every),
        looked_at=sum(each.looked_at for each in every),
        of=sum(each.of for each in every),
        is_whole=all(each.is_whole for each in every),
    )
    return {_ALL: total, **counts}


def _title(status: str, count: Count) -> str:
    jobs = counted(count.found, f"{status} job".strip())
    return jobs if count.is_whole else f"{jobs} so far"


def _tab(screen: Screen, status: str, here: str, count: Count) -> dict[str, Any]:
    query = only_filter(screen.request.query).but("status", status=status)
    return {
        "title": status.capitalize() or "All",
        "url": Exact(screen.url("jobs", query=query)),
        "is_here": status == here,
        "count": count.found,
        "is_whole": count.is_whole,
        "looked_at": count.looked_at,
        "of": count.of,
    }


def _progress(screen: Screen, found: Page) -> dict[str, Any]:
    """Return how the list goes on: where each has to be looked at, how many have been."""
    query = screen.request.query.but("done", "about", after=found.cursor or "")
    return {
        "url": Exact(screen.url("jobs", query=query)) if found.cursor else None,
        "is_looking": found.total is None and len(found) < PAGE and bool(found.cursor),
        "looked_at": found.looked_at,
        "of": found.of,
        "count": len(found),
    }


def _nothing(wanted: Filter, found: Page, *, after: bool) -> str:
    if found.cursor:
        return "None found so far."
    if after:
        return "No more jobs."
    if wanted == Filter():
        return "No jobs yet. Render a page with a background block, or enqueue one from Python."
    return f"No {wanted.status} jobs." if wanted == Filter(status=wanted.status) else "No jobs match this filter."
