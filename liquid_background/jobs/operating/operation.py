"""What an operation is: a retry, cancel, delete or proof of all that match a filter, as it stands in the store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, assert_never

from liquid_background.errors import FilterError, OperationError
from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.verdicts import Verdicts
from liquid_background.jobs.queue.protocol import LONGEST_AUDITED
from liquid_background.jobs.queue.reading import text, whole

VERSION: Final = 2
"""Of an operation in the store, at most: of a proof, and of what a proof is the ground of."""
_PLAIN: Final = 1  # of all others, which workers of the version before carry out, too
LONGEST_FILTER: Final = 16_384
"""Bytes of its filter as JSON."""
_MOST: Final = 10**15 - 1  # jobs that one counts
_LATEST: Final = 253_402_300_799_000  # milliseconds: the end of the year 9999


class Kind(StrEnum):
    """What an operation does with each job."""

    RETRY = "retry"  # start a new run, at attempt 1, now
    CANCEL = "cancel"  # take it back; one that runs is ended at its worker's next beat
    DELETE = "delete"  # forget its record and results
    PROVE = "prove"  # run it dry: what would become of it now? It stays as it is


class OperationState(StrEnum):
    """How far an operation is."""

    RUNNING = "running"  # workers carry it out, or will when there are any
    DONE = "done"  # it has looked at all that there was
    ABORTED = "aborted"  # somebody ended it, or it could not be read; what it has done stays done
    DRY_RUN = "dry run"  # it was only asked what it would do, and is kept nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as it was when it was read."""

    id: str
    kind: Kind
    filter: Filter
    by: str
    created: datetime | None
    rate: str = ""  # such as 10/s; empty for as fast as it goes
    state: OperationState
    matched: int = 0  # jobs that it has come upon so far: done, failed or skipped
    done: int = 0
    failed: int = 0  # of which the last says why in `last_error`
    skipped: int = 0  # they had moved on, or ended or came to wait only after it began
    looked_at: int = 0  # records, of `of` in all as far as that is known
    of: int = 0
    last_error: str = ""
    ended: datetime | None = None
    ended_by: str = ""  # who aborted it
    sample: Sequence[str] = field(default=())  # of a dry run: the ids of the first jobs
    proof: str = ""  # id of the proof whose passing jobs it is about, where it is about such alone
    verdicts: Verdicts | None = None  # of a proof, what has come of its jobs by now

    @property
    def is_proof(self) -> bool:
        """Whether it changes nothing."""
        return self.kind is Kind.PROVE


def kind_of(given: Kind | str) -> Kind:
    """Return a kind by its word.

    Raises:
        OperationError: when there is none.
    """
    if given not in tuple(Kind):
        raise OperationError(f"no operation is called {str(given)[:120]!r}: give one of {', '.join(Kind)}")
    return Kind(given)


def version_of(kind: Kind, proof: str) -> int:
    """Return the version of an operation: the lowest that knows what it is."""
    return VERSION if proof or kind is Kind.PROVE else _PLAIN


def statuses_of(kind: Kind, wanted: Filter) -> Sequence[JobStatus]:
    """Return the statuses of the jobs that an operation is about, one after the other.

    Those that wait are gone through once more at the end: one that was claimed and given back meanwhile may have stood
    nowhere when it was looked for.

    Raises:
        OperationError: when it cannot be done with jobs of the status that the filter asks for.
    """
    if wanted.status is None:
        statuses = _usual(kind)
        return [*statuses, JobStatus.PENDING] if kind is Kind.CANCEL else statuses
    if not _may(kind, wanted.status):
        advice = "; cancel them first" if kind is Kind.DELETE else ""
        raise OperationError(f"cannot {kind} jobs that are {wanted.status}{advice}")
    return (wanted.status,) * (2 if wanted.status is JobStatus.PENDING else 1)


def _may(kind: Kind, status: JobStatus) -> bool:
    match kind:
        case Kind.RETRY | Kind.PROVE:
            return status.may_be_retried
        case Kind.CANCEL:
            return not status.has_ended
        case Kind.DELETE:
            return status.has_ended
        case _:
            assert_never(kind)


def _usual(kind: Kind) -> Sequence[JobStatus]:
    if kind in (Kind.RETRY, Kind.PROVE):
        return (JobStatus.FAILED,)  # who wants those that were cancelled says so
    return [status for status in JobStatus if _may(kind, status)]


_RATE: Final = re.compile(r"([1-9][0-9]{0,5})/([smh])", re.ASCII)
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600}


def gap_of(rate: str) -> float:
    """Return the milliseconds that a job takes at a rate, such as 10/s, 100/m or 5/h; 0 for none.

    Raises:
        OperationError: when it is no rate.
    """
    if not rate:
        return 0.0
    found = _RATE.fullmatch(rate)
    if found is None:
        raise OperationError(f"the rate {rate[:40]!r} is not one such as 10/s, 100/m or 5/h, up to 999999 jobs")
    return 1000 * _SECONDS[found[2]] / int(found[1])


READ: Final = (
    *(
        "v",
        "kind",
        "filter",
        "by",
        "rate",
        "created",
        "state",
        "matched",
        "done",
        "failed",
        "skipped",
        "looked_at",
        "of",
    ),
    *("last_error", "ended", "ended_by", "proof", "verdicts"),
)
"""The fields that an operation is read from."""
SHORT: Final = READ[:-1]
"""The same without what may be long."""


def decode_operation(operation_id: str, values: Sequence[bytes | None]) -> Operation:
    """Return an operation as it stands in the store.

    Args:
        operation_id: its id.
        values: of the fields in READ.

    Raises:
        OperationError: when it is garbage, or of a newer version.
    """
    given = dict(zip(READ, values, strict=True))
    said = {name: text(value, LONGEST_AUDITED) for name, value in given.items()}
    count = {name: whole(value, 0, _MOST) for name, value in given.items()}
    version = count["v"]
    if not _PLAIN <= version <= VERSION:
        upgrade = "was written by a newer version: upgrade this one" if version > VERSION else "is no operation"
        raise OperationError(f"operation {operation_id[:120]}: it {upgrade}")
    try:
        return Operation(
            id=operation_id,
            kind=Kind(said["kind"]),
            filter=filter_of(given["filter"]),
            by=said["by"],
            created=_time(given["created"]),
            rate=said["rate"],
            state=OperationState(said["state"]),
            matched=count["matched"],
            done=count["done"],
            failed=count["failed"],
            skipped=count["skipped"],
            looked_at=count["looked_at"],
            of=count["of"],
            last_error=said["last_error"],
            ended=_time(given["ended"]),
            ended_by=said["ended_by"],
            proof=said["proof"],
            verdicts=Verdicts.from_json(given["verdicts"]) if said["kind"] == Kind.PROVE else None,
        )
    except ValueError as error:
        raise OperationError(f"operation {operation_id[:120]} cannot be read: {error}") from error


def filter_of(written: bytes | None) -> Filter:
    """Return the filter of an operation.

    Raises:
        FilterError: when it is none.
    """
    if written is None or len(written) > LONGEST_FILTER:
        raise FilterError("its filter is missing or too long")
    return Filter.from_json(text(written, LONGEST_FILTER))


def _time(value: bytes | None) -> datetime | None:
    milliseconds = whole(value, None, _LATEST)
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
