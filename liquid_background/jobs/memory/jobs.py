"""The moves that the store makes with jobs, made in the memory of one process.

What goes in and comes out is encoded and decoded by what does so for the store: it is refused, cut and read alike.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

from liquid_background.errors import JobRefused
from liquid_background.job import MAX_RETRYING, Ending, Job, JobRecord, JobStatus, LogEntry, LogStatus, Outcome
from liquid_background.jobs.contract import (
    APPLICATION,
    ENDED,
    Ids,
    QueueCounts,
    Records,
    not_allowed,
    not_found,
)
from liquid_background.jobs.memory.kept import Kept
from liquid_background.jobs.memory.log import MemoryLog
from liquid_background.jobs.memory.lookup import AllKept, Lookup
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.editing import edited
from liquid_background.jobs.queue.finishing import settle
from liquid_background.settings import Settings

KEPT: Final = 10_000
"""Ended jobs that are kept; beyond this many, those that ended first are forgotten."""


class MemoryJobs(Lookup):
    """Jobs in memory, safe to share between threads. They end with the process.

    Args:
        settings: give the waits of jobs that carry none, and the number of log entries that are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.model_copy(update={"signing_key": ()})  # nobody else can write here
        self.log = MemoryLog(settings.log_limit)
        self._jobs: dict[str, Kept] = {}  # in the order of sending
        self._ended: dict[str, None] = {}  # ids in the order of their ends
        self._turns = count()
        self._lock = threading.RLock()

    # What applications ask, as of the store.

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> Ids:
        """Take jobs and log entries, all or nothing; return the ids that had a record, whose jobs are left as is.

        Raises:
            JobRefused: when an id or a number of attempts is outside its range; nothing was sent.
        """
        with self._lock:
            now = time.time()
            there = []
            for kept in [Kept.of(job, self.settings, now, next(self._turns)) for job in jobs]:
                if self._jobs.setdefault(kept.job.id, kept) is not kept:
                    there.append(kept.job.id)
            self.log.append(entries)
            return there

    def get(self, job_id: str) -> JobRecord:
        """Return one job.

        Raises:
            JobNotFound: when there is none of that id.
        """
        with self._lock:
            return self._find(job_id).record()

    def _all(self) -> AllKept:
        with self._lock:
            return [*self._jobs.values()]

    def traceback(self, job_id: str) -> str:
        """Return the traceback of the attempt that a job failed with; empty when it has none.

        Raises:
            JobNotFound: when there is none of that id.
        """
        with self._lock:
            kept = self._find(job_id)
            return kept.traceback if kept.status is JobStatus.FAILED else ""

    def records(self) -> Records:
        """Return every job, in the order in which they were sent."""
        with self._lock:
            return [kept.record() for kept in self._jobs.values()]

    def cancel(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Take a job back. One that runs is ended with its attempt, unless that succeeds. There is no audit here.

        Raises:
            JobNotFound: when there is none of that id.
            JobNotAllowed: when it has ended.
        """
        with self._lock:
            kept = self._find(job_id)
            if kept.status.has_ended:
                raise not_allowed("cancel", job_id, kept.status)
            if kept.status is JobStatus.RUNNING:
                kept.is_cancelled = True
            else:
                attempt = 0 if kept.is_final else kept.attempts
                self._end(kept, LogStatus.CANCELLED)
                self.log.append([kept.entry(LogStatus.CANCELLED, attempt, final=True)])
            return kept.record()

    def delete(self, job_id: str, *, by: str = APPLICATION) -> None:
        """Delete a job that does not run; of one that waits, the log says that. There is no audit here.

        Raises:
            JobNotFound: when there is none of that id.
            JobNotAllowed: when it runs.
        """
        with self._lock:
            kept = self._find(job_id)
            if kept.status is JobStatus.RUNNING:
                raise not_allowed("delete", job_id, kept.status)
            if not kept.status.has_ended:
                attempt = 0 if kept.is_final else kept.attempts
                entry = kept.entry(LogStatus.CANCELLED, attempt, final=True)
                self.log.append([replace(entry, message="deleted")])
            self._ended.pop(job_id, None)
            del self._jobs[job_id]

    def retry(self, job_id: str, *, set: Mapping[str, Any] | None = None, by: str = APPLICATION) -> JobRecord:
        """Start a new run of a failed or cancelled job, at attempt 1, now; with other values, as a new job.

        There is no audit here.

        Raises:
            JobNotFound: when there is none of that id.
            JobNotAllowed: when it is neither failed nor cancelled; with other values, when it has not ended.
            EnqueueError: when it was given no such value, or a new one cannot travel.
        """
        with self._lock:
            kept = self._find(job_id)
            if set:
                return self._edit(kept, set)
            if not kept.status.may_be_retried:
                raise not_allowed("retry", job_id, kept.status)
            self._ended.pop(job_id, None)
            kept.reopen(next(self._turns))
            return kept.record()

    def _edit(self, kept: Kept, changes: Mapping[str, Any]) -> JobRecord:
        if not kept.status.has_ended:
            raise not_allowed("edit", kept.job.id, kept.status)
        job = edited(kept.job.id, kept.edited_fields(), changes, self.settings, None)
        self.send([job])
        return self.get(job.id)

    def counts(self) -> Sequence[QueueCounts]:
        """Return the counts of each queue, highest priority first. No worker serves any of them."""
        with self._lock:
            return [self._counts(queue) for queue in keys.QUEUES]

    def _counts(self, queue: str) -> QueueCounts:
        now = time.time()
        of_queue = [kept for kept in self._jobs.values() if kept.job.priority == queue]
        statuses = [kept.status for kept in of_queue]
        scheduled = sum(kept.state == "scheduled" and kept.due > now for kept in of_queue)
        return QueueCounts(
            name=queue,
            queued=statuses.count(JobStatus.PENDING) - scheduled,
            scheduled=scheduled,
            running=statuses.count(JobStatus.RUNNING),
            workers=0,
            **{status: statuses.count(status) for status in ENDED},
        )

    # What runs them asks.

    def next_id(self) -> str | None:
        """Return the id of the job whose turn comes next; None when none waits.

        Of those that are due it is one of the highest priority, the one that has waited longest; else the one that is
        due first.
        """
        with self._lock:
            now = time.time()
            turns = [
                (max(kept.due, now), keys.QUEUES.index(kept.job.priority), kept.due, kept.turn, job_id)
                for job_id, kept in self._jobs.items()
                if kept.status is JobStatus.PENDING
            ]
            return min(turns)[-1] if turns else None

    def start(self, job_id: str) -> tuple[Job, int] | None:
        """Start a job that waits; return it with the number of its attempt.

        None when it does not wait any more, or is not one that a worker may run: then it has failed.
        """
        with self._lock:
            kept = self._jobs.get(job_id)
            if kept is None or kept.status is not JobStatus.PENDING:
                return None
            try:
                kept.check(self.settings)
            except JobRefused as error:
                self._refuse(kept, str(error))
                return None
            kept.begin()
            return kept.job, kept.attempts

    def _refuse(self, kept: Kept, reason: str) -> None:
        kept.fail(reason)
        self._end(kept, LogStatus.REFUSED)
        self.log.append([LogEntry(job_id=kept.job.id, status=LogStatus.REFUSED, message=reason, final=True)])

    def finish(self, job_id: str, outcome: Outcome) -> float | None:
        """End an attempt; return the seconds until the next one, None when there is none."""
        with self._lock:
            kept = self._jobs.get(job_id)
            if kept is None or kept.status is not JobStatus.RUNNING:
                return None
            outcome, _, result = settle(outcome, self.settings, is_function=kept.job.function is not None)
            ending = Ending.CANCELLED if kept.is_cancelled and not outcome.succeeded else outcome.ending
            final = ending is Ending.CANCELLED or outcome.is_last(kept.attempts, kept.job.max_attempts)
            if ending is not Ending.CANCELLED:
                kept.fail(outcome.error, outcome.traceback)
            self.log.append([*outcome.entries, kept.entry(ending.log_status, kept.attempts, final, outcome)])
            if not final:
                wait = min(max(0.0, kept.waits[kept.attempts - 1]), MAX_RETRYING)
                kept.requeue(wait, next(self._turns))
                return wait
            if outcome.succeeded:
                self.send(outcome.jobs)
            kept.result = result
            self._end(kept, ending.log_status)
            return None

    def _find(self, job_id: str) -> Kept:
        kept = self._jobs.get(job_id)
        if kept is None:
            raise not_found(job_id)
        return kept

    def _end(self, kept: Kept, status: LogStatus) -> None:
        """Close a job, and forget the one that ended first when there are too many."""
        kept.close(status, next(self._turns))
        self._ended[kept.job.id] = None
        if len(self._ended) > KEPT:
            first = next(iter(self._ended))
            del self._ended[first], self._jobs[first]
