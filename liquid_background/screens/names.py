"""Source names: what their jobs have come to, how long they wait and run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from liquid_background.job import SOURCE_NAME
from liquid_background.jobs.operating.statistics import Counts, NameStatistics, Percentiles
from liquid_background.jobs.queue.depth import MOST
from liquid_background.jobs.queue.pausing import Pause, PauseKind
from liquid_background.jobs.queue.protocol import OTHER_NAMES
from liquid_background.screens import paging
from liquid_background.screens.linking import jobs_url
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen
from liquid_background.screens.spans import since_of
from liquid_background.wording import counted

_HOURS: Final = {"1h": 1, "24h": 24, "7d": 7 * 24, "31d": 31 * 24}
_DEFAULT: Final = "24h"
_WORDS: Final = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "31d": "31 days", "all": "All time"}

_Key = Callable[[NameStatistics, int], float | None]
_SORTS: Final[Mapping[str, tuple[str, _Key]]] = {
    "runs": ("Runs", lambda each, _: each.ended),
    "failed": ("Failed", lambda each, _: each.failed + each.lost),
    "rate": ("Failure rate", lambda each, _: each.failure_rate),
    "waited50": ("Waited p50", lambda each, _: each.waited.p50),
    "waited95": ("Waited p95", lambda each, _: each.waited.p95),
    "ran50": ("Ran p50", lambda each, _: each.ran.p50),
    "ran95": ("Ran p95", lambda each, _: each.ran.p95),
    "waiting": ("Waiting now", lambda _, waiting: waiting),
}
"""The columns that are numbers, by the word in the URL: their headings, and by what they sort, the most first."""


def show(screen: Screen) -> ScreenAnswer:
    """Show them."""
    query = screen.request.query
    span = query.one("span") if query.one("span") in _WORDS else _DEFAULT
    sort = query.one("sort") if query.one("sort") in (*_SORTS, "name") else "runs"
    prefix = query.one("prefix")
    found = screen.engine.stats(
        f"{prefix}*" if prefix else "", since=since_of(_HOURS[span]) if span in _HOURS else None, only="names"
    )
    paused, waiting = screen.engine.queues.paused(), screen.engine.queues.waiting_by_name()
    named = {name for name in waiting or () if name.startswith(prefix)}
    named |= {each.name for each in paused if _is_of_one(each) and each.name.startswith(prefix)}
    known = _with_others(found.names, named)
    start = paging.start_of(screen)
    part = paging.part(_sorted(known, sort, waiting or {}), start)
    return screen.page(
        "names",
        counted(len(known), "source name"),
        heading="Source names",
        total=len(known),
        names=[_row(screen, each, span, waiting, paused) for each in part],
        most=MOST,
        is_waiting_known=waiting is not None,
        waiting_url=jobs_url(screen, status="pending"),
        fields={"prefix": Exact(prefix), "span": Exact(span), "sort": Exact(sort)},
        spans=[
            {"title": words, "url": _url(screen, span=each), "is_here": each == span} for each, words in _WORDS.items()
        ],
        columns=[
            {"title": heading, "url": _url(screen, sort=each), "is_here": each == sort, "is_number": each != "name"}
            for each, heading in [("name", "Source name"), *((word, head) for word, (head, _) in _SORTS.items())]
        ],
        span_words=_WORDS[span].lower(),
        paging=paging.links(screen, start, len(known)),
    )


def _is_of_one(pause: Pause) -> bool:
    return pause.kind is PauseKind.SOURCE_NAME and not pause.name.endswith("*")


def _with_others(found: Sequence[NameStatistics], names: Iterable[str]) -> list[NameStatistics]:
    """Return names with those beside that wait or are paused and have not run in the span."""
    known = {each.source_name for each in found}
    return [*found, *(_without_runs(name) for name in sorted(set(names) - known))]


def _without_runs(name: str) -> NameStatistics:
    none = Percentiles(p50=None, p95=None, p99=None, mean=None)
    counts = {field.name: 0 for field in fields(Counts)}
    return NameStatistics(source_name=name, waited=none, ran=none, per_minute=None, **counts)


def _sorted(found: Sequence[NameStatistics], sort: str, waiting: Mapping[str, int]) -> list[NameStatistics]:
    by_name = sorted(found, key=lambda each: each.source_name)
    if sort == "name":
        return by_name
    key = _SORTS[sort][1]

    def place(each: NameStatistics) -> tuple[bool, float]:
        value = key(each, waiting.get(each.source_name, 0))
        return value is None, -(value or 0)

    return sorted(by_name, key=place)


def _url(screen: Screen, **given: str) -> Exact:
    return Exact(screen.url("names", query=screen.request.query.but("done", "about", "from", **given)))


def _row(
    screen: Screen, each: NameStatistics, span: str, waiting: Mapping[str, int] | None, paused: Sequence[Pause]
) -> dict[str, Any]:
    name = each.source_name
    own = [pause for pause in paused if pause.kind is PauseKind.SOURCE_NAME]
    holding = [pause for pause in own if pause.holds(queue="", source_name=name, group=None)]
    since = "" if span == "all" else span
    is_one = name != OTHER_NAMES
    return {
        "name": name,
        "exact": Exact(name),
        "url": jobs_url(screen, source_name=name) if is_one else None,
        "runs": each.ended,
        "failed": each.failed + each.lost,
        "failed_url": jobs_url(screen, status="failed", source_name=name, since=since),
        "rate": each.failure_rate,
        "waited50": each.waited.p50,
        "waited95": each.waited.p95,
        "ran50": each.ran.p50,
        "ran95": each.ran.p95,
        "waiting": waiting.get(name, 0) if waiting is not None and is_one else None,
        "waiting_url": jobs_url(screen, status="pending", source_name=name),
        "is_paused": any(pause.name == name for pause in holding),
        "paused_by": [Exact(pause.name) for pause in holding if pause.name != name],
        "may_be_paused": SOURCE_NAME.fullmatch(name) is not None,
    }
