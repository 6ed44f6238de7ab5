"""How an attempt ended, encoded as the step script takes it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from liquid_background.errors import JobRefused
from liquid_background.job import Ending, Outcome
from liquid_background.jobs.log import encode_entry
from liquid_background.jobs.log.entry import MAX_TEMPLATE_NAME, clip
from liquid_background.jobs.queue.causes import Cause
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.protocol import Argument, EndValues
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.queue.results import encode_result, exc_string
from liquid_background.settings import Settings

_new_end: Final = EndValues.__new__  # to call the class would make a dict of what is named
_KIND: Final = EndValues._fields.index("kind")
_DURATION: Final = EndValues._fields.index("duration")


class Running(NamedTuple):  # made once a job, so it has to be cheap
    """A job that a worker has started, with what its finish and its log entry need."""

    id: str
    token: str
    queue: str
    source_name: str
    template: str
    line: int
    max_attempts: int

    @classmethod
    def of(cls, job: Claimed, token: str, queue: str) -> Running:
        payload = job.payload
        place = (payload["source_name"], payload["template"], payload["line"])
        return cls(job.id, token, queue, *place, job.max_attempts)


class Finish(NamedTuple):
    """One finished attempt, encoded."""

    job: Running
    arguments: list[Argument]

    @property
    def kind(self) -> str:
        """How it ended, in the words of `Ending`."""
        return str(self.arguments[_KIND])

    @property
    def duration(self) -> int:
        """Milliseconds."""
        return int(self.arguments[_DURATION])


def settle(outcome: Outcome, settings: Settings, now: float | None = None) -> tuple[Outcome, list[Argument], bytes]:
    """Return an outcome with its jobs and its result encoded: a failure that says why, if they cannot be written.

    A failure has neither.
    """
    if outcome.failed:
        return outcome, [], b""
    try:
        jobs = [value for made in outcome.jobs for value in encode_job(made, settings, now)]
        return outcome, jobs, encode_result(outcome.result)
    except JobRefused as error:
        return outcome._replace(error=str(error), raised=type(error).__name__, retry=False), [], b""


def finish(
    job: Running, outcome: Outcome, settings: Settings, ending: Ending | None = None, now: float | None = None
) -> Finish:
    """Return the finish of an attempt; an outcome that cannot be written becomes a failure that says why.

    Args:
        job: what was attempted.
        outcome: how it ended.
        settings: those of the worker.
        ending: when it is not what the outcome says.
        now: seconds by the store's clock, not ahead of it: the jobs that the attempt made are signed for then.
    """
    jobs: list[Argument] = []
    value = b""
    if ending is None or ending is Ending.SUCCESS:
        outcome, jobs, value = settle(outcome, settings, now)
        ending = outcome.ending
    if not value:  # there is no result: why it ended so
        value = exc_string(outcome.traceback or outcome.error)
    message = cause = b""
    if outcome.error:
        said = clip(outcome.error)
        message = said.encode("utf-8", "backslashreplace")
        raised = outcome.raised or ending.log_status
        cause = Cause.of(job.template, job.line, raised, said).encoded() if ending.is_failure else b""
    end = _new_end(
        EndValues,
        id=job.id,
        token=job.token,
        kind=ending._value_,  # which `value` takes a microsecond to return
        value=value,
        message=message,
        retry=int(outcome.retry),
        duration=outcome.duration,
        source_name=job.source_name,
        template=_written(job.template),
        line=job.line,
        most=job.max_attempts,
        jobs=len(outcome.jobs) if jobs else 0,
        entries=len(outcome.entries),
        cause=cause,
    )
    arguments: list[Argument] = [*end, *jobs]
    for entry in outcome.entries:
        arguments += encode_entry(entry)
    return Finish(job, arguments)


@lru_cache(maxsize=128)
def _written(template: str) -> bytes:
    """Return a template's name as an end has it."""
    return clip(template, MAX_TEMPLATE_NAME).encode("utf-8", "backslashreplace")
