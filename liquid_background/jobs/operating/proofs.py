"""A proof that its caller makes: a failure group's jobs are run dry here and now, against this program's templates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from liquid_background.job import JobStatus, new_id
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.proving import MOST_PROVED, Prove, proved, runs
from liquid_background.jobs.operating.verdicts import DryVerdict, Verdicts
from liquid_background.jobs.queue import scripts
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings

_AT_ONCE: Final = 500  # jobs that are noted in one step


@dataclass(slots=True)
class Proof:
    """What is known of a failure group so far.

    Attributes:
        verdicts: what has come of its jobs.
        looked_at: failed jobs that were looked at, of any group.
        of: that there are.
        is_whole: whether all jobs of the group were run dry.
    """

    verdicts: Verdicts = field(default_factory=Verdicts)
    looked_at: int = 0
    of: int = 0
    is_whole: bool = False
    _passed: list[str] = field(default_factory=list[str])  # an id, and the end of the run that was proven

    def keep(self, store: Store) -> str:
        """Keep for a day which jobs have passed, for the retry of those alone; return the id that names them.

        Raises:
            StoreUnavailable: when the store cannot be reached, or takes no writes.
        """
        proof = new_id()
        for at in range(0, len(self._passed), 2 * _AT_ONCE):
            scripts.run(store, "proved", [proof, *self._passed[at : at + 2 * _AT_ONCE]], "what passed may be kept")
        return proof


def prove(store: Store, settings: Settings, failure: str, run_dry: Prove) -> Iterator[Proof]:
    """Run the jobs of a failure group dry; yield how far it is, the same object each time. Nothing is written.

    Args:
        store: where they are.
        settings: of the application.
        failure: the group's id.
        run_dry: runs one of them.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    proof = Proof()
    for found in scan(store, settings, Filter(status=JobStatus.FAILED, failure=failure)):
        for run in runs(store, found.ids):
            if proof.verdicts.jobs >= MOST_PROVED:
                yield proof
                return
            verdict, why = proved(run, run_dry)
            proof.verdicts.add(run.id, verdict, why)
            if verdict is DryVerdict.PASSES:
                proof._passed += [run.id, run.ended]
            yield proof
        proof.looked_at, proof.of, proof.is_whole = found.looked_at, found.of, found.is_last
        yield proof
