"""What is paused, on every screen that says so; pausing queues, source names and groups, and resuming them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from liquid_background.jobs.queue.pausing import Pause, PauseKind
from liquid_background.screens.access import Action
from liquid_background.screens.back import back
from liquid_background.screens.linking import jobs_url
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

_TARGETS: Final = ("queue", "source_name", "group")
"""The fields of a form, one of which is given: as `engine.queues.pause` takes them."""
_FIELD: Final = {PauseKind.QUEUE: "queue", PauseKind.SOURCE_NAME: "source_name", PauseKind.GROUP: "group"}


def pause(screen: Screen) -> ScreenAnswer:
    """Pause a queue, a source name or a group."""
    screen.check(Action.PAUSE)
    form, by = screen.request.form, screen.request.visitor.name
    made = screen.engine.queues.pause(**_target(screen), by=by, reason=form.one("reason"))
    is_idle = made.kind is not PauseKind.QUEUE and not screen.engine.queues.held([made])[0]
    return back(screen, {"done": "paused, none waits" if is_idle else "paused", "about": made.what}, "queues")


def resume(screen: Screen) -> ScreenAnswer:
    """Have what is paused go on."""
    screen.check(Action.PAUSE)
    target = _target(screen)
    ended = screen.engine.queues.resume(**target, by=screen.request.visitor.name)
    if ended is not None:
        return back(screen, {"done": "resumed", "about": ended.what}, "queues")
    return back(screen, {"done": "not paused", "about": next(filter(None, target.values()), "")}, "queues")


def _target(screen: Screen) -> dict[str, str]:
    """Return what a form is about: a field by its own name, or a name and in `kind` what that is of."""
    form = screen.request.form
    target = {name: form.one(name) for name in _TARGETS}
    if form.one("kind") in _TARGETS and form.one("name"):
        target[form.one("kind")] = form.one("name")
    return target


def shown(screen: Screen, pauses: Sequence[Pause]) -> list[dict[str, Any]]:
    """Return pauses for the template `pauses`, with how many jobs wait for the end of each."""
    if not pauses:
        return []
    return [
        {
            "what": each.what,
            "since": each.since,
            "by": each.by,
            "reason": each.reason,
            "held": count,
            "remedy": each.remedy if each.kind is PauseKind.ALL else "",
            "field": _FIELD.get(each.kind),
            "name": Exact(each.name),
            "jobs": jobs_url(screen, status="pending", **({_FIELD[each.kind]: each.name} if each.name else {})),
        }
        for each, count in zip(pauses, screen.engine.queues.held(pauses), strict=True)
    ]
