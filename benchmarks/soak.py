"""The soak: thousands of jobs while workers and the store are killed all the time. `make soak` runs it.

python benchmarks/soak.py --jobs 20000 --workers 6 --body 0.01
python benchmarks/soak.py --jobs 20000 --trouble              # the store also fills up and stands still
python benchmarks/soak.py --jobs 400 --workers 3 --stock      # stock RQ under the same faults, for comparison
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks import soak_oracle, soak_stock
from liquid_background.errors import StoreUnavailable
from liquid_background.job import Job, Outcome, Priority
from liquid_background.jobs.log import KEY, entries
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import connect, embedded
from liquid_background.settings import Settings, load_settings
from liquid_background_worker import run

FULL = 6.0  # seconds that the store stays full
STALL = 4.0  # seconds that it stands still; a lease lasts 3
SETTLED = 30.0  # seconds, beside the longest delay, in which no job ends and from which on none is waited for


class Body:
    """Performs a job: says so in the oracle's file, sleeps, says so again. One job in fifty fails at first."""

    def __init__(self, path: Path, seconds: float) -> None:
        # Kept open, by the children too: closing it would be time between a body's end and the word of it.
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seconds = seconds

    def perform(self, job_id: str, payload: dict[str, Any], attempt: int, max_attempts: int) -> Outcome:
        self._note("B", job_id)
        time.sleep(self._seconds)
        if attempt == 1 and int(job_id[1:]) % 50 == 0:
            self._note("F", job_id)
            return Outcome(error="fails at first")
        self._note("E", job_id)
        return Outcome(result=job_id, duration=round(self._seconds * 1000))

    def _note(self, kind: str, job_id: str) -> None:
        os.write(self._file, f"{kind} {job_id} {os.getpid()} {time.time():.6f}\n".encode())


