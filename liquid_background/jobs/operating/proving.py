"""A proof, part by part: failed jobs are run dry, and what came of them is noted in one step with where it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Final, NamedTuple, TypeAlias

from liquid_background.errors import JobRefused
from liquid_background.job import JobStatus
from liquid_background.jobs.operating.operation import OperationState
from liquid_background.jobs.operating.taken import Taken
from liquid_background.jobs.operating.verdicts import Said
from liquid_background.jobs.queue import scripts
from liquid_background.jobs.queue.finding import Found, scan
from liquid_background.jobs.queue.lookup import read_fields
from liquid_background.jobs.queue.opening import inflate
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.queue.protocol import Argument
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

MOST_PROVED: Final = 100_000
"""Jobs of a failure group that one proof runs dry: what passed takes the store 100 bytes each."""
_STEP: Final = 0.25  # seconds of dry runs whose outcome is noted at once
_LONGEST_STEP: Final = 1.0  # seconds after which the rest of a step is left for the next one: other operations wait
_FIRST: Final = 5  # of them
_MOST: Final = 250
_BEATS: Final = 3  # in the time of a lease
_DOUBT: Final = "a part of a proof may have been noted"
_LONGEST_TIME: Final = 40  # bytes of a time in a record


class Proved(NamedTuple):
    """What a dry run of a job says."""

    said: Said
    why: str = ""  # its error, or the effects that it depends on


Prove: TypeAlias = Callable[[str, Mapping[str, Any], Callable[[], None]], Proved]
"""Runs a job dry: its id, its payload, and what to call now and then meanwhile."""


class Run(NamedTuple):
    """The run of a job that has ended."""

    id: str
    ended: str  # as its record has it
    payload: Mapping[str, Any] | None  # None where it cannot be read
    refusal: str


def runs(store: Store, ids: Sequence[str]) -> Iterator[Run]:
    """Yield the runs of jobs that have ended so that they may be retried."""
    for raw_id, (data, status, ended, *_) in read_fields(store, ids, ("data", "status", "ended_at")):
        if not JobStatus.from_rq(text(status, _LONGEST_TIME)).may_be_retried:
            continue
        job_id, when = text(raw_id, len(raw_id)), text(ended, _LONGEST_TIME)
        try:
            yield Run(job_id, when, decode_payload(inflate(data or b"")), "")
        except JobRefused as error:
            yield Run(job_id, when, None, str(error))


def proved(run: Run, prove: Prove, meanwhile: Callable[[], None] = lambda: None) -> Proved:
    """Return what a dry run says; a record that cannot be read fails as it would again."""
    return Proved(Said.FAILS, run.refusal) if run.payload is None else prove(run.id, run.payload, meanwhile)


class Proving:
    """One turn of a worker at a proof, under the lease of its operation.

    Args:
        store: where the jobs are.
        settings: of the application.
        taken: the operation.
        prove: runs a job dry.
        lease: milliseconds that the operation is this process's alone after each step.
    """

    def __init__(self, store: Store, settings: Settings, taken: Taken, prove: Prove, lease: int) -> None:
        self._store = store
        self._settings = settings
        self._taken = taken
        self._prove = prove
        self._lease = lease
        self._size = _FIRST
        self._verdicts = taken.verdicts
        # As it was noted last, and when.
        self._written = taken.verdicts.as_json()
        self._place = str(taken.place)
        self._left = 0
        self._noted = monotonic()

    def carry_on(self, until: float, stopped: Callable[[], bool]) -> None:
        """Prove jobs until a time, or until it is told to stop; what is not noted by then is proven again.

        Raises:
            StoreUnavailable: when the store cannot be reached, or takes no writes.
        """
        wanted = replace(self._taken.filter, status=self._taken.statuses[0])
        for found in scan(self._store, self._settings, wanted, after=self._taken.place.cursor or None):
            if not self._look(found, lambda: stopped() or monotonic() > until):
                return

    def _look(self, found: Found, is_over: Callable[[], bool]) -> bool:
        """Prove what a look has found; return whether this process is to go on."""
        reached, begin = found.before, 0
        while True:
            before = self._verdicts.jobs
            end = min(begin + self._size, len(found.ids))
            passed, taken = self._part(found.ids[begin:end])
            end = begin + taken
            is_last = end == len(found.ids)
            cursor, looked_at = found.cursor, found.looked_at
            if not is_last:
                cursor, looked_at = found.stops[end - 1].cursor, found.stops[end - 1].looked_at
            ends = (found.is_last and is_last) or self._verdicts.jobs >= MOST_PROVED
            holds = not (ends or is_over())
            self._place, self._left, self._written = f"0:{cursor}", found.of - looked_at, self._verdicts.as_json()
            count = self._verdicts.jobs - before  # without those that have moved on
            well = self._note(looked_at - reached, count, passed, ends=ends, holds=holds)
            reached, begin = looked_at, end
            if not (well and holds):
                return False
            if is_last:
                return True

    def _part(self, ids: Sequence[str]) -> tuple[list[str], int]:
        """Prove jobs, as many as there is time for.

        Returns of those that passed the id and the end of the run that failed, and how many of the ids were looked at.
        """
        began, passed, taken = monotonic(), list[str](), len(ids)
        for run in runs(self._store, ids):
            found = proved(run, self._prove, self._beat)
            self._verdicts.add(run.id, *found)
            if found.said is Said.PASSES:
                passed += [run.id, run.ended]
            if monotonic() - began > _LONGEST_STEP:
                taken = ids.index(run.id) + 1
                break
        if ids:
            fitting = int(_STEP * taken / max(monotonic() - began, 1e-6))
            self._size = max(1, min(fitting, 2 * self._size, _MOST))
        return passed, taken

    def _beat(self) -> None:
        """Keep the lease while a dry run takes its time."""
        if monotonic() - self._noted > self._lease / 1000 / _BEATS:
            self._note(0, 0, [], ends=False, holds=True)

    def _note(self, more: int, count: int, passed: Sequence[str], *, ends: bool, holds: bool) -> bool:
        """Note what has come of jobs; return whether the operation is still this process's."""
        head: list[Argument] = [self._taken.id, self._taken.token, self._lease if holds else "", self._place]
        head += [more, self._left, OperationState.DONE if ends else "", count, self._written]
        self._noted = monotonic()
        return bool(scripts.run(self._store, "operation_prove", [*head, *passed], _DOUBT) == b"ok")
