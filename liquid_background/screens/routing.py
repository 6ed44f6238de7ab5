"""Which screen answers a request, and what becomes of its errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from liquid_background.engine import Engine
from liquid_background.errors import (
    JobNotAllowed,
    JobNotFound,
    LiquidBackgroundError,
    StoreError,
)
from liquid_background.jobs.log import printable
from liquid_background.screens import (
    failures,
    job,
    jobs,
    logs,
    names,
    operations,
    overview,
    queues,
    schedules,
    workers,
)
from liquid_background.screens.assets import asset
from liquid_background.screens.messages import Refused, ScreenAnswer, ScreenRequest
from liquid_background.screens.rendering import Live, Pages
from liquid_background.screens.screen import Screen

logger = logging.getLogger(__name__)

Answering: TypeAlias = Callable[[Screen], ScreenAnswer]

ROUTES: Final[Mapping[tuple[str, ...], Answering]] = {
    (): overview.show,
    ("jobs",): jobs.show,
    ("jobs", "*"): job.show,
    ("failures",): failures.show,
    ("names",): names.show,
    ("queues",): queues.show,
    ("schedules",): schedules.show,
    ("workers",): workers.show,
    ("logs",): logs.show,
    ("operations",): operations.show,
}
"""By the segments of a path; `*` stands for one. What changes something checks that it is a POST: `Screen.check`."""


class Screens:
    """All screens of one engine.

    Args:
        engine: whose jobs are shown.
        templates: Liquid in the place of the dashboard's own, by name, such as {"layout": "…"}.
        live: how a page learns of what is new; "events" where the server has a stream of them.
    """

    def __init__(self, engine: Engine, *, templates: Mapping[str, str] | None = None, live: Live = "poll") -> None:
        self.engine = engine
        self.pages = Pages(engine, templates or {}, live)

    def answer(self, request: ScreenRequest) -> ScreenAnswer:
        """Answer one request. Whoever calls has found out who asks, and that they may read."""
        screen = Screen(self.engine, request, self.pages)
        try:
            if request.method == "POST" and not request.visitor.actions:  # whatever its screen would check
                raise Refused(403, "You may look at everything here and change nothing.")
            if request.segments[:1] == ("assets",):
                return asset(request)
            return _found(request)(screen)
        except Refused as refused:
            return _failed(screen, refused.status, refused.message, refused.headers)
        except LiquidBackgroundError as error:
            return _failed(
                screen, next(status for kind, status in _STATUS.items() if isinstance(error, kind)), str(error)
            )
        except Exception:
            logger.exception("error of the dashboard at %s", printable(request.path[:200]) or "/")
            return _failed(screen, 500, "This screen has an error, which is in the log of its server.")


_STATUS: Final[Mapping[type[Exception], int]] = {
    JobNotFound: 404,
    JobNotAllowed: 409,
    StoreError: 503,
    LiquidBackgroundError: 400,  # whatever else was asked for in a wrong way
}


def _found(request: ScreenRequest) -> Answering:
    for pattern, answering in ROUTES.items():
        if len(pattern) == len(request.segments) and all(
            part in ("*", given) for part, given in zip(pattern, request.segments, strict=True)
        ):
            return answering
    raise Refused(404, "There is no such page on this dashboard.")


def _failed(screen: Screen, status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> ScreenAnswer:
    logger.info("%s %s: %d %s", screen.request.method, printable(screen.request.path), status, printable(message))
    page = screen.page("error", f"{status}", status, message=message)
    return replace(page, headers=(*page.headers, *headers))
