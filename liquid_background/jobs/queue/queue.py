"""The queue as an application sees it: send jobs, read them back, retry and cancel them, count them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.errors import JobRefused
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry
from liquid_background.jobs.contract import (
    APPLICATION,
    ENDED,
    Ids,
    QueueCounts,
    Records,
    not_allowed,
    not_found,
    states_of,
    wanted,
)
from liquid_background.jobs.log import encode_entry
from liquid_background.jobs.log.entry import encoded
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.opening import SIGNED, renew_signature
from liquid_background.jobs.queue.protocol import ELSEWHERE, MAX_DATA, MAX_SHOWN, Argument
from liquid_background.jobs.queue.reading import text, without_behind
from liquid_background.jobs.queue.records import MAX_RESULT_READ, READ, decode_record, encode_job
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LOOKED_AT: Final = 10_000  # ids of one state and queue that a listing looks at
_IDS_AT_ONCE: Final = 500  # that one call reads: a few milliseconds of the store's time
_READ_AT_ONCE: Final = 32 * 1024 * 1024  # bytes, with those of one record more
_CLOCK_LASTS: Final = 60.0  # seconds between two looks at the store's clock: it may be set meanwhile


class Queue:
    """Jobs in the store. It holds no state of its own, and is safe to share between threads."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings

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

    def get(self, job_id: str) -> JobRecord:
        """Return one job; what its record says in garbage is blank.

        Raises:
            JobNotFound: when no record has that id.
        """
        found = self._fetch([job_id.encode("utf-8", "backslashreplace")])
        if not found:
            raise not_found(job_id)
        return found[0]

    def list(
        self,
        status: JobStatus | str | None = None,
        source_name: str | None = None,
        limit: int = 50,
        *,
        id_prefix: str = "",
    ) -> Records:
        """Return the newest jobs, of one status, of one source name, or whose ids begin so when given.

        Raises:
            ValueError: when there is no such status, or the limit is negative.
        """
        statuses = wanted(status, limit)
        states = [state for each in statuses for state in states_of(each)]
        head: list[Argument] = [limit, source_name or "", id_prefix, _LOOKED_AT]
        ids = scripts.run(self.store, "list", [*head, *states, "--", *keys.QUEUES])
        records = [record for record in self._fetch(ids) if record.status in statuses]
        records.sort(key=lambda record: record.created_at or _NEVER, reverse=True)
        return records[:limit]

    def _fetch(self, ids: Sequence[bytes]) -> Records:
        head: list[Argument] = [MAX_DATA, MAX_RESULT_READ, _READ_AT_ONCE, len(READ), *READ]
        records, done = [], 0
        while done < len(ids):
            part = ids[done : done + _IDS_AT_ONCE]
            rows = scripts.run(self.store, "read", [*head, *part])
            found = zip(part[: len(rows)], rows, strict=True)  # fewer rows than ids when they are large
            records += [
                decode_record(text(job_id, len(job_id)), row, self.settings.site) for job_id, row in found if row
            ]
            done += len(rows)
        return records

    def retry(self, job_id: str, *, by: str = APPLICATION) -> JobRecord:
        """Start a new run of a failed or cancelled job, at attempt 1, now.

        Args:
            job_id: its id.
            by: whom the audit names.

        Raises:
            JobNotFound: when no record has that id.
            JobNotAllowed: when the job is neither failed nor cancelled.
            JobRefused: when SIGNING_KEY is set, and the record is not the one that was signed, or the other way round.
        """
        self.get(job_id)
        return self._act("retry", job_id, [self._new_signature(job_id), encoded(by)], "retried")

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
        before = self.get(job_id)
        entry = LogEntry(job_id=job_id, source_name=before.source_name, template=before.template, line=before.line)
        return self._act("cancel", job_id, [encoded(by), self.settings.log_limit, *encode_entry(entry)], "cancelled")

    def _act(self, move: str, job_id: str, arguments: Sequence[Argument], done: str) -> JobRecord:
        state = scripts.run(self.store, move, [job_id, *arguments], f"the job may have been {done}")
        if state == b"missing":
            raise not_found(job_id)
        if state == b"signed":
            raise JobRefused(
                f"cannot retry job {job_id}: it is signed, and SIGNING_KEY is not set here to sign it anew"
            )
        if state != b"ok":
            raise not_allowed(move, job_id, JobStatus.from_rq(text(state, len(state))))
        return self.get(job_id)

    def counts(self) -> Sequence[QueueCounts]:
        """Return the counts of each queue, highest priority first."""
        pipeline = self.store.client.pipeline(transaction=False)
        for queue in keys.QUEUES:
            name = queue_name(self.store.site, queue)
            pipeline.llen(keys.queue(name))
            pipeline.hget(own_name(self.store.site, keys.behind(queue)), keys.BEHIND_IN_ALL)
            for registry in (keys.deferred(name), keys.scheduled(name), keys.started(name)):
                pipeline.zcard(registry)
            for [state] in map(states_of, ENDED):
                pipeline.zcard(keys.ended(state, name))
            pipeline.scard(keys.queue_workers(name))
        replies: list[Any] = [reply or 0 for reply in read_replies(pipeline, self.store.url)]
        names = ("queued", "behind", "parked", "scheduled", "running", *ENDED, "workers")
        rows = [replies[start : start + len(names)] for start in range(0, len(replies), len(names))]
        counts = []
        for queue, row in zip(keys.QUEUES, rows, strict=True):
            found = dict(zip(names, row, strict=True))
            found["queued"] = without_behind(found["queued"], found.pop("behind") or None) + found.pop("parked")
            counts.append(QueueCounts(name=queue, **found))
        return counts