class Server:
    """The store: a Valkey server with its append-only file on, killed and started again."""

    def __init__(self, folder: Path, fsync: str = "everysec") -> None:
        self._folder = folder
        self._fsync = fsync
        self.socket = folder / "s.sock"
        self.url = f"unix://{self.socket}"
        self.kills: list[float] = []
        self.outages: list[float] = []
        self.troubles = 0
        self.delayed_fsyncs = 0
        self._start()

    def _start(self) -> None:
        command = [str(embedded.find_server()), "--port", "0", "--unixsocket", str(self.socket)]
        options = ["--dir", str(self._folder), "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
        # Short outages: completed jobs expire, and the file is rewritten early, so there is little to load.
        options += ["--auto-aof-rewrite-min-size", "8mb", "--appendfsync", self._fsync]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill it and start it again; return when it answers."""
        self.delayed_fsyncs += self._delayed()
        self.kills.append(time.time())
        self._process.kill()
        self._process.wait()
        self._start()
        self.wait()
        self.outages.append(time.time() - self.kills[-1])

    def fill(self) -> None:
        """Have it refuse what takes memory for a while, as a full one does."""
        self._set_limit(1)
        time.sleep(FULL)
        self._set_limit(0)

    def _set_limit(self, size: int) -> None:
        self.troubles += size
        store = connect(load_settings(redis_url=self.url))
        store.client.config_set("maxmemory", str(size))
        store.close()

    def stall(self) -> None:
        """Have it stand still for longer than a lease."""
        self.troubles += 1
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(STALL)
        self._process.send_signal(signal.SIGCONT)

    def _delayed(self) -> int:
        store = connect(load_settings(redis_url=self.url))
        delayed: int = store.client.info("persistence")["aof_delayed_fsync"]
        store.close()
        return delayed

    def wait(self) -> None:
        """Return when it answers."""
        settings = load_settings(redis_url=self.url)
        while True:
            with contextlib.suppress(StoreUnavailable):
                connect(settings).close()
                return
            time.sleep(0.01)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Fleet:
    """Workers that are killed and replaced; each is forked, so that a replacement is there within milliseconds."""

    def __init__(self, work: Callable[[], None], size: int) -> None:
        self._work = work
        self._pids = [self._fork() for _ in range(size)]
        self.kills = 0
        self.killed: dict[int, float] = {}
        self.stopped: set[int] = set()
        self._asleep: list[tuple[float, list[int]]] = []

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            return pid
        os.setpgid(0, 0)
        try:
            self._work()
        finally:
            os._exit(0)

    def _children(self, pid: int) -> list[int]:
        with contextlib.suppress(OSError):
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def strike(self) -> None:
        """Kill or stop one worker, or one child of one."""
        index = random.randrange(len(self._pids))
        pid = self._pids[index]
        children = self._children(pid)
        dice = random.random()
        if dice < 0.02 and children:
            self._stop_for_a_while([pid, *children])
        elif dice < 0.05 and children:
            self._signal([pid], signal.SIGHUP)  # replaces its children in order
        elif dice < 0.3 and children:
            self._kill([random.choice(children)])
        else:
            self._kill([pid, *children])
            os.waitpid(pid, 0)
            self._pids[index] = self._fork()

    def _kill(self, pids: list[int]) -> None:
        self.kills += 1
        for pid in pids:
            self.killed[pid] = time.time()
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def _stop_for_a_while(self, pids: list[int]) -> None:
        self._asleep.append((time.monotonic() + 4.5, pids))
        self.stopped.update(pids)
        self._signal(pids, signal.SIGSTOP)

    def _signal(self, pids: list[int], number: int) -> None:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, number)

    def wake_up(self, everyone: bool = False) -> None:
        """Let stopped workers go on whose time is over."""
        for until, pids in list(self._asleep):
            if everyone or time.monotonic() > until:
                self._asleep.remove((until, pids))
                self._signal(pids, signal.SIGCONT)

    def close(self) -> list[int]:
        """Stop the workers in order; return their exit codes."""
        self.wake_up(everyone=True)
        self._signal(self._pids, signal.SIGTERM)
        return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in self._pids]


def enqueue(settings: Settings, count: int, attempts: int, longest: float) -> dict[str, float]:
    """Send the jobs, over outages too; return when each is due."""
    store = connect(settings)
    queue = Queue(store, settings)
    due: dict[str, float] = {}
    for start in range(0, count, 100):
        jobs = [_job(number, attempts, longest) for number in range(start, min(start + 100, count))]
        now = time.time()
        due |= {job.id: now + job.delay * 60 for job in jobs}
        while True:
            try:
                queue.send(jobs)
                break
            except StoreUnavailable:
                time.sleep(0.05)
    store.close()
    return due


def _job(number: int, attempts: int, longest: float) -> Job:
    delay = random.uniform(0.01, longest) if number % 5 == 0 else 0.0
    priority = random.choice(list(Priority))
    return Job(
        id=f"j{number}", source_name="soak", template="soak", line=1, source="", priority=priority, delay=delay,
        max_attempts=attempts,
    )  # fmt: skip


def batter(fleet: Fleet, faults: Iterator[Callable[[], None]], settings: Settings, limit: float, every: float) -> None:
    """Kill until every job has ended; now and then the store has its next fault, and workers are let alone."""
    store = connect(settings)
    queue = Queue(store, settings)
    until, next_fault, next_look = time.monotonic() + limit, time.monotonic() + every, time.monotonic() + 5
    while time.monotonic() < until:
        time.sleep(random.uniform(0.1, 0.4))
        fleet.strike()
        fleet.wake_up()
        if time.monotonic() > next_fault:
            next(faults)()
            next_fault = time.monotonic() + every
        if time.monotonic() > next_look:
            next_look = time.monotonic() + 1
            with contextlib.suppress(StoreUnavailable):
                if is_quiet(queue):
                    break
    store.close()


def is_quiet(queue: Queue) -> bool:
    """Return whether nothing waits, is claimed or runs; what a killed worker held stands in the leases."""
    client: Any = queue.store.client

    def waits() -> bool:
        return any(count.queued + count.scheduled for count in queue.counts())

    # Twice: a job is claimed, or waits again, between two readings.
    return not waits() and not client.exists(keys.LEASES, keys.BATCHES) and not waits()


def settle(settings: Settings, seconds: float) -> None:
    """Wait for what is left, however long that takes, unless nothing at all ended for so many seconds."""
    store = connect(settings)
    queue = Queue(store, settings)
    client: Any = store.client
    ended, until = -1, 0.0
    while not is_quiet(queue):
        before, ended = ended, client.xlen(KEY)
        if ended != before:
            until = time.monotonic() + seconds
        elif time.monotonic() > until:
            break
        time.sleep(0.2)
    store.close()


def whereabouts(settings: Settings) -> dict[str, str]:
    """Return where each job stands that has not ended: `queued`, `scheduled` or `leased`."""
    store = connect(settings)
    client: Any = store.client
    found = dict.fromkeys(client.zrange(keys.LEASES, 0, -1), "leased")
    for under in client.hvals(keys.BATCH_JOBS):
        found |= dict.fromkeys((job_id.encode() for job_id in json.loads(under)["ids"]), "leased")
    for name in keys.QUEUES:
        found |= dict.fromkeys(client.zrange(keys.scheduled(name), 0, -1), "scheduled")
        found |= dict.fromkeys(client.lrange(keys.queue(name), 0, -1), "queued")
    store.close()
    return {job_id.decode(): place for job_id, place in found.items()}


def soak(arguments: argparse.Namespace, folder: Path) -> soak_oracle.Verdict:
    server = Server(folder, arguments.fsync)
    runs = folder / "runs"
    settings = load_settings(
        redis_url=server.url, processes=1, retry_delays=(0.2,), result_ttl=10, log_limit=10_000_000
    )
    server.wait()
    began = time.monotonic()
    fleet = Fleet(lambda: _work(settings, Body(runs, arguments.body)), arguments.workers)
    attempts = 2 if arguments.trouble else 5
    due = enqueue(settings, arguments.jobs, attempts, arguments.delay)
    faults = (server.stall, server.fill, server.kill) if arguments.trouble else (server.kill,)
    batter(fleet, cycle(faults), settings, arguments.limit, arguments.every)
    fleet.wake_up(everyone=True)
    settle(settings, SETTLED + arguments.delay * 60)
    codes = fleet.close()
    print(f"{arguments.jobs / (time.monotonic() - began):.0f} jobs a second under fire; exit codes {codes}")
    longest = max(server.outages, default=0.0)
    print(f"appendfsync {arguments.fsync}: delayed {server.delayed_fsyncs} times; longest outage {longest:.1f} s")
    places = whereabouts(settings)
    if places:
        print(f"not done: {dict(Counter(places.values()))}")
    store = connect(settings)
    evidence = soak_oracle.Evidence(
        due=due,
        runs=soak_oracle.read_runs(runs),
        log=entries(store.client, limit=10_000_000),
        kills=fleet.kills,
        killed=fleet.killed,
        stops=fleet.stopped,
        store_kills=server.kills,
        attempts=attempts,
        troubles=server.troubles,
        places=places,
    )
    store.close()
    server.close()
    return soak_oracle.judge(evidence)


def _work(settings: Settings, body: Body) -> None:
    logging.disable(logging.CRITICAL)
    random.seed()
    os._exit(run(settings, body))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--body", type=float, default=0.01, help="seconds that each body takes")
    parser.add_argument("--limit", type=float, default=600, help="seconds after which nothing is killed any more")
    parser.add_argument("--every", type=float, default=12.0, help="seconds from one fault of the store to the next")
    parser.add_argument("--delay", type=float, default=0.4, help="minutes that a delayed job waits at most")
    parser.add_argument("--fsync", default="everysec", help="the store's appendfsync: everysec or always")
    parser.add_argument("--trouble", action="store_true", help="the store also fills up and stands still")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--stock", action="store_true", help="run stock RQ workers instead")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the oracle's file")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir="/tmp"))
    try:
        if arguments.stock:
            server = Server(folder)
            print("\n".join(soak_stock.compare(server.socket, folder / "runs", Fleet, arguments)))
            server.close()
            return 0
        verdict = soak(arguments, folder)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(verdict.lines()))
    print("the promises hold" if verdict.holds else "A PROMISE IS BROKEN")
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
