"""A campaign of failovers: jobs, a worker and a tail, while Sentinels change the primary. Nothing is started again.

python -m benchmarks.failover                                 # one every 15 s for two minutes, with 2,000 jobs
python -m benchmarks.failover --how kill,pause,order          # the primary is killed or stands still, too
python -m benchmarks.failover --min-replicas 0 --plain        # what is lost without both
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from benchmarks.sentinels import Sentinels
from liquid_background import Engine
from liquid_background.errors import StoreUnavailable
from liquid_background.job import Job, Outcome
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import keys
from liquid_background.settings import load_settings
from liquid_background_worker import run

BACK: Final = 6.0  # seconds after which a primary that was killed or stands still is there again
_PAUSE: Final = 0.02  # seconds between two tries to send
_SETTLE: Final = 60.0  # seconds for what is left at the end


class Body:
    """What the worker performs: a body that notes the job's id in a file."""

    def perform(self, job_id: str, payload: dict[str, Any], attempt: int, max_attempts: int) -> Outcome:
        file = os.open(os.environ["FAILOVER_RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{job_id}\n".encode())
        os.close(file)
        return Outcome(result=job_id)


class Sender:
    """A thread that sends one job after the other; one that was refused, or whose reply was lost, is sent again."""

    def __init__(self, engine: Engine, count: int, seconds: float) -> None:
        self.confirmed: dict[str, float] = {}  # and when, by time.time()
        self.refusals: Counter[str] = Counter()
        self.longest = 0.0  # seconds in which no job could be sent
        self.done = Event()
        self._stopped = False
        self._engine, self._count, self._gap = engine, count, seconds / count
        self._thread = Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def _send_all(self) -> None:
        began = time.monotonic()
        for number in range(self._count):
            if self._stopped:
                return
            time.sleep(max(0.0, began + number * self._gap - time.monotonic()))
            since = time.monotonic()
            job = _job(f"j{number}")
            while not self._is_sent(job):
                if self._stopped:
                    return
                time.sleep(_PAUSE)
            self.longest = max(self.longest, time.monotonic() - since)
            self.confirmed[job.id] = time.time()
        self.done.set()

    def stop(self) -> None:
        """Send no more; return when nothing is on its way."""
        self._stopped = True
        self._thread.join()

    def _is_sent(self, job: Job) -> bool:
        try:
            self._engine.jobs.send([job], ())
        except StoreUnavailable as error:
            self.refusals["the reply was lost" if error.maybe_done else "refused"] += 1
            return False
        return True


@dataclass
class Verdict:
    """What the campaign found."""

    confirmed: int
    lost: list[str]
    more_than_once: int
    failovers: int
    refusals: Counter[str]
    longest: float
    tail_missed: int
    tail_twice: int
    exits: list[int | None] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.tail_missed or self.tail_twice or any(code is not None for code in self.exits))

    def lines(self) -> list[str]:
        return [
            f"failovers {self.failovers}",
            f"jobs confirmed {self.confirmed}",
            f"lost {len(self.lost)}",
            *(f"  lost: {each}" for each in self.lost[:20]),
            f"run more than once {self.more_than_once}",
            *(f"sends: {what} {count}" for what, count in sorted(self.refusals.items())),
            f"longest time without a send {self.longest:.1f}",
            f"entries of the log that the tail missed {self.tail_missed}",
            f"entries that the tail showed twice {self.tail_twice}",
            f"processes that ended {sum(code is not None for code in self.exits)}",
        ]


def campaign(arguments: argparse.Namespace, folder: Path) -> Verdict:
    options = ["--min-replicas-to-write", str(arguments.min_replicas), "--min-replicas-max-lag", "2"]
    group = Sentinels(folder, replicas=arguments.replicas, options=options)
    url = f"redis://127.0.0.1:{group.primary()}/0" if arguments.plain else group.url
    runs, shown = folder / "runs", folder / "shown"
    worker = _start(["benchmarks.failover", "--work"], group.url, runs, folder / "worker.log")
    tail = _start(["poscli", "logs", "--tail", "-n", "1000000", "--format", "json"], group.url, runs, shown)
    try:
        engine = Engine(redis_url=url)
        _wait_for_both(engine, shown)
        sender = Sender(engine, arguments.jobs, arguments.seconds)
        failovers = _batter(group, arguments, sender)
        sender.done.wait(_SETTLE)
        sender.stop()
        ran = _settled(Engine(redis_url=group.url), list(sender.confirmed), runs)
        client = Engine(redis_url=group.url).store.client
        there = [(entry.id, entry.job_id) for entry in entries(client, limit=1_000_000)]
        seen = _seen(shown, there[-1:])
        return Verdict(
            confirmed=len(sender.confirmed),
            lost=[f"{job_id} {at:.3f}" for job_id, at in sender.confirmed.items() if not ran[job_id]],
            more_than_once=sum(times > 1 for times in ran.values()),
            failovers=failovers,
            refusals=sender.refusals,
            longest=sender.longest,
            tail_missed=len(set(there) - set(seen)),
            tail_twice=sum(times > 1 for times in seen.values()),
            exits=[worker.poll(), tail.poll()],
        )
    finally:
        for process in (worker, tail):
            process.terminate()
            process.wait(20)
        if arguments.keep:
            print(f"kept: {folder}")
        group.close()


