"""What one job does to its process does not reach the next."""

from __future__ import annotations

import os
import timeit

import pytest

from liquid_background_worker.surroundings import Surroundings
from tests.worker.conftest import Bench

KINDS = ("folder", "folder that goes", "environment", "whole environment", "zone", "zone alone", "umask", "modules")


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


def test_looking_costs_a_plain_job_next_to_nothing() -> None:
    surroundings = Surroundings()
    try:
        assert min(timeit.repeat(surroundings.restore, number=1000, repeat=5)) / 1000 < 100e-6
    finally:
        os.close(surroundings._folder)
