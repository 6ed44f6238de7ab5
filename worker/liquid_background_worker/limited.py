"""The application's hooks in a child, held to the time limit of a job."""

from __future__ import annotations

import logging
from collections.abc import Callable

from liquid_background.errors import JobTimeout
from liquid_background_worker.alarm import Alarm

logger = logging.getLogger("liquid_background.worker")


def call_hooks(what: str, alarm: Alarm, limit: float, call: Callable[[], None]) -> None:
    """Call hooks for at most so many seconds, and say so when they took longer: that costs no job.

    Args:
        what: who is called, for that line.
        alarm: of this process.
        limit: seconds.
        call: calls them.
    """
    try:
        alarm.run(limit, call)
    except JobTimeout as error:
        logger.error("%s took longer than %g s: stopped", what, limit, exc_info=error)
