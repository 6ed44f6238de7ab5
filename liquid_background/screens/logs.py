"""The job log: its newest entries, older ones page by page, and those that come while it is open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from liquid_background.errors import FilterError
from liquid_background.job import LogEntry, LogStatus
from liquid_background.screens.formats import cut
from liquid_background.screens.linking import short
from liquid_background.screens.messages import Fields, ScreenAnswer
from liquid_background.screens.paging import is_entry_id, order_of
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

PAGE: Final = 100  # entries
_FIRST: Final = "0-0"
_NAME: Final = 200  # characters of a name that are shown
_MESSAGE: Final = 1_000  # of what was logged, as on the page of its job


def show(screen: Screen) -> ScreenAnswer:
    """Show a page of the log, the newest entry first."""
    query = screen.request.query
    wanted, before = wanted_of(query), entry_id_of(query.one("before"))
    newest = screen.engine.log.entries(limit=1)
    after = newest[-1].id if newest else _FIRST
    found = screen.engine.log.entries(limit=PAGE + 1, before=before, **wanted)
    shown = [entry for entry in found[-PAGE:] if order_of(entry.id) <= order_of(after)]  # what came since is streamed
    older = screen.url("logs", query=query.but(before=shown[0].id)) if len(found) > PAGE and shown else None
    return screen.page(
        "logs",
        "Logs",
        is_tail=True,
        live_url=None if before else Exact(screen.url("live", "logs", query=query.but("before", after=after))),
        entries=rows(screen, reversed(shown)),
        fields={name: Exact(query.one(name)) for name in ("source_name", "status", "type")},
        is_filtered=any(wanted.values()),
        statuses=[str(status) for status in LogStatus],
        older=older and Exact(older),
        newer=Exact(screen.url("logs", query=query.but("before"))) if before else None,
    )


def wanted_of(query: Fields) -> dict[str, Any]:
    """Return which entries a query means.

    Raises:
        FilterError: when there is no such status.
    """
    wanted = {name: query.one(name) for name in ("source_name", "status", "type")}
    if wanted["status"] not in ("", *LogStatus):
        raise FilterError(f"no attempt ends as {wanted['status'][:120]!r}: give one of {', '.join(LogStatus)}, or none")
    return wanted


def entry_id_of(text: str) -> str | None:
    """Return the id of an entry; None for none.

    Raises:
        FilterError: when it is something else.
    """
    if text and not is_entry_id(text):
        raise FilterError(f"no entry of the log has the id {text[:120]!r}")
    return text or None


def rows(screen: Screen, entries: Iterable[LogEntry]) -> list[dict[str, Any]]:
    """Return entries as a page shows them, with what masking hides masked."""
    return [_row(screen, entry) for entry in screen.engine.shown_entries([*entries])]


def _row(screen: Screen, entry: LogEntry) -> dict[str, Any]:
    status = entry.status
    return {
        "id": entry.id,
        "time": entry.time,
        "source_name": cut(entry.source_name, _NAME),
        "status": str(status) if status else "",
        "state": str(status.job_status) if status else "",
        "attempt": f"{entry.attempt} of {entry.max_attempts}" if status else "",
        "type": "" if status else cut(entry.type, _NAME),
        "milliseconds": entry.duration if status else None,
        "message": cut(entry.message, _MESSAGE),
        "place": f"{cut(entry.template, _NAME)}:{entry.line}" if entry.template else "",
        "job": short(entry.job_id),
        "url": Exact(screen.url("jobs", entry.job_id)) if entry.job_id else None,
    }
