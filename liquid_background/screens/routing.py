"""Which screen answers a request, and what becomes of its errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from liquid_background.engine import Engine
from liquid_background.errors import (
    FailureNotFound,
    JobNotAllowed,
    JobNotFound,
    LiquidBackgroundError,
    ScheduleNotFound,
    StoreError,
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
    pauses,
    previewing,
    proofs,
    queues,
    schedules,
    workers,
)
from liquid_background.screens.assets import asset
from liquid_background.screens.back import page_before
from liquid_background.screens.live import LIVE, Feed, LogFeed, PartFeed, page_of
from liquid_background.screens.messages import Refused, ScreenAnswer, ScreenRequest, no_such_page
from liquid_background.screens.rendering import Live, Pages, headers_of
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
    ("jobs", "*", "preview"): previewing.show,
    ("jobs", "*", "*"): acting.on_one,
    ("failures",): failures.show,
    ("failures", "*"): failures.show_one,
    ("failures", "*", "prove"): proofs.prove,
    ("failures", "*", "retry-passing"): proofs.retry_passing,
    ("failures", "*", "silence"): failures.silence,
    ("failures", "*", "unsilence"): failures.unsilence,
    ("names",): names.show,
    ("queues",): queues.show,
    ("queues", "pause"): pauses.pause,
    ("queues", "resume"): pauses.resume,
    ("schedules",): schedules.show,
    ("schedules", "pause"): schedules.pause,
    ("schedules", "resume"): schedules.resume,
    ("schedules", "run"): schedules.run,
    ("schedules", "of", "*"): schedules.show_one,
    ("workers",): workers.show,
    ("logs",): logs.show,
    ("operations",): operations.show,
    ("operations", "abort"): operations.abort,
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
            if request.segments[:1] == (LIVE,):
                return self._live(request)
            return _found(request)(screen)
        except Refused as refused:
            return _failed(screen, refused.status, refused.message, refused.headers)
        except LiquidBackgroundError as error:
            return _failed(screen, _status_of(error), str(error))
        except Exception:
            logger.exception("error of the dashboard at %s", printable(request.path[:200]) or "/")
            return _failed(screen, 500, "This screen has an error, which is in the log of its server.")

    def feed(self, request: ScreenRequest, after: str = "") -> Feed | ScreenAnswer:
        """Return what tells of the page that a request for its live part is about; an answer where there is none.

        Args:
            request: of a path that begins with `live`.
            after: id of the last event that the page has heard of.
        """
        screen = Screen(self.engine, request, self.pages)
        try:
            page = page_of(request)
            if page.segments == ("logs",):
                return LogFeed(replace(screen, request=page), after)
            first = self.answer(page)
            return first if first.status != _OK else PartFeed(self.answer, page)
        except Refused as refused:
            return _failed(screen, refused.status, refused.message)
        except LiquidBackgroundError as error:
            return _failed(screen, _status_of(error), str(error))

    def _live(self, request: ScreenRequest) -> ScreenAnswer:
        """Answer a page that asks now and then; one of the log is told the entries behind those it has."""
        found = self.feed(request)
        if isinstance(found, ScreenAnswer):
            return found
        events = found.read()
        status, body = (_OK, events[-1].html) if events else (204, "")
        headers = (*headers_of(""), *((("x-last-event", events[-1].id),) if events and events[-1].id else ()))
        return ScreenAnswer(status=status, headers=headers, body=body.encode("utf-8", "replace"))


_OK: Final = 200
_STATUS: Final[Mapping[type[Exception], int]] = {
    JobNotFound: 404,
    FailureNotFound: 404,
    ScheduleNotFound: 404,
    JobNotAllowed: 409,
    StoreError: 503,
    LiquidBackgroundError: 400,  # whatever else was asked for in a wrong way
}


def _status_of(error: LiquidBackgroundError) -> int:
    return next(status for kind, status in _STATUS.items() if isinstance(error, kind))


def _found(request: ScreenRequest) -> Answering:
    for pattern, answering in ROUTES.items():
        if len(pattern) == len(request.segments) and all(
            part in ("*", given) for part, given in zip(pattern, request.segments, strict=True)
        ):
            return answering
    raise no_such_page()


_HEADINGS: Final[Mapping[int, str]] = {
    400: "Not understood",
    403: "Not allowed",
    404: "Not found",
    405: "Not done",
    409: "Not done",
    503: "The store has an error",
}


def _failed(screen: Screen, status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> ScreenAnswer:
    logger.info("%s %s: %d %s", screen.request.method, printable(screen.request.path), status, printable(message))
    heading = _HEADINGS.get(status, "An error")
    is_passing = status == 503 and screen.request.method == "GET"
    shown = {"heading": heading, "message": message, "before": page_before(screen), "may_help": is_passing}
    page = screen.page("error", f"{heading} ({status})", status, **shown)
    return replace(page, headers=(*page.headers, *headers))
