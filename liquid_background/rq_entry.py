"""What a stock `rq worker` calls to run one of our jobs: at RQ's own guarantees, not ours.

The jobs that an attempt makes and its log entries are sent after it, not in one step with its end; a worker that is
killed is noticed when RQ notices it. With SIGNING_KEY set, stock workers must not serve these queues: they look at the
signature only here, after they have loaded whatever else they found there. What was checked is what runs.
"""

from __future__ import annotations

import logging
from functools import cache
from time import monotonic
from typing import Any

from rq import get_current_job
from rq.job import Job as RqJob
from rq.timeouts import BaseTimeoutException

from liquid_background.engine import Engine
from liquid_background.errors import JobError, JobRefused, StoreUnavailable
from liquid_background.hooks import Attempt, hooks_of
from liquid_background.job import LogEntry, LogStatus, Outcome, Performer
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.queue.opening import Performed, check_performed
from liquid_background.jobs.queue.payload import check_payload
from liquid_background.jobs.queue.results import is_kept
from liquid_background.jobs.queue.signing import spent
from liquid_background.jobs.site import is_of_another, queue_name
from liquid_background.jobs.store import connect, translated_errors
from liquid_background.loading import load_app
from liquid_background.settings import Settings, load_settings

logger = logging.getLogger(__name__)


class AttemptFailed(JobError):
    """Raised for an attempt that failed, so that RQ records the failure and retries it."""


def perform(payload: dict[str, Any]) -> str | None:
    """Perform the attempt that RQ has started, and return the rendered text; None where KEEP_RESULTS does not keep it.

    Raises:
        JobRefused: when the payload is not one that is known here, the job is another site's or was cancelled, or its
            signature does not fit.
        AttemptFailed: when the attempt failed.
    """
    rq_job = get_current_job()
    if rq_job is None:
        raise AttemptFailed("this function runs inside an RQ worker only; use the engine to render")
    try:
        if is_of_another(_settings().site, rq_job.origin):
            raise JobRefused(f"it is a job of another site, of queue {rq_job.origin}: {_own_queues()}")
        signature = _checked_signature(rq_job, payload)
        check_payload(payload)
    except JobRefused as error:
        _refuse(rq_job, str(error))
        raise
    most = len(rq_job.retry_intervals or ()) + 1
    attempt = most - (rq_job.retries_left or 0)
    began = monotonic()
    outcome = _performer().perform(rq_job.id, payload, attempt, most)
    outcome = outcome._replace(duration=outcome.duration or round((monotonic() - began) * 1000))
    if outcome.fails_job(attempt, most):
        rq_job.retries_left = 0
    _tell(rq_job, payload, (attempt, most), outcome, signature)
    hooks_of(_performer()).failed(Attempt.of(rq_job.id, payload, attempt, most), outcome)
    if outcome.failed:
        raise AttemptFailed(outcome.error)
    result: str | None = outcome.result
    return result if is_kept(_settings().keep_results, "function" in payload) else None


def _own_queues() -> str:
    site = _settings().site
    served = ", ".join(queue_name(site, queue) for queue in keys.QUEUES)
    return f"where SITE is {site!r}, serve {served}" if site else f"set SITE, or serve {served}"


def _refuse(rq_job: RqJob, reason: str) -> None:
    """Say why a job does not run, here and in the log; RQ must not try it again."""
    rq_job.retries_left = 0
    entry = LogEntry(job_id=rq_job.id, status=LogStatus.REFUSED, message=reason, final=True)
    try:
        with translated_errors():
            said: dict[Any, Any] = {keys.ERROR: reason, keys.RAISED: str(LogStatus.REFUSED)}
            rq_job.connection.hset(keys.job(rq_job.id), mapping=said)
        _queue().send((), (entry,))
    except StoreUnavailable as error:
        logger.warning("the log entry of job %s is lost: %s", rq_job.id, error)


def _checked_signature(rq_job: RqJob, payload: dict[str, Any]) -> bytes:
    """Return the signature of what is performed, once it was checked: the store may say something else by now."""
    settings = _settings()
    with translated_errors():
        found: Any = rq_job.connection.hmget(keys.job(rq_job.id), keys.LIMIT, keys.SIGNATURE, keys.LEFT)
        seconds, micros = rq_job.connection.time() if settings.signing_key else (0, 0)
    exact, signature, left = [value or b"" for value in found]
    if left:
        raise JobRefused("it was cancelled")
    if settings.signing_key:
        job = Performed(rq_job.id, rq_job.origin, payload, rq_job.timeout, rq_job.retry_intervals or ())
        check_performed(job, exact, signature, settings, seconds + micros / 1_000_000)
    return bytes(signature)


def _tell(
    rq_job: RqJob, payload: dict[str, Any], attempts: tuple[int, int], outcome: Outcome, signature: bytes
) -> None:
    """Send what the attempt made and logged; a store that is away loses the log, and fails a job that made jobs."""
    attempt, most = attempts
    final = outcome.is_last(attempt, most)
    entry = LogEntry(
        job_id=rq_job.id,
        source_name=payload["source_name"],
        template=payload["template"],
        line=payload["line"],
        attempt=attempt,
        max_attempts=most,
        status=outcome.ending.log_status,
        duration=outcome.duration,
        message=outcome.error or "",
        final=final,
    )
    jobs = outcome.jobs if outcome.succeeded else ()
    try:
        fields: dict[Any, Any] = {
            keys.ATTEMPT: attempt,
            keys.ERROR: outcome.error or "",
            keys.RAISED: (outcome.raised or outcome.ending.log_status) if outcome.failed else "",
            **({keys.FINAL: 1} if final else {}),
            **({keys.SIGNATURE: spent(signature)} if final and signature else {}),
        }
        with translated_errors():
            rq_job.connection.hset(keys.job(rq_job.id), mapping=fields)
        _queue().send(jobs, (*outcome.entries, entry))
    except StoreUnavailable as error:
        if jobs:
            raise
        logger.warning("the log entries of job %s may be lost: %s", rq_job.id, error)


@cache
def _settings() -> Settings:
    return load_settings()


@cache
def _performer() -> Performer:
    settings = _settings()
    performer = load_app(settings.app) if settings.app else Engine(settings=settings)
    hooks = hooks_of(performer)
    hooks.time_limits += (BaseTimeoutException,)
    hooks.child_started()
    return performer


@cache
def _queue() -> Queue:
    return Queue(connect(_settings()), _settings())
