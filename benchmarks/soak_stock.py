"""Stock RQ workers under the soak's faults, for comparison."""

from __future__ import annotations

import argparse
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Retry, Worker

from benchmarks.soak_oracle import read_runs

QUEUES = ("high", "default", "low")
WAIT = 60  # seconds that stock RQ gets for what the kills have left


def body(path: str, job_id: str, seconds: float) -> str:
    """Do as the soak's own body does."""
    _note(path, "B", job_id)
    time.sleep(seconds)
    _note(path, "E", job_id)
    return job_id


def _note(path: str, kind: str, job_id: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{kind} {job_id} {os.getpid()} {time.time():.6f}\n")


def compare(socket: Path, runs: Path, fleet_of: Callable[..., Any], arguments: argparse.Namespace) -> list[str]:
    """Return the figures of stock RQ as lines of text."""
    while not socket.exists():
        time.sleep(0.05)
    redis = Redis(unix_socket_path=str(socket))
    for number in range(arguments.jobs):
        queue = Queue(random.choice(QUEUES), connection=redis)
        queue.enqueue(body, str(runs), f"j{number}", arguments.body, retry=Retry(max=4), job_id=f"j{number}")

    def work() -> None:
        logging.disable(logging.CRITICAL)
        connection = Redis(unix_socket_path=str(socket))
        Worker(QUEUES, connection=connection, name=f"w{os.getpid()}").work(with_scheduler=True)

    fleet = fleet_of(work, arguments.workers)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(random.uniform(0.1, 0.4))
        fleet.strike()
        fleet.wake_up()
    fleet.wake_up(everyone=True)
    deadline = time.monotonic() + WAIT
    while _done(runs) < arguments.jobs and time.monotonic() < deadline:
        time.sleep(0.5)
    done = _done(runs)
    waiting = sum(Queue(name, connection=redis).count for name in QUEUES)
    fleet.close()
    return [
        f"stock RQ: {arguments.jobs} jobs, {fleet.kills} kills of workers or their children in 20 s",
        f"completed within {WAIT} s of the last kill: {done}; still queued: {waiting}",
        f"lost or stuck: {arguments.jobs - done - waiting}",
    ]


def _done(runs: Path) -> int:
    return sum(any(run.ended for run in found) for found in read_runs(runs).values()) if runs.exists() else 0
