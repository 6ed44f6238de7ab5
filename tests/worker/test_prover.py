"""Dry runs in children of a prover: a job that loops, eats memory or ends its process costs only itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.errors import PreviewStopped
from liquid_background.job import Job, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.carrying import Carrier
from liquid_background.jobs.operating.operation import OperationState
from liquid_background.jobs.operating.proving import Proved
from liquid_background.jobs.operating.verdicts import DryVerdict
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import encode_data, payload_of
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings, load_settings
from liquid_background_worker.prover import Apart, Prover, dry_runs_of
from tests.jobs.operating.desk import Desk, carry_out

SETTINGS = load_settings(memory_limit=128)


def nothing() -> None:
    """Do nothing meanwhile."""


def odd() -> Callable[[str, Mapping[str, Any]], Proved]:
    """Return what does to its process what the id of a job says."""
    kept: list[bytearray] = []

    def dry(job_id: str, payload: Mapping[str, Any]) -> Proved:
        if job_id == "loops":
            while True:
                pass
        if job_id == "eats":
            while True:
                kept.append(bytearray(10_000_000))
        if job_id == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if job_id == "leaves":
            os._exit(0)
        if job_id == "raises":
            raise ValueError("no")
        return Proved(DryVerdict.PASSES, str(os.getpid()))

    return dry


@pytest.fixture
def prover() -> Iterator[Prover]:
    with closing(Prover(SETTINGS, odd, seconds=0.2)) as prover:
        yield prover


@pytest.fixture
def patient() -> Iterator[Prover]:
    """For what takes a slow machine a while: hundreds of megabytes."""
    with closing(Prover(SETTINGS, odd, seconds=30)) as prover:
        yield prover


ODD = {
    "loops": (DryVerdict.UNKNOWN, "its dry run takes too long to tell"),
    "eats": (DryVerdict.FAILS, "its dry run ran out of memory (MEMORY_LIMIT)"),
    "dies": (DryVerdict.FAILS, "its dry run ended the process, which was killed by signal 9 (SIGKILL)"),
    "leaves": (DryVerdict.FAILS, "its dry run ended the process, which ended with exit code 0"),
    "raises": (DryVerdict.FAILS, "its dry run: ValueError: no"),
}


@pytest.mark.parametrize("job_id", ODD)
def test_what_a_job_does_to_its_process_costs_only_itself(prover: Prover, patient: Prover, job_id: str) -> None:
    beats: list[float] = []
    prover = patient if job_id == "eats" else prover
    first = prover("well", {}, nothing)
    assert prover(job_id, {}, lambda: beats.append(time.monotonic())) == ODD[job_id]
    assert prover("well", {}, nothing).verdict is first.verdict is DryVerdict.PASSES
    assert len(beats) > 2 or job_id != "loops"


def test_one_child_serves_until_it_has_to_be_replaced_and_none_is_left(prover: Prover) -> None:
    pids = [int(prover("well", {}, nothing).why) for _ in range(3)]
    assert len({*pids}) == 1
    prover.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_what_the_parent_holds_counts_against_no_job(patient: Prover) -> None:
    held = b"x" * (2 * SETTINGS.memory_limit * 1024 * 1024)
    pids = [int(patient("well", {}, nothing).why) for _ in range(2)]
    assert held
    assert len({*pids}) == 1
    assert patient("eats", {}, nothing) == ODD["eats"]


def test_a_child_has_nothing_that_its_parent_has_open(tmp_path: Path) -> None:
    def dry_of_files() -> Callable[[str, Mapping[str, Any]], Proved]:
        return lambda job_id, payload: Proved(DryVerdict.PASSES, ",".join(os.listdir("/proc/self/fd")))

    with open(tmp_path / "x", "w"), closing(Prover(SETTINGS, dry_of_files)) as other:
        assert len(other("a", {}, nothing).why.split(",")) <= 5  # three streams, the channel, and the folder


def test_a_process_apart_forks_for_who_has_threads() -> None:
    with closing(Apart(SETTINGS, odd)) as apart:
        assert apart("well", {}, nothing).verdict is DryVerdict.PASSES
        assert apart("dies", {}, nothing) == ODD["dies"]
        assert apart("well", {}, nothing).verdict is DryVerdict.PASSES
        os.kill(apart._child._pid, signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(PreviewStopped, match="has ended"):
                apart("well", {}, nothing)


def test_an_undeclared_filter_is_not_called_and_a_pure_one_is(tmp_path: Path) -> None:
    engine = Engine(templates=tmp_path)
    written = tmp_path / "written"
    engine.environment.add_filter("write", lambda value: written.write_text(str(value)))
    engine.environment.add_filter("twice", lambda value: value * 2, pure=True)
    make = dry_runs_of(engine)
    assert make is not None

    def said(source: str) -> Proved:
        job = Job(source_name="s", template="pages/x", line=1, source=source)
        return prover(job.id, payload_of(job), nothing)

    with closing(Prover(SETTINGS, make)) as prover:
        assert said("{{ 1 | write }}") == (DryVerdict.PASSES, "")
        depending = "{% assign n = 1 | write %}{% if n > 0 %}{% include 'gone' %}{% endif %}"
        assert said(depending) == (DryVerdict.DEPENDS, "filter write")
        doubled = "{% assign n = 2 | twice %}{% if n != 4 %}{% include 'gone' %}{% endif %}"
        assert said(doubled) == (DryVerdict.PASSES, "")
        assert said("{% include 'gone' %}") == (DryVerdict.FAILS, "partial 'gone' not found (pages/x:1)")
    assert not written.exists()


def test_an_application_without_templates_proves_nothing() -> None:
    class Plain:
        def perform(self, job_id: str, payload: dict[str, Any], attempt: int, max_attempts: int) -> Outcome:
            raise NotImplementedError

    assert dry_runs_of(Plain()) is None


def _copy(store: Store, jobs: list[Job]) -> None:
    """Have jobs fail as the job a0 has, without the time that a worker takes for as many."""
    fields, place = store.client.hgetall(keys.job("a0")), keys.failed("default")
    pipeline = store.client.pipeline(transaction=False)
    for job in jobs:
        pipeline.hset(keys.job(job.id), mapping={**fields, b"data": encode_data(job)})
        pipeline.zadd(place, {job.id: 2**33})  # when it expires
    pipeline.execute()


@pytest.mark.slow
def test_a_group_of_five_thousand_is_proven_with_a_mended_template(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/mail.liquid").write_text("Hi {{ n }}")
    engine = Engine(settings=settings.model_copy(update={"templates": tmp_path}))
    source = "{% if n == 13 %}{% include 'gone' %}{% endif %}{% include 'mail', n: n %}"

    def job(**fields: Any) -> Job:
        given = {"n": int(fields["id"][1:])}
        return Job(source_name="mail", template="pages/x", line=3, source=source, parameters=given, **fields)

    desk = Desk(store, settings, job)
    desk.fail("a0")
    _copy(store, [job(id=f"a{n}") for n in range(1, 5000)])
    proof = desk.operations.start("prove", Filter())
    make = dry_runs_of(engine)
    assert make is not None
    began = time.monotonic()
    with closing(Prover(engine.settings, make)) as prover:
        carry_out(Carrier(store, engine.settings, prove=prover))
    took = time.monotonic() - began
    ended = desk.operations.get(proof.id)
    assert (ended.state, ended.done) == (OperationState.DONE, 5000)
    assert ended.verdicts is not None
    assert [(str(verdict), each.jobs, each.why) for verdict, each in ended.verdicts.rows()] == [
        ("passes", 4999, ""),
        ("fails", 1, "partial 'gone' not found (pages/x:3)"),
    ]
    retry = desk.operations.start("retry", Filter(), proof=proof.id)
    desk.carry_out()
    assert desk.operations.get(retry.id).done == 4999
    assert desk.statuses("a13", "a14") == ["failed", "pending"]
    assert took < 60, took  # 2 s where nothing else runs
