"""Forgetting a text, such as a customer's address: what carries it is found and deleted, wherever the store has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from liquid_background.errors import FilterError
from liquid_background.job import JobStatus
from liquid_background.jobs.contract import APPLICATION
from liquid_background.jobs.log import ENDS, KEY
from liquid_background.jobs.log.entry import encoded
from liquid_background.jobs.operating.traces import Traces
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.protocol import Argument
from liquid_background.jobs.queue.reading import text as shown
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.jobs.store.asking import Words
from liquid_background.settings import Settings

SHORTEST: Final = 3
"""Characters of a text that can be forgotten: a shorter one is in nearly everything."""
OUT_OF_REACH: Final = (
    "jobs that run, and what they make",
    "the append-only file and snapshots, until the server has rewritten them (BGREWRITEAOF), and backups of these",
    "the application's own logs, and those of workers",
    "jobs of other sites, other applications and other stores",
)
"""What keeps a text whatever is forgotten here."""

_AT_ONCE: Final = 50  # records that are read or deleted in one call, unless they are large
_BYTES: Final = 1024 * 1024  # of records that one call reads: a few milliseconds of the store's time
_SCANNED: Final = 1_000  # keys that one call passes
_ENTRIES: Final = 250  # of a stream that one call reads
_FIELDS: Final = 1_000  # of a hash beside those of jobs that is looked at
_LONGEST: Final = 1_000  # bytes of a name
_RUNS: Final = "started"  # RQ's word

Ids: TypeAlias = list[str]
Progress = Callable[[str, int, int], None]
"""Told what is gone through, how much of it, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What carried a text, and what became of it."""

    dry_run: bool
    jobs: int = 0  # that were deleted, or would be
    waiting: Ids = field(default_factory=list)  # ids of jobs that wait, and were left as they are
    running: Ids = field(default_factory=list)  # likewise, of those that run
    log_entries: int = 0  # that were deleted, or would be
    audit_entries: int = 0
    notes: int = 0  # samples of failures, likewise
    others: Ids = field(default_factory=list)  # keys that carry it and were left, such as pauses and operations
    jobs_looked_at: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing that was found is left."""
        return not (self.dry_run or self.waiting or self.running or self.others)