def _wait_for_both(engine: Engine, shown: Path) -> None:
    """Return when the worker has run a job and the tail has shown it: they take seconds to start on a busy machine."""
    engine.jobs.send([_job("first")], ())
    until = time.monotonic() + _SETTLE
    while '"first"' not in shown.read_text():
        assert time.monotonic() < until, "the worker or the tail does not start"
        time.sleep(0.1)


def _job(job_id: str) -> Job:
    return Job(id=job_id, source_name="failover", template="failover", line=1, source="", max_attempts=3)


def _start(command: list[str], url: str, runs: Path, output: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "LIQUID_BACKGROUND_REDIS_URL": url, "FAILOVER_RUNS": str(runs)}
    with output.open("wb") as stream, output.with_suffix(".err").open("wb") as errors:
        return subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=stream, stderr=errors)


def _batter(group: Sentinels, arguments: argparse.Namespace, sender: Sender) -> int:
    """Have a failover every so often, until all jobs are sent; return how many there were."""
    hows: dict[str, Callable[[Sentinels], None]] = {"order": _by_order, "kill": _by_kill, "pause": _by_pause}
    chosen = cycle([hows[name] for name in arguments.how.split(",")])
    until, failovers = time.monotonic() + arguments.seconds, 0
    while time.monotonic() + arguments.every < until + 1:
        began = time.monotonic()
        time.sleep(arguments.every / 3)
        next(chosen)(group)
        failovers += 1
        time.sleep(max(0.0, began + arguments.every - time.monotonic()))
        if sender.done.is_set():
            break
    return failovers


def _by_order(group: Sentinels) -> None:
    group.fail_over()


def _by_kill(group: Sentinels) -> None:
    before = group.primary()
    group.kill(before)
    after = group.wait_for_another(before)
    time.sleep(BACK / 2)
    group.start_server(before, "--replicaof", "127.0.0.1", str(after))


def _by_pause(group: Sentinels) -> None:
    """The old primary goes on with what it was sent, and hears only later that it is none."""
    before = group.primary()
    group.stand_still(before)
    try:
        group.wait_for_another(before)
    finally:
        group.go_on(before)


def _settled(engine: Engine, confirmed: list[str], runs: Path) -> Counter[str]:
    """Wait until all confirmed jobs ran, or nothing is left that will; return how often each ran."""
    until = time.monotonic() + _SETTLE
    while time.monotonic() < until:
        with suppress(StoreUnavailable):
            ran = _read(runs)
            client: Any = engine.store.client
            waiting = any(count.queued + count.scheduled + count.running for count in engine.jobs.counts())
            if all(ran[job_id] for job_id in confirmed) or not (waiting or client.exists(keys.LEASES, keys.BATCHES)):
                break
        time.sleep(0.5)
    time.sleep(2)
    return _read(runs)


def _read(runs: Path) -> Counter[str]:
    return Counter(runs.read_text().split()) if runs.exists() else Counter()


def _seen(shown: Path, last: list[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Return how often the tail showed each entry, once it has shown the last one.

    By id and job: what the old primary alone wrote may have the id that the new one gives to something else.
    """
    until = time.monotonic() + 10
    while True:
        rows = [json.loads(line) for line in shown.read_text().splitlines() if line.endswith("}")]
        seen = Counter((row["id"], row["job_id"]) for row in rows)
        if all(seen[each] for each in last) or time.monotonic() > until:
            return seen
        time.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=120, help="over which the jobs are sent")
    parser.add_argument("--every", type=float, default=15, help="seconds from one failover to the next")
    parser.add_argument("--how", default="order", help="order, kill or pause, in turn: order,kill")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--min-replicas", type=int, default=1, help="the servers' min-replicas-to-write")
    parser.add_argument("--plain", action="store_true", help="the sender goes by the first primary's own URL")
    parser.add_argument("--work", action="store_true", help="be the worker of a campaign")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args()
    if arguments.work:
        return run(load_settings(processes=2), Body())
    folder = Path(tempfile.mkdtemp(prefix="failover-", dir="/tmp"))
    try:
        verdict = campaign(arguments, folder)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(verdict.lines()))
    print("nothing was lost" if verdict.holds else "SOMETHING WAS LOST")
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
