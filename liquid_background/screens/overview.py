"""The first screen: what is going on, what is wrong, how much is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from liquid_background.jobs.contract import QueueCounts
from liquid_background.jobs.operating.statistics import Moment, Statistics
from liquid_background.jobs.queue.overview import Overview
from liquid_background.jobs.queue.pausing import PAUSED, Pause, PauseKind, is_queue_paused
from liquid_background.screens import pauses
from liquid_background.screens.charts import Series, chart
from liquid_background.screens.formats import milliseconds
from liquid_background.screens.linking import jobs_url
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen
from liquid_background.screens.spans import since_of
from liquid_background.screens.workers import row as worker_row
from liquid_background.screens.workers import running_jobs

_WORKERS: Final = 8  # that are shown; their own screen has all
_SPANS: Final = {"": ("24 hours", "by the hour"), "3h": ("3 hours", "by the minute")}
_HOURS: Final = {"": 24, "3h": 3}
_DAY: Final = "24h"


def show(screen: Screen) -> ScreenAnswer:
    """Show the overview."""
    engine = screen.engine
    span = screen.request.query.one("span")
    span = span if span in _SPANS else ""
    seen, paused = engine.overview(), engine.queues.paused()
    failed = engine.queues.failed_since(datetime.now(UTC) - timedelta(days=1))
    found = engine.stats(since=since_of(_HOURS[span]), only="moments")
    waiting, running = sum(map(_waiting, seen.queues)), sum(each.running for each in seen.queues)
    verdicts = [verdict for verdict in engine.health() if verdict.name != PAUSED]
    return screen.page(
        "overview",
        f"{waiting:,} waiting, {running:,} running",
        heading="Overview",
        warnings=[
            {"severity": str(each.severity), "found": each.found, "remedy": each.remedy, "name": each.name}
            for each in verdicts
        ],
        pauses=pauses.shown(screen, paused),
        queues=[queue_row(screen, each, seen, paused, failed) for each in seen.queues],
        charts=_charts(found, span),
        moments=[_moment(each) for each in reversed(found.moments)],
        span_words=_SPANS[span][0],
        by=_SPANS[span][1],
        spans=[
            {
                "title": words,
                "url": Exact(screen.url(query=screen.request.query.but("done", "about", span=name))),
                "is_here": name == span,
            }
            for name, (words, _) in _SPANS.items()
        ],
        **_workers(screen, seen),
    )


def _waiting(queue: QueueCounts) -> int:
    return queue.queued + queue.scheduled


def queue_row(
    screen: Screen, queue: QueueCounts, seen: Overview, paused: Sequence[Pause], failed: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return one queue, with links to its jobs."""
    name = queue.name
    return {
        "name": name,
        "waiting": _waiting(queue),
        "delayed": queue.scheduled,
        "waiting_url": jobs_url(screen, status="pending", queue=name),
        "oldest": seen.oldest.get(name),
        "running": queue.running,
        "running_url": jobs_url(screen, status="running", queue=name),
        "failed": None if failed is None else failed[name],
        "failed_url": jobs_url(screen, status="failed", queue=name, since=_DAY),
        "workers": queue.workers,
        "is_paused": is_queue_paused(paused, name),
        "may_resume": any(each.kind is PauseKind.QUEUE and each.name == name for each in paused),
    }


def _charts(found: Statistics, span: str) -> list[dict[str, Any]]:
    moments, times = found.moments, [each.at for each in found.moments]
    within = f"in {_SPANS[span][0]}"
    a_moment = "a minute" if found.seconds < 3600 else "an hour"
    failed = found.total.failed + found.total.lost
    waited = found.total.waited
    return [
        chart(
            "Throughput",
            f"{found.total.ended:,} attempts ended {within}, at most {max(_each(moments, 'ended')):,} {a_moment}",
            times,
            [Series(label="attempts that ended", colour="accent", values=_each(moments, "ended"))],
            unit="",
        ),
        chart(
            "Failures",
            f"{failed:,} attempts failed {within}"
            + (f", of which {found.total.lost:,} lost" if found.total.lost else ""),
            times,
            [
                Series(label="failed", colour="bad", values=_each(moments, "failed")),
                Series(label="lost with their worker", colour="warn", values=_each(moments, "lost")),
            ],
            unit="",
        ),
        chart(
            "Waiting time",
            f"half waited up to {milliseconds(waited.p50)}, 95 % up to {milliseconds(waited.p95)} {within}"
            if waited.p50 is not None
            else f"nothing started {within}",
            times,
            [
                Series(label="95 %", colour="warn", values=[each.waited.p95 for each in moments]),
                Series(label="half", colour="accent", values=[each.waited.p50 for each in moments]),
            ],
            unit=" ms",
            bars=False,
        ),
    ]


def _each(moments: Sequence[Moment], name: str) -> list[int]:
    return [getattr(each, name) for each in moments] or [0]


def _moment(each: Moment) -> dict[str, Any]:
    return {
        "at": each.at,
        "ended": each.ended,
        "failed": each.failed + each.lost,
        "p50": each.waited.p50,
        "p95": each.waited.p95,
    }


def _workers(screen: Screen, seen: Overview) -> dict[str, Any]:
    shown = sorted(seen.workers, key=lambda worker: not worker.job_ids)[:_WORKERS]
    running = running_jobs(screen, shown)
    return {
        "workers": [worker_row(screen, worker, running) for worker in shown],
        "worker_count": len(seen.workers),
        "busy_count": sum(bool(worker.job_ids) for worker in seen.workers),
        "more_workers": max(0, len(seen.workers) - _WORKERS),
    }
