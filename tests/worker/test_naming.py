"""Workers of one host name and PID, as in two containers, are two workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from liquid_background.jobs.queue import moves, scripts
from liquid_background.jobs.queue.overview import workers
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background_worker.naming import claim_name
from tests.worker.conftest import HERE, Bench

_NEW_PIDS = ("unshare", "--fork", "--pid", "--mount-proc")
PLAIN = f"{socket.gethostname()}.{os.getpid()}"


def _register(store: Store, settings: Settings, name: str) -> None:
    worker = moves.Registration(name=name, pid=os.getpid(), host="h", address="", queues=["low"])
    scripts.run(store, *moves.register(worker, settings))


def test_the_first_is_called_by_host_and_pid_and_the_others_by_more(store: Store) -> None:
    names = [claim_name(store) for _ in range(5)]
    assert names[0] == PLAIN
    assert len(set(names)) == 5
    for name in names[1:]:
        assert re.fullmatch(re.escape(PLAIN) + "-[0-9a-f]{6}", name)


def test_a_name_is_taken_for_as_long_as_its_worker_is_registered(store: Store, settings: Settings) -> None:
    for other in (f"{PLAIN}0.0", f"{PLAIN}-abcdef.0", f"x{PLAIN}.0"):
        _register(store, settings, other)
    assert claim_name(store) == PLAIN
    _register(store, settings, f"{PLAIN}.0.7")
    store.client.delete(f"liquid_background:name:{PLAIN}")
    assert claim_name(store) != PLAIN


def _start_as_pid_1(bench: Bench, number: int) -> subprocess.Popen[bytes]:
    given = {"data_dir": str(bench.settings.data_dir), "processes": 1, "app": "tests.worker.stub_app:engine"}
    command = [*_NEW_PIDS, "--kill-child", sys.executable, str(HERE / "run_worker.py"), json.dumps(given)]
    with Path(f"{bench.runs_file}.pid1.{number}").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=HERE.parent.parent,
            stdout=log,
            stderr=log,
        )


def test_two_workers_that_are_pid_1_of_one_host_name_are_two(bench: Bench, tmp_path: Path) -> None:
    allowed = subprocess.run([*_NEW_PIDS, "true"], check=False) if shutil.which("unshare") else None
    if allowed is None or allowed.returncode:
        pytest.skip("may not make a PID namespace")
    processes = [_start_as_pid_1(bench, number) for number in range(2)]
    try:
        bench.wait_until(lambda: len(workers(bench.store)) == 2)
        names = [worker.name for worker in workers(bench.store)]
        assert all(re.fullmatch(re.escape(socket.gethostname()) + r"\.1(-[0-9a-f]{6})?\.0", name) for name in names)
        go = tmp_path / "go"
        jobs = [bench.send("wait_for", given={"until": str(go)}) for _ in range(2)]
        bench.wait_until(
            lambda: sorted(job for worker in workers(bench.store) for job in worker.job_ids) == sorted(jobs)
        )
        assert all(len(worker.job_ids) == 1 for worker in workers(bench.store))
        go.touch()
        for job in jobs:
            assert bench.wait_for(job).status == "completed"
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
