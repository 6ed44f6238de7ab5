"""The queue as an application sees it: send jobs, read them back, retry and cancel them, count them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time
from typing import Any, Final

from liquid_background.errors import JobRefused, StoreUnavailable
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry
from liquid_background.jobs.contract import (
    APPLICATION,
    ENDED,
    Ids,
    QueueCounts,
    not_allowed,
    not_found,
    states_of,
)
from liquid_background.jobs.log import encode_entry
from liquid_background.jobs.log.entry import encoded
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.editing import EDITED, edited
from liquid_background.jobs.queue.lookup import Lookup
from liquid_background.jobs.queue.opening import SIGNED, renew_signature
from liquid_background.jobs.queue.places import CLOCK_LASTS, expires
from liquid_background.jobs.queue.protocol import ELSEWHERE, MAX_SHOWN, Argument
from liquid_background.jobs.queue.reading import text, without_behind
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import read_replies
from liquid_background.jobs.twins import Twins

_CLOCK_LASTS: Final = 60.0  # seconds between two looks at the store's clock: it may be set meanwhile


class Queue(Lookup, Twins):
    """Jobs in the store. It holds no state of its own, and is safe to share between threads."""

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> Ids:
        """Enqueue jobs and append log entries in one round trip, all or nothing.

        Return the ids that already had a record; those jobs are left as they are. A send whose reply was lost
        may have arrived; the same jobs may be sent again, which doubles none.

        Raises:
            JobRefused: when an id or a number of attempts is outside its range, or another site's job has one of the
                ids; nothing was sent.
            StoreUnavailable: when the store cannot be reached or refuses the write, and nothing was sent; or when its
                reply was lost, and all may have been: `maybe_done` tells.
        """
        if not jobs and not entries:
            return []
        arguments: list[Argument] = [self.settings.log_limit, len(jobs), len(entries)]
        now = self._signing_time() if jobs else None
        for job in jobs:
            arguments += encode_job(job, self.settings, now)
        for entry in entries:
            arguments += encode_entry(entry)
        doubt = f"the {'jobs may have been sent' if jobs else 'log entries may have been written'}"
        found = scripts.run(self.store, "send", arguments, doubt)
        if isinstance(found, bytes):
            raise JobRefused(f"job {text(found, MAX_SHOWN)!r} was not sent, and no other: {ELSEWHERE}")
        return [job_id.decode("ascii") for job_id in found]

    def _signing_time(self) -> float | None:
        return self.store.time(_CLOCK_LASTS) if self.settings.signing_key else None

    def retry(self, job_id: str, *, set: Mapping[str, Any] | None = None, by: str = APPLICATION) -> JobRecord:
        """Start a new run of a failed or cancelled job, at attempt 1, now; with other values, as a new job.

        Args:
            job_id: its id.
            set: values in the place of some of those that a job which has ended was given, by the names of parameters
                or handed-over values, or by paths into these, such as `user.id`. What is run then is a new job, whose
                `edited_from` is this one's id; this one stays as it is.
            by: whom the audit names.

        Raises:
            JobNotFound: when no record has that id.
            JobNotAllowed: when the job is neither failed nor cancelled; with other values, when it has not ended.
            JobRefused: when SIGNING_KEY is set, and the record is not the one that was signed, or the other way round.
            EnqueueError: when it was given no such value, or a new one cannot travel.
        """
        if set:
            return self._edit(job_id, set, by)
        self.get(job_id)
        self._act("retry", job_id, [self._new_signature(job_id), encoded(by)], "retried")
        return self.get(job_id)

    def _edit(self, job_id: str, changes: Mapping[str, Any], by: str) -> JobRecord:
        now = self._signing_time()
        pipeline = self.store.client.pipeline(transaction=False)
        pipeline.hmget(keys.job(job_id), EDITED)
        (values,) = read_replies(pipeline, self.store.url)
        if not any(values or ()):
            raise not_found(job_id)
        job = edited(job_id, values, changes, self.settings, now)
        head: list[Argument] = [encoded(by), encoded(", ".join(changes)), self.settings.log_limit]
        self._act("edit", job_id, [*head, *encode_job(job, self.settings, now)], "run again")
        return self.get(job.id)

    def _new_signature(self, job_id: str) -> str:
        now = self._signing_time()
        if now is None:
            return ""
        pipeline = self.store.client.pipeline(transaction=False)
        pipeline.hmget(keys.job(job_id), SIGNED)
        (values,) = read_replies(pipeline, self.store.url)
        if values is None:
            raise not_found(job_id)
        try:
            return renew_signature(job_id, values, self.settings, now)
        except JobRefused as error:
            raise JobRefused(f"cannot retry job {job_id}: {error}; enqueue it again where it comes from") from error

    def cancel(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Take a job back. One that runs is ended at its worker's next beat.

        Args:
            job_id: its id.
            by: whom the audit names.

        Raises:
            JobNotFound: when no record has that id.
            JobNotAllowed: when the job has ended.
        """
        self._act("cancel", job_id, [encoded(by), *self._entry(job_id)], "cancelled")
        return self.get(job_id)

    def delete(self, job_id: str, *, by: str = APPLICATION) -> None:
        """Delete a job that does not run, with its results and its place; of one that waits, the log says that.

        Args:
            job_id: its id.
            by: whom the audit names.

        Raises:
            JobNotFound: when no record has that id.
            JobNotAllowed: when the job runs: cancel it first.
        """
        self._act("delete", job_id, [encoded(by), *self._entry(job_id, "deleted")], "deleted")

    def _entry(self, job_id: str, message: str = "") -> list[Argument]:
        """Return what the log is to say of a job that is taken back."""
        job = self.get(job_id)
        entry = LogEntry(
            job_id=job_id, source_name=job.source_name, template=job.template, line=job.line, message=message
        )
        return [self.settings.log_limit, *encode_entry(entry)]

    def _act(self, move: str, job_id: str, arguments: Sequence[Argument], done: str) -> None:
        state = scripts.run(self.store, move, [job_id, *arguments], f"the job may have been {done}")
        if state == b"missing":
            raise not_found(job_id)
        if state == b"signed":
            raise JobRefused(
                f"cannot retry job {job_id}: it is signed, and SIGNING_KEY is not set here to sign it anew"
            )
        if state != b"ok":
            raise not_allowed(move, job_id, JobStatus.from_rq(text(state, len(state))))

    def _clock(self) -> float:
        """Return the store's time; this host's where the store keeps it from this user, who may read all the same."""
        try:
            return self.store.time(CLOCK_LASTS)
        except StoreUnavailable as error:
            if error.silent:
                raise
            return time()

    def counts(self) -> Sequence[QueueCounts]:
        """Return the counts of each queue, highest priority first; of what has ended, the records that are there."""
        now = self._clock()
        pipeline: Any = self.store.client.pipeline(transaction=False)
        for queue in keys.QUEUES:
            name = queue_name(self.store.site, queue)
            pipeline.llen(keys.queue(name))
            pipeline.zcard(own_name(self.store.site, keys.behind(queue)))
            for registry in (keys.deferred(name), keys.scheduled(name), keys.started(name)):
                pipeline.zcard(registry)
            for [state] in map(states_of, ENDED):
                pipeline.zcount(keys.ended(state, name), now if expires(state) else "-inf", "+inf")
            pipeline.scard(keys.queue_workers(name))
        replies: list[Any] = [reply or 0 for reply in read_replies(pipeline, self.store.url)]
        names = ("queued", "behind", "parked", "scheduled", "running", *ENDED, "workers")
        rows = [replies[start : start + len(names)] for start in range(0, len(replies), len(names))]
        counts = []
        for queue, row in zip(keys.QUEUES, rows, strict=True):
            found = dict(zip(names, row, strict=True))
            found["queued"] = without_behind(found["queued"], found.pop("behind")) + found.pop("parked")
            counts.append(QueueCounts(name=queue, **found))
        return counts