class Forgetting:
    """Goes through records and results, log, audit and notes once, and deletes what carries a text.

    It keeps nothing of how far it has come: what is deleted is gone, and one that was stopped is begun again.

    Args:
        store: with the site.
        settings: with the limit of the log.
        text: what is looked for, exactly as it is given.
        dry_run: whether it only counts.
        including_waiting: whether jobs that wait are taken back and deleted, too.
        progress: told from time to time how far it has come.

    Raises:
        FilterError: when the text has fewer than three characters.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        text: str,
        *,
        dry_run: bool = False,
        including_waiting: bool = False,
        progress: Progress | None = None,
    ) -> None:
        if len(text) < SHORTEST:
            raise FilterError(f"a text of {len(text)} characters is in nearly everything: give {SHORTEST} or more")
        self._store = store
        self._settings = settings
        self._traces = Traces(text)
        self._dry_run = dry_run
        self._including_waiting = including_waiting
        self._progress = progress or (lambda what, done, of: None)
        self._left: dict[str, str] = {}  # by id of a job that was left as it is, RQ's word for its status

    def run(self, by: str = APPLICATION) -> Forgotten:
        """Go through all of it, and say in the audit who had something forgotten, but not what.

        Raises:
            StoreUnavailable: when the store cannot be reached, or takes no writes; what is deleted by then is gone.
        """
        if not self._dry_run:  # first: what is killed on the way has forgotten something, too
            self._note(by, "a text, begun")
        looked_at = jobs = 0
        for ids, number in self._carrying_jobs():
            looked_at = number
            jobs += self._forget_jobs(ids)
        log_entries = sum(self._entries("the log", own_name(self._store.site, key)) for key in (KEY, ENDS))
        audit_entries = self._entries("the audit", own_name(self._store.site, keys.AUDIT))
        notes, others = self._notes()
        done = Forgotten(
            dry_run=self._dry_run,
            jobs=jobs,
            waiting=[job_id for job_id, word in self._left.items() if word != _RUNS],
            running=[job_id for job_id, word in self._left.items() if word == _RUNS],
            log_entries=log_entries,
            audit_entries=audit_entries,
            notes=notes,
            others=others,
            jobs_looked_at=looked_at,
        )
        if not self._dry_run:
            counts = f"{done.jobs} jobs, {done.log_entries} log entries, {done.audit_entries} of the audit"
            self._note(by, f"a text, in {counts}")
        return done

    def _note(self, by: str, about: str) -> None:
        arguments: list[Argument] = [encoded(by), encoded("forget"), encoded(about)]
        scripts.run(self._store, "note", arguments, "the audit may have an entry of it")

    # Jobs.

    def _carrying_jobs(self) -> Iterator[tuple[list[bytes], int]]:
        """Yield the ids of jobs that carry it, chunk by chunk, and how many were looked at so far."""
        [total] = self._asked(("DBSIZE",))
        looked_at = passed = 0
        for names in self._scanned(f"{keys.job('')}*"):
            passed += _SCANNED
            ids = [name.removeprefix(keys.job("").encode("ascii")) for name in names]
            while ids:
                rows = scripts.run(self._store, "contents", [_BYTES, *ids[:_AT_ONCE]])
                looked_at += sum(1 for row in rows if row)
                carrying = [
                    job_id for job_id, row in zip(ids, rows, strict=False) if row and self._carries(job_id, row)
                ]
                ids = ids[len(rows) :]
                yield carrying, looked_at
            self._progress("records", min(passed, total), total)

    def _carries(self, job_id: bytes, row: Sequence[Sequence[bytes]]) -> bool:
        record, results = row
        return self._traces.are_in([job_id, *record[1::2], *results])

    def _forget_jobs(self, ids: list[bytes]) -> int:
        """Delete jobs, and return how many that were or would be."""
        if not ids:
            return 0
        if self._dry_run:
            answers = self._statuses(ids)
        else:
            head: list[Argument] = [int(self._including_waiting), self._settings.log_limit]
            answers = scripts.run(self._store, "forget", [*head, *ids], "jobs may have been deleted")
        for job_id, answer in zip(ids, answers, strict=True):
            if answer != b"gone":
                self._left[shown(job_id, _LONGEST)] = answer.decode("ascii", "replace")
        return sum(answer == b"gone" for answer in answers)

    def _statuses(self, ids: list[bytes]) -> list[bytes]:
        """Return what the script would answer."""
        prefix = keys.job("").encode("ascii")
        found = self._asked(*(("HGET", prefix + job_id, "status") for job_id in ids))
        words = [shown(status, _LONGEST) for status in found]
        goes = [JobStatus.from_rq(word).has_ended or (self._including_waiting and word != _RUNS) for word in words]
        return [b"gone" if gone else word.encode("utf-8") for gone, word in zip(goes, words, strict=True)]

    # Streams.

    def _entries(self, what: str, key: str) -> int:
        """Delete the entries of a stream that carry it, and return how many that were or would be."""
        [total] = self._asked(("XLEN", key))
        done, deleted, start = 0, 0, "-"
        while True:
            [found] = self._asked(("XRANGE", key, start, "+", "COUNT", _ENTRIES))
            if not found:
                return deleted
            carrying = [entry_id for entry_id, fields in found if self._traces.are_in(fields.values())]
            if carrying and not self._dry_run:
                self._asked(("XDEL", key, *carrying))
            deleted += len(carrying)
            done += len(found)
            start = "(" + found[-1][0].decode("ascii")
            self._progress(what, done, max(done, total or 0))

    # What else the store has of ours.

    def _notes(self) -> tuple[int, Ids]:
        """Delete samples of failures that carry it; return how many, and the names of other keys that do."""
        notes, others = 0, []
        samples = own_name(self._store.site, keys.failure_about("")).encode("ascii")
        claimed = own_name(self._store.site, keys.BATCH_JOBS).encode("ascii")
        for names in self._scanned(own_name(self._store.site, "liquid_background:*"), kind="HASH"):
            for name in names:
                if name == claimed or (not self._store.site and b"." in name.split(b":", 2)[1]):
                    continue  # ids that stand there for a moment, and another site's
                carrying = self._carrying_fields(name)
                if carrying and name.startswith(samples):
                    notes += len(carrying)
                    if not self._dry_run:
                        self._asked(("HDEL", name, *carrying))
                elif carrying:
                    others.append(shown(name, _LONGEST))
        return notes, others

    def _carrying_fields(self, name: bytes) -> list[bytes]:
        [number] = self._asked(("HLEN", name))
        if not number or number > _FIELDS:
            return []  # counts, by source name
        [found] = self._asked(("HGETALL", name))
        return [what for what, value in (found or {}).items() if not value.isdigit() and self._traces.are_in([value])]

    # The store.

    def _scanned(self, pattern: str, kind: str = "") -> Iterator[list[bytes]]:
        cursor: int | str = 0
        while True:
            words = ["SCAN", cursor, "MATCH", pattern, "COUNT", _SCANNED, *(["TYPE", kind] if kind else [])]
            [(cursor, found)] = self._asked(words)
            yield found
            if int(cursor) == 0:
                return

    def _asked(self, *commands: Words) -> list[Any]:
        pipeline: Any = self._store.client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words)
        return read_replies(pipeline, self._store.url)
