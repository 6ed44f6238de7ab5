"""What one job does to its process does not reach the next."""

from __future__ import annotations

import os
import timeit

import pytest

from liquid_background.job import Job
from liquid_background_worker.surroundings import Surroundings
from tests.worker.conftest import Bench

KINDS = (
    "folder",
    "folder that goes",
    "environment",
    "whole environment",
    "zone",
    "zone alone",
    "umask",
    "modules",
    "context",
)


@pytest.mark.parametrize("then", ["", "raise", "swallow_once"])
def test_the_next_job_finds_what_the_first_one_found(bench: Bench, then: str) -> None:
    looks = [bench.send("surroundings")]
    for what in KINDS:
        bench.send("disturb", given={"what": what, "then": then}, timeout=0.3)
        looks.append(bench.send("surroundings"))
    bench.burst()
    first, *others = [bench.queue.get(look).result for look in looks]
    assert first
    assert others == [first] * len(KINDS)
    pids = {run[3] for run in bench.runs()}
    assert len(pids) == 1, "another process would prove nothing"


def _in_one_batch(bench: Bench, jobs: list[Job]) -> tuple[list[str | None], str]:
    """Run jobs behind quick ones, which let the batches grow; return their errors, and what the worker wrote."""
    bench.queue.send([bench.job(given={"file": ""}) for _ in range(300)] + jobs)
    wrote = bench.burst()
    return [bench.queue.get(job.id).error for job in jobs], wrote


@pytest.mark.parametrize("what", ["files", "threads"])
def test_what_a_job_leaves_behind_is_not_lacking_to_those_of_its_batch(bench: Bench, what: str) -> None:
    leaves, others = bench.job("leave", given={"what": what}), [bench.job("need") for _ in range(5)]
    errors, _ = _in_one_batch(bench, [leaves, *others])
    assert errors == [None] * 6
    pids = {run[0]: run[3] for run in bench.runs()}
    assert pids[leaves.id] not in {pids[job.id] for job in others}


@pytest.mark.parametrize("exits", [False, True])
def test_the_fork_of_a_job_that_comes_back_ends_there(bench: Bench, exits: bool) -> None:
    forks, others = bench.job("fork", given={"exits": exits}), [bench.job() for _ in range(20)]
    errors, wrote = _in_one_batch(bench, [forks, *others])
    assert errors == [None] * 21
    assert "Traceback" not in wrote
    assert len({run[3] for run in bench.runs()}) == 1, "the process that forked has gone on"


def test_looking_costs_a_plain_job_next_to_nothing() -> None:
    surroundings = Surroundings()
    try:
        assert min(timeit.repeat(surroundings.restore, number=1000, repeat=5)) / 1000 < 100e-6
    finally:
        os.close(surroundings._folder)
