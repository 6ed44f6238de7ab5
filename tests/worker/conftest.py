"""Real workers for tests: started as processes of their own, and none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import RedisError

from liquid_background.job import Job, JobRecord, LogEntry
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests import warm
from tests.leases import leased

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def children_of(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@dataclass
class WorkerProcess:
    """A running worker; `log` is what it wrote."""

    process: warm.Started | subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        return children_of(self.pid)

    def tree(self) -> list[int]:
        return [self.pid, *self.children()]

    def signal_tree(self, number: int) -> None:
        for pid in self.tree():
            with suppress(OSError):
                os.kill(pid, number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def text(self) -> str:
        return self.log.read_text()


@dataclass
class Bench:
    """A store, a queue, a file that each run is written to, and workers."""

    store: Store
    settings: Settings
    queue: Queue
    runs_file: Path
    wait_until: Callable[..., Any]
    workers: list[WorkerProcess] = field(default_factory=list)

    def start(self, **options: Any) -> WorkerProcess:
        log = self._new_log()
        with log.open("wb") as stream, open(os.devnull) as nothing:
            given, streams = self._given(options), (nothing, stream, stream)
            process = warm.start("tests.worker.run_worker", given, cwd=ROOT, env=os.environ, streams=streams)
        worker = WorkerProcess(process, log)
        self.workers.append(worker)
        return worker

    def burst(self, **options: Any) -> str:
        """Run a worker until all is done, and return what it wrote."""
        worker = self.start(burst=True, **options)
        assert worker.process.wait(60) == 0, worker.text()
        return worker.text()

    def _new_log(self) -> Path:
        return self.runs_file.parent / f"worker{len(self.workers)}.log"

    def _given(self, options: dict[str, Any]) -> str:
        where = {"redis_url": self.settings.redis_url, "data_dir": str(self.settings.data_dir)}
        shared = {"processes": 1, "lease": 1.0, "retry_delays": "0", "app": "tests.worker.stub_app:engine"}
        return json.dumps({key: value for key, value in {**where, **shared, **options}.items() if value is not None})

    def job(self, do: str = "nothing", *, given: dict[str, Any] | None = None, **fields: Any) -> Job:
        parameters = {"do": do, "file": str(self.runs_file), **(given or {})}
        blank = {"source_name": "stub", "template": "pages/x", "line": 3, "source": "hi"}
        return Job(**{**blank, "parameters": parameters, **fields})

    def send(self, do: str = "nothing", *, given: dict[str, Any] | None = None, **fields: Any) -> str:
        job = self.job(do, given=given, **fields)
        assert self.queue.send([job]) == []
        return job.id

    def start_with_a_batch(
        self, go: Path, behind: int, seconds: float = 0, **fields: Any
    ) -> tuple[WorkerProcess, list[str]]:
        """Start a worker that runs the job `held` until a file appears, with others claimed behind it; return those."""
        worker = self.start(lease=60)
        # Quick jobs let the batches grow.
        self.queue.send([self.job(given={"file": ""}, **fields) for _ in range(300)])
        self.wait_until(lambda: not any(count.queued + count.running for count in self.queue.counts()))
        held = self.job("wait_for", given={"until": str(go)}, id="held", **fields)
        others = [
            self.job("sleep", given={"seconds": seconds}, id=f"behind{number}", **fields) for number in range(behind)
        ]
        self.queue.send([held, *others])
        self.wait_for_run("held")
        assert len(leased(self.store.client)) > 2
        return worker, [job.id for job in others]

    def runs(self) -> list[list[str]]:
        """Return the runs that have begun: id, attempt, time, pid."""
        return [line.split() for line in self.runs_file.read_text().splitlines()] if self.runs_file.exists() else []

    def ended(self) -> list[str]:
        """Return the ids of the runs that reached their end."""
        file = Path(f"{self.runs_file}.ended")
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def wait_for_run(self, job_id: str, times: int = 1) -> None:
        self.wait_until(lambda: sum(run[0] == job_id for run in self.runs()) >= times)

    def wait_for(self, job_id: str, *statuses: str, timeout: float = 15.0) -> JobRecord:
        def ended() -> JobRecord | None:
            record = self.queue.get(job_id)
            return record if (record.status in statuses if statuses else record.status.has_ended) else None

        record: JobRecord = self.wait_until(ended, timeout=timeout)
        return record

    def log(self, job_id: str | None = None) -> list[LogEntry]:
        found = entries(self.store.client, limit=10_000)
        return [entry for entry in found if entry.job_id == job_id] if job_id else found

    def story(self, job_id: str) -> list[tuple[str, int, bool]]:
        """Return what the log says of a job's attempts: status, attempt, final."""
        return self.stories().get(job_id, [])

    def stories(self) -> dict[str, list[tuple[str, int, bool]]]:
        """Return what the log says of each job's attempts."""
        told: dict[str, list[tuple[str, int, bool]]] = {}
        for entry in self.log():
            if entry.status:
                told.setdefault(entry.job_id, []).append((str(entry.status), entry.attempt, entry.final))
        return told

    def close(self) -> None:
        for worker in self.workers:
            worker.signal_tree(signal.SIGCONT)
            for pid in worker.tree() if worker.process.poll() is None else []:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            worker.process.wait()
        with suppress(RedisError):  # a store that was killed
            # Until the store knows that an idle child is dead, it has jobs of the next test claimed for it.
            self.wait_until(lambda: not self.store.client.info("clients")["blocked_clients"])


@pytest.fixture
def bench(store: Store, settings: Settings, tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Bench]:
    made = Bench(store, settings, Queue(store, settings), tmp_path / "runs", wait_until)
    try:
        yield made
    finally:
        made.close()
