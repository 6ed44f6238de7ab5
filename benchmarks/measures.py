"""What is measured: draining, pages, pick-up, growth, instructions. Each returns plain figures."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from shutil import which
from typing import Any, Final

from harness import HERE, OURS, PEERS, System, environment, fresh, produce, store, use, wait, worker
from redis import Redis
from workload import render

LOOP: Final = System("render loop alone", "", ())  # no system: what python-liquid renders in this process
SLOW: Final = {"RQ SimpleWorker": 8}  # systems that get so many times fewer jobs, to end in time


def alternate(rounds: int, systems: list[System], measure: Callable[[System], float]) -> dict[str, list[float]]:
    """Measure each system in turn, round after round, so that the machine's moods strike all alike."""
    figures: dict[str, list[float]] = {system.name: [] for system in systems}
    for _ in range(rounds):
        for system in systems:
            figures[system.name].append(measure(system))
            print(f"  {system.name}: {figures[system.name][-1]:.4g}", file=sys.stderr, flush=True)
    return figures


def drain(
    client: Redis, kind: str, count: int, processes: int, rounds: int, *, renderer: str = "python-liquid"
) -> dict[str, list[float]]:
    """Return jobs a second that a worker drains, for each system; for templates also the bare render loop.

    Args:
        client: of the store.
        kind: of the jobs.
        count: of the jobs.
        processes: of each worker.
        rounds: turns of each system.
        renderer: `ours` for peers that render with our environment.
    """
    os.environ["BENCH_RENDERER"] = renderer

    def measure(system: System) -> float:
        if system is LOOP:
            return render_loop(3000)
        jobs = max(count // SLOW.get(system.name, 1), 100)
        progress = fresh(client)
        produce(system, "enqueue", kind, jobs)
        with worker(system, processes):
            wait(lambda: progress.done() >= jobs, f"{system.name}, {jobs} jobs")
        return (jobs - 1) / progress.seconds()

    systems = [OURS, *PEERS] if processes == 1 else [OURS, *(peer for peer in PEERS if peer.name not in SLOW)]
    if kind == "template" and processes == 1 and renderer == "python-liquid":
        systems.insert(1, LOOP)  # beside ours, which is compared with it
    figures = alternate(rounds, systems, measure)
    os.environ["BENCH_RENDERER"] = "python-liquid"
    return figures


def render_loop(count: int) -> float:
    """Return templates a second that this process renders when nothing else is to be done."""
    started = time.perf_counter()
    for n in range(count):
        render(n)
    return count / (time.perf_counter() - started)


def page(client: Redis, rounds: int) -> dict[str, list[float]]:
    """Return microseconds that a page's blocks cost over the same page without them, and ten enqueues of each peer."""
    repeats = {1: 500, 10: 200, 100: 30}
    figures: dict[str, list[float]] = {f"page with {blocks}": [] for blocks in repeats}
    figures |= {f"{peer.name}, ten enqueues": [] for peer in PEERS}
    for _ in range(rounds):
        fresh(client)
        bare = produce(OURS, "page", 0, 2000) / 2000
        for blocks, times in repeats.items():
            fresh(client)
            figures[f"page with {blocks}"].append((produce(OURS, "page", blocks, times) / times - bare) * 1e6)
        for peer in PEERS:
            fresh(client)
            figures[f"{peer.name}, ten enqueues"].append(produce(peer, "enqueue", "template", 1000) / 100 * 1e6)
    return figures


def pickup(client: Redis, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return p50 and p99, in milliseconds, from just before an enqueue to the start of the job on an idle worker.

    The producer's first enqueue, which connects, is left out, as are those of the worker's first jobs.
    """
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for system in (OURS, *PEERS):
            progress = fresh(client)
            with worker(system):
                produce(system, "pickups", 5)
                wait(lambda progress=progress: progress.done() >= 5, f"{system.name}, first jobs")
                produce(system, "pickups", count + 1)
                wait(lambda progress=progress: progress.done() >= count + 6, f"{system.name}, {count} jobs")
            samples.setdefault(system.name, []).extend(progress.pickups()[6:])
    return {name: {"p50": statistics.median(times), "p99": _percentile(times, 99)} for name, times in samples.items()}


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def growth(sizes: list[int], rounds: int) -> dict[str, dict[str, float]]:
    """Return the store's microseconds a call of sending and of working, and bytes a job, with so many waiting.

    Each size has a store of its own, and they are measured in turns.
    """
    figures: dict[str, dict[str, float]] = {}
    for state, minutes in (("queued", 0), ("delayed", 1440)):
        with ExitStack() as stack:
            stores = {size: stack.enter_context(store()) for size in sizes}
            bytes_a_job = {size: _fill(client, size, minutes) for size, client in stores.items()}
            calls: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
            for _ in range(rounds):
                for size, client in stores.items():
                    calls[size].append(_send_and_work(client))
        for size in sizes:
            send, work = (statistics.median(found) for found in zip(*calls[size], strict=True))
            figures[f"{size:,} {state}"] = {"send": send, "work": work, "bytes a job": bytes_a_job[size]}
    return figures


def _fill(client: Redis, size: int, minutes: int) -> float:
    use(client)
    before = client.info("memory")["used_memory"]
    produce(OURS, "fill", size, minutes)
    return (client.info("memory")["used_memory"] - before) / size


def _send_and_work(client: Redis) -> tuple[float, float]:
    """Return the store's microseconds a job sent, and a call of a worker that runs as many."""
    progress = use(client)
    client.config_resetstat()
    produce(OURS, "enqueue", "template", 1000)
    send = _usec(client) / 100  # a call sends the jobs of a page with 100 blocks
    client.config_resetstat()
    with worker(OURS):
        wait(lambda: progress.done() >= 1000, "1,000 jobs")
        return send, _usec(client)


def _usec(client: Redis) -> float:
    stats: Any = client.info("commandstats")
    return float(stats["cmdstat_evalsha"]["usec_per_call"])


def instructions(client: Redis, folder: Path) -> dict[str, float]:
    """Return instructions that one enqueue and one job take, by callgrind: the difference between two counts."""
    if which("valgrind") is None:
        return {}
    fresh(client)
    pages = [_callgrind(folder, OURS.bin / "python", "-m", "ours", "page", 10, repeats) for repeats in (5, 15)]
    jobs = []
    for count in (600, 1200):  # the template is compiled among the first
        fresh(client)
        produce(OURS, "enqueue", "template", count)
        jobs.append(_callgrind(folder, *OURS.worker_command(1), "burst"))
    return {"one enqueue": (pages[1] - pages[0]) / 100, "one job": (jobs[1] - jobs[0]) / 600}


def _callgrind(folder: Path, *command: object) -> int:
    """Return the instructions of a command and the processes that it forks."""
    for old in folder.glob("callgrind.*"):
        old.unlink()
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.%p", "--quiet"]
    subprocess.run([*tool, *map(str, command)], env=environment(), cwd=HERE, check=True, capture_output=True)
    totals = (
        re.search(r"^(?:summary|totals): (\d+)", file.read_text(), re.MULTILINE) for file in folder.glob("callgrind.*")
    )
    return sum(int(total[1]) for total in totals if total)


def tail(client: Redis, lines: int) -> dict[str, float]:
    """Return lines a second that `poscli logs --tail` shows while another process writes them as fast as it can."""
    fresh(client)
    command = [str(OURS.bin / "poscli"), "logs", "--tail", "--format", "short"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        produce(OURS, "lines", 1)
        while "line" not in follower.stdout.readline():  # it follows from when it is connected
            pass
        started = time.perf_counter()
        produce(OURS, "lines", lines)
        written = time.perf_counter() - started
        for _ in range(lines):
            assert follower.stdout.readline()
        shown = time.perf_counter() - started
        follower.terminate()
    return {"lines written a second": lines / written, "lines shown a second": lines / shown}
