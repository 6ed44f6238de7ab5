"""rq-dashboard in its JSON mode shows what `poscli` shows, and its requeue starts a new run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import Bench


class Dashboard:
    """A running rq-dashboard."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def read(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._base}/{path}", timeout=10) as reply:
            return json.load(reply)

    def post(self, path: str) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self._base}/{path}", method="POST"), timeout=10).close()

    def answers(self) -> bool:
        with suppress(OSError):
            return bool(self.read("0/data/queues.json"))
        return False


@pytest.fixture
def dashboard(bench: Bench, wait_until: Callable[..., Any]) -> Iterator[Dashboard]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).parent / "rq-dashboard"
    command = [str(program), "--json", "-u", bench.store.url, "-b", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = Dashboard(port)
        wait_until(found.answers, timeout=30)
        yield found
    finally:
        process.terminate()
        process.wait(10)


def _counts(dashboard: Dashboard) -> dict[str, int]:
    (queue,) = dashboard.read("0/data/queues.json")["queues"]
    names = {"queued": "count", "scheduled": "scheduled_job_registry_count"}
    names |= {"completed": "finished_job_registry_count", "failed": "failed_job_registry_count"}
    return {ours: queue[theirs] for ours, theirs in names.items()}


def _ours(bench: Bench) -> dict[str, int]:
    (count,) = (count for count in bench.queue.counts() if count.name == "default")
    names = ("queued", "scheduled", "completed", "failed")
    return {name: getattr(count, name) for name in names}


def test_the_dashboard_agrees(bench: Bench, dashboard: Dashboard) -> None:
    fine = bench.send(source_name="send_email")
    wrong = bench.send("raise")
    later = bench.send(delay=60)
    assert _counts(dashboard) == _ours(bench) == {"queued": 2, "scheduled": 1, "completed": 0, "failed": 0}

    bench.burst()
    assert _counts(dashboard) == _ours(bench) == {"queued": 0, "scheduled": 1, "completed": 1, "failed": 1}
    shown = {job_id: dashboard.read(f"0/data/job/{job_id}.json") for job_id in (fine, wrong, later)}
    assert [job["status"] for job in shown.values()] == ["finished", "failed", "scheduled"]
    assert (shown[fine]["result"], bench.queue.get(fine).result) == (None, "")  # a blank one is not kept
    assert "Traceback" in shown[wrong]["exc_info"]
    listed = dashboard.read("0/data/jobs/default/finished/8/asc/1.json")["jobs"]
    assert [job["description"] for job in listed] == ["send_email"]

    dashboard.post(f"job/{wrong}/requeue")
    assert _counts(dashboard) == _ours(bench) == {"queued": 1, "scheduled": 1, "completed": 1, "failed": 0}
    bench.burst()
    assert [(entry.attempt, str(entry.status)) for entry in bench.log(wrong)] == [(1, "FAILED"), (1, "FAILED")]
