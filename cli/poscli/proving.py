"""`poscli failures prove`: a failure group's jobs are run dry here, and those that pass are run again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from liquid_background import Engine, JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log import printable
from liquid_background.jobs.operating.failuregroup import FailureGroup
from liquid_background.jobs.operating.operation import Kind
from liquid_background.jobs.operating.proofs import Proof, prove
from liquid_background.wording import counted
from liquid_background_worker.prover import Apart, dry_runs_of
from poscli.application import needed_engine
from poscli.loader import load
from poscli.operating import start
from poscli.output import dump
from poscli.tables import confirm, needs_terminal
from poscli.terminal import fitted, note
from poscli.verdictview import lines_of, verdicts_as_json


def prove_group(app: str | None, failure: str, style: str, *, retry_passing: bool, rate: str, yes: bool) -> None:
    """Run the jobs of a group dry and say what came of them; then retry those that pass, if that is asked for."""
    if retry_passing and not yes:
        needs_terminal()
    engine = needed_engine(app)
    make = dry_runs_of(engine)
    assert make is not None  # an engine has an environment
    # The process that forks begins before this one has threads, or connections to the store.
    run_dry = Apart(engine.settings, make)
    try:
        group = engine.failures.show(failure).group
        proof = _proved(engine, group, run_dry)
    finally:
        run_dry.close()
    verdicts = proof.verdicts
    if style == "json":
        print(dump(_as_json(group, proof)))
    else:
        for line in _as_text(group, proof):
            print(line)
    if not verdicts.passes.jobs:
        sys.exit(1)
    if retry_passing:
        confirm(f"Retry the {counted(verdicts.passes.jobs, 'job')} that pass?", yes)
        wanted = Filter(status=JobStatus.FAILED, failure=group.id)
        kept = proof.keep(engine.store)
        start(engine, Kind.RETRY, wanted, rate=rate, total=verdicts.passes.jobs, proof=kept)
    elif style == "text":
        note(f"to run those again that pass: poscli failures prove {group.id[:6]} --retry-passing")


def _proved(engine: Engine, group: FailureGroup, run_dry: Apart) -> Proof:
    """Return what has come of a group's jobs; a terminal's bar shows how far it is."""

    def last(show: Callable[[int], None]) -> Proof:
        proof = Proof()
        for proof in prove(engine.store, engine.settings, group.id, run_dry):
            show(proof.verdicts.jobs)
        return proof

    if not sys.stdout.isatty():
        return last(lambda done: None)
    with load("poscli.progress:Progress")() as progress:  # its import takes long
        return last(lambda done: progress.done(done, max(done, group.failed)))


def _as_text(group: FailureGroup, proof: Proof) -> Iterator[str]:
    verdicts = proof.verdicts
    of = "" if proof.is_whole else f" of {max(group.failed, verdicts.jobs):,}"
    place = f" of {printable(group.place)}" if group.place else ""
    yield fitted(f"{counted(verdicts.jobs, 'job')}{of}{place} run dry against the templates that are here:")
    yield from lines_of(verdicts)


def _as_json(group: FailureGroup, proof: Proof) -> dict[str, Any]:
    return {
        "failure": group.id,
        "jobs": proof.verdicts.jobs,
        "is_whole": proof.is_whole,
        **verdicts_as_json(proof.verdicts),
    }
