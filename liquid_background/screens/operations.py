"""Operations and the audit: who did what, how far it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from liquid_background.errors import FilterError, OperationError
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.audit import AuditEntry
from liquid_background.jobs.operating.failuregroup import FailureGroup
from liquid_background.jobs.operating.failures import GONE
from liquid_background.jobs.operating.operation import Operation, OperationState
from liquid_background.jobs.queue.protocol import MAX_OPERATIONS
from liquid_background.screens import paging
from liquid_background.screens.access import Action
from liquid_background.screens.back import back
from liquid_background.screens.linking import filter_url, in_words, job_url
from liquid_background.screens.messages import Refused, ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted

_OPERATION: Final = re.compile(r"(operation [0-9a-f]{1,64}): (\{.*\})", re.ASCII)
_JOB: Final = re.compile(r"job ([A-Za-z0-9_-]{1,100}) \(", re.ASCII)


def show(screen: Screen) -> ScreenAnswer:
    """Show operations, the newest first, and below them the audit, likewise."""
    found = screen.engine.operations.list(MAX_OPERATIONS)
    running = sum(each.state is OperationState.RUNNING for each in found)
    start = paging.start_of(screen)
    return screen.page(
        "operations",
        f"{counted(len(found), 'operation')}, {running:,} running",
        heading="Operations",
        total=len(found),
        running=running,
        operations=_rows(screen, paging.part(found, start)),
        paging=paging.links(screen, start, len(found)),
        **_audit(screen),
    )


def _audit(screen: Screen) -> dict[str, Any]:
    query = screen.request.query
    before = query.one("before") if paging.is_entry_id(query.one("before")) else ""
    newest = [*reversed(screen.engine.audit.entries(paging.PAGE + 1, before=before))]
    shown = newest[: paging.PAGE]
    older = query.but("done", "about", before=shown[-1].id) if len(newest) > len(shown) else None
    return {
        "entries": [_entry(screen, each) for each in shown],
        "older_url": None if older is None else Exact(f"{screen.url('operations', query=older)}#audit"),
        "newest_url": Exact(f"{screen.url('operations', query=query.but('done', 'about', 'before'))}#audit")
        if before
        else None,
    }


def _entry(screen: Screen, each: AuditEntry) -> dict[str, Any]:
    about, url = each.about, None
    if found := _OPERATION.fullmatch(about):
        try:
            wanted = Filter.from_json(found[2])
            about, url = f"{found[1]}: {in_words(wanted)}", filter_url(screen, wanted)
        except FilterError:  # it was too long for the audit
            pass
    elif found := _JOB.match(about):
        url = job_url(screen, found[1])
    return {"time": each.time, "by": each.by, "action": each.action, "about": about, "url": url}


def abort(screen: Screen) -> ScreenAnswer:
    """End an operation before it is done."""
    screen.check(Action.ABORT)
    operations, given = screen.engine.operations, screen.request.form.one("id")
    try:
        is_known = operations.get(given).id == given
    except OperationError as error:
        raise Refused(404, str(error)) from error
    if not is_known:  # a beginning is for people who type
        raise Refused(404, "No operation has this id.")
    try:
        operations.abort(given, screen.request.visitor.name)
    except OperationError as error:  # it has ended meanwhile
        raise Refused(409, str(error)) from error
    return back(screen, {"done": "aborted", "about": f"operation {given}"}, "operations")


def _rows(screen: Screen, operations: Sequence[Operation]) -> list[dict[str, Any]]:
    meant = {each.filter.failure for each in operations if each.filter.failure}
    groups = {group.id: group for group in screen.engine.failures.known(meant)} if meant else {}
    return [_row(screen, each, groups.get(each.filter.failure)) for each in operations]


def _failure(screen: Screen, group: FailureGroup) -> dict[str, Any]:
    """Return what its id does not tell of a failure group; of one whose jobs are gone, the class of its error."""
    error = group.raised if group.error == GONE else group.error
    return {"url": Exact(screen.url("failures", group.id)), "error": error or "failure", "place": group.place}


def _row(screen: Screen, each: Operation, group: FailureGroup | None) -> dict[str, Any]:
    is_running = each.state is OperationState.RUNNING
    return {
        "id": each.id,
        "exact": Exact(each.id),
        "kind": str(each.kind),
        "words": in_words(each.filter) + (f" that passed the proof {each.proof}" if each.proof else ""),
        "url": filter_url(screen, each.filter),
        "failure": None if group is None else _failure(screen, group),
        "by": each.by,
        "rate": each.rate,
        "state": str(each.state),
        "is_running": is_running,
        "created": each.created,
        "ended": each.ended,
        "ended_by": each.ended_by,
        "looked_at": each.looked_at,
        "of": max(each.of, each.looked_at),
        # What a rate keeps back has been looked at before it is dealt with.
        "at": each.looked_at if each.looked_at < each.of else each.matched,
        "matched": each.matched,
        "done": each.done,
        "failed": each.failed,
        "skipped": each.skipped,
        "error": each.last_error,
    }
