"""A child's line to the store: the wait of an idle child and the claim that travels with it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from liquid_background.jobs.queue import keys, moves
from liquid_background_worker.channel import Channel
from tests.worker.conftest import Bench

OWN = keys.wake("a worker's own")


@pytest.fixture
def control() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def _blocked(bench: Bench, control: int, seconds: float) -> moves.Batch:
    channel = Channel(bench.store, 3.0, lambda _: False)
    channel.call(moves.remaining(["default"]))  # which connects
    claim = moves.Claim("token", 5, ["default"], bench.settings, seconds)
    return claim.opened(channel.block([keys.wake("default"), OWN], seconds, control, [claim.call]))


def test_the_claim_runs_when_a_job_arrives(bench: Bench, control: tuple[int, int]) -> None:
    job_id = bench.send()
    batch = _blocked(bench, control[0], 60)
    assert [job.id for job in batch.jobs] == [job_id]


def test_the_claim_runs_at_the_end_of_the_wait(bench: Bench, control: tuple[int, int]) -> None:
    job_id = bench.send()
    bench.store.client.delete(keys.wake("default"))  # as when another tool put it there
    began = time.monotonic()
    batch = _blocked(bench, control[0], 0.3)
    assert [job.id for job in batch.jobs] == [job_id]
    assert time.monotonic() - began >= 0.3


def test_a_word_to_stop_ends_the_wait_and_not_the_claim(bench: Bench, control: tuple[int, int]) -> None:
    """The store would run it all the same, for nobody: what it brings has to be given back by who asked for it."""
    job_id = bench.send()
    bench.store.client.delete(keys.wake("default"))
    os.write(control[1], b".")
    batch = _blocked(bench, control[0], 60)
    assert [job.id for job in batch.jobs] == [job_id]
    assert not bench.store.client.exists(OWN)


def test_an_error_of_a_script_is_told_with_its_file_and_line(
    bench: Bench, control: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    channel = Channel(bench.store, 3.0, lambda _: False)
    assert channel.call(("step", [])) is None
    assert channel.block([OWN], 0.01, control[0], [("claim", ["token"])]) is None
    assert re.search(r"\bstep\.lua:\d+", caplog.text)
    assert re.search(r"\bclaim\.lua:\d+", caplog.text)
    assert "user_script" not in caplog.text
