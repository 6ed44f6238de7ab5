"""What has changed since a commit: `python benchmarks/before.py COMMIT [--jobs 5000] [--rounds 5]`.

Both versions, and the peers that are named, send and drain the same jobs on one store, in turns. It prints medians of
the CPU that a job takes of the store and of the worker's processes, the jobs a second, and the bytes that a finished
job leaves in the store that each version starts for itself, its log entry included.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from costs import session_cpu
from harness import HERE, OURS, PEERS, System, environment, fresh, produce, store, store_cpu, wait, worker
from redis import Redis

KINDS: Final = ("template", "blank")  # the second prints nothing but blanks: there is no result to keep
Figures = dict[str, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Before(System):
    """This project as it was, in an environment of its own."""

    venv: Path = Path()

    @property
    def bin(self) -> Path:
        return self.venv / "bin"


@contextmanager
def checked_out(commit: str) -> Iterator[System]:
    """Install a commit of this repository beside this version."""
    with tempfile.TemporaryDirectory(prefix="before-") as folder:
        tree, venv = Path(folder) / "tree", Path(folder) / "venv"
        subprocess.run(["git", "-C", HERE, "clone", "-q", "--no-checkout", HERE.parent, tree], check=True)
        subprocess.run(["git", "-C", tree, "checkout", "-q", commit], check=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = [venv / "bin/python", "-m", "pip", "install", "-q", "--constraint", tree / "constraints.txt", tree]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        yield Before(commit, OURS.producer, OURS.worker, ours=True, venv=venv)


def drained(client: Redis, system: System, kind: str, count: int) -> dict[str, float]:
    """Send jobs and have them drained by one process; return µs of CPU a job, and jobs a second."""
    progress = fresh(client)
    before = store_cpu(client)
    produce(system, "enqueue", kind, count)
    sent = store_cpu(client)
    with worker(system) as running:
        wait(lambda: progress.done() >= count // 5, f"{system.name}, the first of them")
        first, used, store_used = progress.done(), session_cpu(running.pid), store_cpu(client)
        wait(lambda: progress.done() >= count, f"{system.name}, {count} jobs")
        done, used, store_used = count - first, session_cpu(running.pid) - used, store_cpu(client) - store_used
    return {
        "jobs a second": count / progress.seconds(),
        "store, µs": (sent - before) / count * 1e6 + store_used / done * 1e6,
        "worker, µs": used / done * 1e6,
    }


def left(system: System, kind: str, count: int) -> float:
    """Return the bytes that a finished job leaves, in a store that this version starts."""
    command = [system.bin / "python", "-m", system.producer, "leave", kind, str(count)]
    surroundings = environment() | {"BENCH_URL": "", "LIQUID_BACKGROUND_REDIS_URL": ""}
    return float(subprocess.run(command, env=surroundings, cwd=HERE, check=True, capture_output=True, text=True).stdout)


def measure(systems: list[System], jobs: int, rounds: int) -> dict[str, Figures]:
    """Return the figures of each round, by kind of job and system."""
    found: dict[str, Figures] = {kind: defaultdict(lambda: defaultdict(list)) for kind in KINDS}
    with store() as client:
        for kind in KINDS:
            for number in range(rounds):
                for system in systems if number % 2 else reversed(systems):
                    if system.ours or kind == "template":
                        for name, figure in drained(client, system, kind, jobs).items():
                            found[kind][system.name][name].append(figure)
            for system in (system for system in systems if system.ours):
                found[kind][system.name]["bytes left"].append(left(system, kind, jobs))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="", help="names of peers, separated by commas")
    given = parser.parse_args()
    peers = [peer for peer in PEERS if peer.name in given.peers.split(",")]
    with checked_out(given.commit) as before:
        found = measure([OURS, before, *peers], given.jobs, given.rounds)
    for kind, rows in found.items():
        print(f"\n{kind}")
        ours = {name: statistics.median(figures) for name, figures in rows[OURS.name].items()}
        for system, row in rows.items():
            for name, figures in row.items():
                median = statistics.median(figures)
                spread = f"{min(figures):,.0f} to {max(figures):,.0f}"
                print(f"  {system:18} {name:14} {median:10,.1f}  ({spread})   ours / this: {ours[name] / median:.2f}")


if __name__ == "__main__":
    main()
