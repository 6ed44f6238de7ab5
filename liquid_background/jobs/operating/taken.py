"""An operation whose lease a process has, and where it is to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from liquid_background.errors import OperationError
from liquid_background.job import JobStatus, words_in_rq
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import (
    LONGEST_FILTER,
    Kind,
    filter_of,
    gap_of,
    kind_of,
    statuses_of,
)
from liquid_background.jobs.operating.verdicts import Verdicts
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.places import Place as Where
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.site import own_name

_SHOWN: Final = 64  # bytes of an id that is not one of ours


class Place(NamedTuple):
    """Where an operation is to go on: behind a cursor, in the jobs of one of its statuses."""

    turn: int  # which of them
    cursor: str  # empty for their beginning

    def __str__(self) -> str:
        return f"{self.turn}:{self.cursor}"

    @classmethod
    def read(cls, written: str) -> Place:
        """Return a place from what it says; the beginning for what says nothing."""
        turn, _, cursor = written.partition(":")
        return cls(int(turn), cursor) if turn.isdecimal() and len(turn) == 1 else cls(0, "")


@dataclass(frozen=True, slots=True)
class Taken:
    """An operation whose lease this process has."""

    id: str
    token: str
    kind: Kind
    statuses: Sequence[JobStatus]
    filter: Filter
    gap: float  # milliseconds that a job takes at its rate
    place: Place
    proof: str = ""  # id of the proof whose passing jobs it is about, where it is about such alone
    verdicts: Verdicts = field(default_factory=Verdicts)  # of a proof, what has come of its jobs by now

    def places(self, site: str) -> Sequence[Where] | None:
        """Return where its jobs stand; None where their statuses tell."""
        if not self.proof:
            return None
        words = words_in_rq(self.statuses[0])
        return [Where("proved", "falling", own_name(site, keys.proved(self.proof)), words, ("ended_at",))]

    @classmethod
    def opened(cls, token: str, values: Sequence[bytes]) -> Taken:
        """Return what a take brought.

        Raises:
            OperationError: when it cannot be carried out.
            FilterError: when its filter is none.
        """
        raw_id, kind, wanted, rate, place, proof, verdicts = values
        what, which, at = kind_of(text(kind, _SHOWN)), filter_of(wanted), Place.read(text(place, LONGEST_FILTER))
        statuses = statuses_of(what, which)
        if at.turn >= len(statuses):
            raise OperationError("it is to go on where nothing is")
        gap, about = gap_of(text(rate, _SHOWN)), text(proof, _SHOWN)
        return cls(
            text(raw_id, _SHOWN), token, what, statuses, which, gap, at, about, Verdicts.from_json(verdicts or None)
        )
