"""The command line of every peer: `python -m peers.NAME enqueue KIND COUNT` or `… pickups COUNT`.

Prints the seconds that the enqueues took, and those of CPU. Values travel with each job as a page's would.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from workload import ITEMS, SHOP, WHO, attempt

PAUSE = 0.02  # seconds between two jobs of an idle worker


def job(kind: str, n: int, who: str, shop: str, items: list[str]) -> object:
    """Do one job; the values are those that the template's job gets."""
    return attempt(kind, n)


def main(send: Callable[..., object]) -> None:
    """Enqueue by a peer's own call, which takes the arguments of `job`."""
    action, *rest = sys.argv[1:]
    if action == "enqueue":
        kind, count = rest[0], int(rest[1])
        send(kind, 0, WHO, SHOP, ITEMS)  # which connects, and counts as one of them
        started, used = time.perf_counter(), time.process_time()
        for n in range(1, count):
            send(kind, n, WHO, SHOP, ITEMS)
        print(time.perf_counter() - started, time.process_time() - used)
        return
    for _ in range(int(rest[0])):
        time.sleep(PAUSE)
        send("pickup", time.monotonic_ns(), WHO, SHOP, ITEMS)
