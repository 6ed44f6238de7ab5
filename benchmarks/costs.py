"""What a job costs, in CPU: of the producer, of the worker's processes and of the store. And what follows from it.

Costs are what a machine's mood changes least, and they say what a system gives on more processors than two.
"""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Final

from harness import OURS, PEERS, System, fresh, produce, produced, store_cpu, wait, worker
from proxy import delaying
from redis import Redis

BLOCKS: Final = 10  # of a page; the peers send as many jobs, one by one
ONE_WAY: Final = 0.0005  # seconds of network: a round trip takes 1 ms
PROCESSES: Final = (1, 2, 4, 8, 16)
BODIES: Final = {"a no-op": 0.0, "1 ms": 0.001, "5 ms": 0.005, "50 ms": 0.05}

_TICK: Final = os.sysconf("SC_CLK_TCK")
Costs = dict[str, dict[str, float]]


def enqueueing(client: Redis, rounds: int, pages: int = 100) -> Costs:
    """Return µs of a page's ten blocks, and of ten enqueues: CPU of producer and store, and the time it took.

    The time is given twice: on loopback, and with 1 ms of network between for a round trip. What the page costs without
    its blocks is taken off.
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    port = client.connection_pool.connection_kwargs["port"]
    with delaying(port, ONE_WAY) as far:
        for _ in range(rounds):
            fresh(client)
            bare = produced(OURS, "page", 0, 10 * pages)
            for system in (OURS, *PEERS):
                off = [second / (10 * pages) if system.ours else 0.0 for second in bare]
                fresh(client)
                before = store_cpu(client)
                seconds, cpu = _ten(system, pages)
                costs = found[system.name]
                costs["store's CPU"].append((store_cpu(client) - before) / pages)
                costs["producer's CPU"].append(cpu / pages - off[1])
                costs["time"].append(seconds / pages - off[0])
                os.environ["BENCH_URL"] = f"redis://127.0.0.1:{far}/0"
                costs["time, 1 ms away"].append(_ten(system, pages)[0] / pages - off[0])
    return {name: {kind: statistics.median(each) * 1e6 for kind, each in row.items()} for name, row in found.items()}


def _ten(system: System, pages: int) -> tuple[float, float]:
    if system.ours:
        return produced(system, "page", BLOCKS, pages)
    return produced(system, "enqueue", "template", BLOCKS * pages)


def draining(client: Redis, kind: str, count: int, rounds: int) -> Costs:
    """Return µs a job: CPU of the store, to send it and to drain it, and of the worker's processes."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for system in (OURS, *PEERS):
            progress = fresh(client)
            before = store_cpu(client)
            produce(system, "enqueue", kind, count)
            sent = store_cpu(client)
            with worker(system) as running:
                wait(lambda progress=progress: progress.done() >= count // 5, f"{system.name}, the first of them")
                first, used, store = progress.done(), session_cpu(running.pid), store_cpu(client)
                wait(lambda progress=progress: progress.done() >= count, f"{system.name}, {count} jobs")
                done, used, store = count - first, session_cpu(running.pid) - used, store_cpu(client) - store
            costs = found[system.name]
            costs["store's CPU, sending"].append((sent - before) / count)
            costs["store's CPU, draining"].append(store / done)
            costs["worker's CPU"].append(used / done)
    return {name: {kind: statistics.median(each) * 1e6 for kind, each in row.items()} for name, row in found.items()}


def session_cpu(leader: int) -> float:
    """Return the seconds of CPU that the processes of a session, which are alive, and those that they reaped used."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[3]) == leader:
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICK


def waiting_bodies(client: Redis, rounds: int) -> dict[str, dict[str, float]]:
    """Return jobs a second of a body that waits 5 ms, by processes; Dramatiq has 8 threads in each of its own."""
    found: dict[str, dict[str, float]] = {}
    for system in (OURS, *PEERS[:3]):
        for processes in (1, 2, 4, 8):
            rates = []
            for _ in range(rounds):
                progress = fresh(client)
                count = 200 * processes  # ours sends a hundred a page
                produce(system, "enqueue", "slow", count)
                with worker(system, processes):
                    wait(lambda count=count, progress=progress: progress.done() >= count, f"{system.name}, slow jobs")
                rates.append((count - processes) / progress.seconds())
            found.setdefault(system.name, {})[f"{processes}"] = statistics.median(rates)
    return found


def scaling(costs: Costs) -> dict[str, dict[str, float]]:
    """Return jobs a second by body and processes, from measured costs: processors enough, and one store.

    A process gives 1 / (body + its CPU a job) jobs a second until the store, which has one thread, has no time left for
    sending and draining as many.

    Args:
        costs: of no-op jobs, as `draining` returns them.
    """
    found: dict[str, dict[str, float]] = {}
    for name, cost in costs.items():
        for label, body in BODIES.items():
            one = 1 / (body + cost["worker's CPU"] / 1e6)
            most = 1e6 / (cost["store's CPU, sending"] + cost["store's CPU, draining"])
            found[f"{name}, {label}"] = {f"{processes}": min(processes * one, most) for processes in PROCESSES}
    return found
