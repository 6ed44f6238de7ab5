"""A short run of the soak, so that `make soak` works on the day when it is needed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak import whereabouts
from benchmarks.soak_oracle import Evidence, Run, judge
from liquid_background.job import Job, LogEntry, LogStatus
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

ROOT = Path(__file__).parents[2]
PROMISES = (
    "lost",
    "unfinished",
    "without one final entry",
    "log and oracle disagree",
    "early",
    "more runs than attempts",
)


def test_what_still_waits_is_unfinished_and_what_stands_nowhere_is_lost(store: Store, settings: Settings) -> None:
    queue = Queue(store, settings)
    jobs = [Job(id=id, source_name="s", template="t", line=1, source="") for id in ("claimed", "queued", "ended")]
    queue.send([*jobs, replace(jobs[0], id="later", delay=1.0)])
    Hands(store, settings).claim()
    store.client.lrem(keys.queue("default"), 0, "ended")
    places = whereabouts(settings)
    assert places == {"claimed": "leased", "queued": "queued", "later": "scheduled"}
    verdict = judge(_evidence([*places, "ended", "lost"], places))
    assert (verdict.completed, verdict.unfinished, verdict.lost, verdict.without_one_final_entry) == (1, 3, 1, 1)
    assert not verdict.holds
    assert judge(_evidence(["ended"], {})).holds


def _evidence(ids: list[str], places: dict[str, str]) -> Evidence:
    entry = LogEntry(job_id="ended", status=LogStatus.SUCCESS, final=True)
    return Evidence(
        due=dict.fromkeys(ids, 0.0),
        runs={"ended": [Run(1.0, 1, 2.0, ended=True)]},
        log=[entry],
        kills=0,
        killed={},
        stops=(),
        store_kills=(),
        attempts=1,
        places=places,
    )


@pytest.mark.slow
def test_a_few_jobs_under_fire_are_all_done() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--jobs", "300", "--workers", "2", "--body", "0.001"]
    short = ["--every", "4", "--delay", "0.1", "--seed", "1"]
    done = subprocess.run([*command, *short], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    found = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line)
    # How soon what was killed is taken up depends on what else the machine does, and so does the exit code.
    assert [found.get(promise) for promise in PROMISES] == ["0"] * len(PROMISES), done.stdout + done.stderr
