"""Which screen answers a request, and what becomes of its errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from liquid_background.engine import Engine
from liquid_background.errors import (
    FailureNotFound,
    FilterError,
    JobNotAllowed,
    JobNotFound,
    LiquidBackgroundError,
    StoreUnavailable,
)
from liquid_background.jobs.log import printable
from liquid_background.screens import (
    acting,
    editing,
    failures,
    job,
    jobs,
    logs,
    matching,
    names,
    operations,
    overview,
    queues,
    schedules,
    workers,
)
from liquid_background.screens.assets import asset
from liquid_background.screens.guard import check_request
from liquid_background.screens.messages import Refused, ScreenAnswer, ScreenRequest
from liquid_background.screens.rendering import Pages
from liquid_background.screens.screen import Screen

logger = logging.getLogger(__name__)

Answering: TypeAlias = Callable[[Screen], ScreenAnswer]

ROUTES: Final[Mapping[tuple[str, ...], Answering]] = {
    (): overview.show,
    ("jobs",): jobs.show,
    ("jobs", "*"): job.show,
    ("jobs", "all", "*"): matching.answer,
    ("jobs", "selected", "*"): acting.on_selected,
    ("jobs", "*", "edit"): editing.answer,
    ("jobs", "*", "*"): acting.on_one,
    ("failures",): failures.show,
    ("failures", "*"): failures.show_one,
    ("failures", "*", "silence"): failures.silence,
    ("failures", "*", "unsilence"): failures.unsilence,
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
    """

    def __init__(self, engine: Engine, *, templates: Mapping[str, str] | None = None) -> None:
        self.engine = engine
        self.pages = Pages(engine, templates or {})

    def answer(self, request: ScreenRequest) -> ScreenAnswer:
        """Answer one request. Whoever calls has found out who asks, and that they may read."""
        screen = Screen(self.engine, request, self.pages)
        try:
            check_request(request)
            if request.segments[:1] == ("assets",):
                return asset(request)
            return _found(request)(screen)
        except Refused as refused:
            return _failed(screen, refused.status, refused.message)
        except (JobNotFound, FailureNotFound, FilterError, JobNotAllowed) as error:
            return _failed(screen, _STATUS[type(error)], str(error))
        except StoreUnavailable as error:
            return _failed(screen, 503, str(error))
        except LiquidBackgroundError as error:
            return _failed(screen, 400, str(error))


_STATUS: Final[Mapping[type[Exception], int]] = {
    JobNotFound: 404,
    FailureNotFound: 404,
    FilterError: 400,
    JobNotAllowed: 409,
}


def _found(request: ScreenRequest) -> Answering:
    for pattern, answering in ROUTES.items():
        if len(pattern) == len(request.segments) and all(
            part in ("*", given) for part, given in zip(pattern, request.segments, strict=True)
        ):
            return answering
    raise Refused(404, "There is no such page on this dashboard.")


def _failed(screen: Screen, status: int, message: str) -> ScreenAnswer:
    logger.info("%s %s: %d %s", screen.request.method, printable(screen.request.path), status, printable(message))
    return screen.page("error", f"{status}", status, message=message)
