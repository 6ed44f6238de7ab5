"""One attempt: the performer's call under its limits, and whatever comes of it as an Outcome."""

from __future__ import annotations

import traceback
from time import monotonic

from liquid_background.errors import JobTimeout
from liquid_background.job import MAX_TRACEBACK, Outcome, Performer
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.language.syntax import text_of
from liquid_background_worker.alarm import Alarm


def perform(performer: Performer, alarm: Alarm, job: Claimed) -> Outcome:
    """Return how an attempt ended; nothing that a job raises gets out of here."""
    started = monotonic()
    try:
        outcome = alarm.run(job.limit, performer.perform, job.id, job.payload, job.attempt, job.max_attempts)
        if not isinstance(outcome, Outcome):
            outcome = Outcome(error=f"the performer returned {type(outcome).__name__}, not an Outcome", retry=False)
    except JobTimeout as error:
        outcome = Outcome(error=str(error), raised=type(error).__name__, traceback=_traceback(error), exception=error)
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt end the job, not the worker
        outcome = Outcome(
            error=describe(error), raised=type(error).__name__, traceback=_traceback(error), exception=error
        )
    duration = round((monotonic() - started) * 1000)
    return outcome if outcome.duration or not duration else outcome._replace(duration=duration)


def describe(error: BaseException) -> str:
    """Return an error as one line that names its kind."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))[-MAX_TRACEBACK:]
    except Exception:  # noqa: BLE001 - likewise
        return describe(error)
