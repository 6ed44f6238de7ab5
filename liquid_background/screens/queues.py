"""Queues and groups: how deep, how old, what limits them, who holds the slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from liquid_background.job import SOURCE_NAME
from liquid_background.jobs.queue.pausing import Pause, PauseKind
from liquid_background.jobs.queue.slots import Slots
from liquid_background.jobs.queue.waiting import Group
from liquid_background.screens import paging, pauses
from liquid_background.screens.linking import job_url, jobs_url
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.overview import queue_row
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted


def show(screen: Screen) -> ScreenAnswer:
    """Show them."""
    engine, start = screen.engine, paging.start_of(screen)
    seen, paused, groups = engine.overview(), engine.queues.paused(), engine.queues.groups()
    part = paging.part(groups, start)
    slots = engine.queues.slots([group.name for group in part])
    return screen.page(
        "queues",
        f"{counted(len(seen.queues), 'queue')}, {counted(len(groups), 'group')}",
        heading="Queues and groups",
        pauses=pauses.shown(screen, paused),
        queues=[{**queue_row(screen, each, seen, paused), **_limits(screen, each.name)} for each in seen.queues],
        group_count=len(groups),
        groups=[_group(screen, each, slots, paused) for each in part],
        paging=paging.links(screen, start, len(groups)),
    )


def _limits(screen: Screen, queue: str) -> dict[str, Any]:
    settings = screen.engine.settings
    return {
        "timeout": settings.job_timeout_of(queue),
        "share": settings.low_share if queue == "low" else 0,
    }


def _group(screen: Screen, group: Group, slots: Mapping[str, Slots], paused: Sequence[Pause]) -> dict[str, Any]:
    held = slots[group.name]
    return {
        "name": group.name,
        "exact": Exact(group.name),
        "url": jobs_url(screen, group=group.name),
        "slots": held.limit,
        "holding": group.holding,
        "waiting": group.waiting,
        "waiting_url": jobs_url(screen, status="pending", group=group.name),
        "holders": [
            {
                "url": job_url(screen, holder.id),
                "name": holder.source_name or holder.id,
                "id": holder.id,
                "since": holder.started_at,
            }
            for holder in held.holders
        ],
        "more": max(0, group.holding - len(held.holders)),
        "is_paused": any(pause.kind is PauseKind.GROUP and pause.name == group.name for pause in paused),
        "may_be_paused": SOURCE_NAME.fullmatch(group.name) is not None,
    }
