"""Failed jobs in groups: listed, one shown, retried by an operation, silenced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from liquid_background.errors import FilterError
from liquid_background.jobs.operating.failuregroup import FailureGroup, Silence
from liquid_background.moments import moment, moment_to_come
from liquid_background.screens import paging
from liquid_background.screens.access import Action
from liquid_background.screens.back import back
from liquid_background.screens.linking import job_url, jobs_url
from liquid_background.screens.messages import Fields, ScreenAnswer
from liquid_background.screens.proofs import proof_of
from liquid_background.screens.rendering import Exact
from liquid_background.screens.rows import rows_of, values_of
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted

_NEWEST: Final = 20  # jobs of a group that its page shows
_HEIGHT: Final = 20  # of a sparkline
_BAR: Final = 2  # width of an hour in it


def show(screen: Screen) -> ScreenAnswer:
    """Show the groups; what is wrong with the filter is said above it."""
    query = screen.request.query
    form: dict[str, Any] = {
        "fields": {name: Exact(query.one(name)) for name in ("source_name", "template", "since")},
        "order": "count" if query.one("order") == "count" else "last",
        "silenced": bool(query.one("silenced")),
    }
    try:
        groups = screen.engine.failures.list(
            source_name=query.one("source_name"),
            template=query.one("template"),
            since=moment(query.one("since")) if query.one("since") else None,
            silenced=True,
            order="count" if form["order"] == "count" else "last",
        )
    except FilterError as error:
        return screen.page("failures", "Failures", 400, message=str(error), groups=[], **form)
    listed = [group for group in groups if form["silenced"] or group.silence is None]
    start = paging.start_of(screen)
    return screen.page(
        "failures",
        counted(len(listed), "failure"),
        heading="Failures",
        message=_unfiled(groups.unfiled) if groups.unfiled else None,
        total=len(listed),
        jobs=sum(group.failed for group in listed),
        groups=[_row(screen, group) for group in paging.part(listed, start)],
        paging=paging.links(screen, start, len(listed)),
        left_out=len(groups) - len(listed),
        silenced_url=Exact(screen.url("failures", query=query.but("from", "done", "about", silenced="1"))),
        is_filtered=any(query.one(name) for name in ("source_name", "template", "since")),
        **form,
    )


def _unfiled(jobs: int) -> str:
    return f"{counted(jobs, 'failed job')} may be missing here: 'poscli store reindex' files them."


def show_one(screen: Screen) -> ScreenAnswer:
    """Show a group with its newest jobs; one whose id is shortened leads to the whole one."""
    given = screen.request.segments[1]
    failure = screen.engine.failures.resolve(given)
    if failure != given:
        location = screen.url("failures", failure, query=screen.request.query)
        return ScreenAnswer(status=302, headers=(("location", location),))
    found = screen.engine.failures.show(failure)
    group = found.group
    newest = screen.engine.jobs.list("failed", failure=group.id, limit=_NEWEST)
    return screen.page(
        "failure",
        f"{counted(group.failed, 'failed job')}: {group.raised or 'failure'} in {group.place or 'a job'}",
        heading=group.message or group.error,
        group=_row(screen, group),
        source_line=found.source_line,
        proof=proof_of(screen, group.id),
        values=values_of(found.parameters, found.handed_over),
        jobs=rows_of(screen, newest),
        more_url=jobs_url(screen, status="failed", failure=group.id) if group.failed > len(newest) else None,
    )


def silence(screen: Screen) -> ScreenAnswer:
    """Have a group left out of the list, until a time or until somebody ends it."""
    screen.check(Action.SILENCE)
    failure, until = screen.request.segments[1], screen.request.form.one("until")
    end = moment_to_come(until) if until else None
    group = screen.engine.failures.silence(failure, screen.request.visitor.name, end)
    return back(screen, {"done": "silenced", "about": f"failure {group.id}"}, "failures")


def unsilence(screen: Screen) -> ScreenAnswer:
    """Have a group listed again."""
    screen.check(Action.SILENCE)
    group = screen.engine.failures.unsilence(screen.request.segments[1], screen.request.visitor.name)
    return back(screen, {"done": "unsilenced", "about": f"failure {group.id}"}, "failures")


def _row(screen: Screen, group: FailureGroup) -> dict[str, Any]:
    query = Fields([("status", "failed"), ("failure", group.id)])
    return {
        "id": group.id,
        "url": Exact(screen.url("failures", group.id)),
        "jobs_url": Exact(screen.url("jobs", query=query)),
        "retry_url": Exact(screen.url("jobs", "all", "retry", query=query)),
        "error": group.error,
        "message": group.message,
        "raised": group.raised,
        "place": group.place,
        "source_name": group.source_name,
        "name_url": jobs_url(screen, source_name=group.source_name),
        "source_line": group.source_line,
        "failed": group.failed,
        "count": group.count,
        "first_seen": group.first_seen,
        "last_seen": group.last_seen,
        "sample_url": job_url(screen, group.sample) if group.sample else None,
        "is_rest": group.is_rest,
        "silence": _silence(group.silence),
        "spark": sparkline(group.hours),
    }


def _silence(silence: Silence | None) -> dict[str, Any] | None:
    return None if silence is None else {"by": silence.by, "since": silence.since, "until": silence.until}


def sparkline(hours: Sequence[int]) -> dict[str, Any]:
    """Return how many failed in each hour, as the template `sparkline` draws it: bars as one path, and in words."""
    highest = max(hours, default=0)
    bars = []
    for at, number in enumerate(hours):
        if number:
            height = max(1.0, number / highest * _HEIGHT)
            bars.append(f"M{at * _BAR} {_HEIGHT}v-{height:.1f}h{_BAR - 0.4:g}v{height:.1f}z")
    return {
        "path": "".join(bars),
        "width": _BAR * len(hours),
        "height": _HEIGHT,
        "words": f"{sum(hours):,} in the last {len(hours)} hours, at most {highest:,} in one",
    }
