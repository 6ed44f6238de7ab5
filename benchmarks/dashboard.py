"""How long the dashboard's screens take on a large store: `python -m benchmarks.dashboard [--jobs 200000]`.

It fills a store of its own through the moves that applications and workers make, asks for each screen a few times as a
face of the dashboard does, and prints the median and the longest, in milliseconds: what the screen's code, the store
and the template take together.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.million import fill, stores
from liquid_background import Engine
from liquid_background.jobs.queue import scripts
from liquid_background.screens import ACTIONS, Fields, ScreenAnswer, ScreenRequest, Screens, Visitor

_RUNS: Final = 9
_ADA: Final = Visitor("ada", ACTIONS)
_JOB: Final = re.compile(r'href="/jobs/([^"/?]+)"')
_FAILURE: Final = re.compile(r'href="/failures/([^"/?]+)"')


def _asked(url: str) -> ScreenRequest:
    path, _, query = url.partition("?")
    return ScreenRequest(method="GET", path=path, query=Fields.parse(query), visitor=_ADA)


def urls(screens: Screens) -> Iterator[str]:
    """Yield the screens, each with the filters that people use."""
    jobs = screens.answer(_asked("jobs?status=failed")).body.decode()
    failures = screens.answer(_asked("failures")).body.decode()
    yield from ("", "jobs", "jobs?status=failed", "jobs?status=pending", "jobs?source_name=name_7")
    yield from (
        "jobs?status=failed&source_name=name_7*",
        "jobs?status=failed&error=order+77",
        "jobs?value=customer_id%3D7",
    )
    yield from (f"jobs/{found}" for found in _JOB.findall(jobs)[:1])
    yield from ("failures", *(f"failures/{found}" for found in _FAILURE.findall(failures)[:1]))
    yield from ("names", "queues", "schedules", "workers", "logs", "logs?status=FAILED", "operations")


def main() -> None:
    """Fill a store, unless it is kept, and ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200_000)
    parser.add_argument("--keep", metavar="FOLDER", help="a folder whose store is filled once and asked again")
    given = parser.parse_args()
    for store, settings in stores(given.keep):
        scripts.load_all(store)
        if not store.client.dbsize():
            fill(store, settings, given.jobs)
        screens = Screens(Engine(settings=settings))
        print(f"{'screen':50} {'status':>6} {'median':>8} {'longest':>8} {'KB':>6}")
        for url in urls(screens):
            times, answer = _timed(screens, url)
            size = len(answer.body) / 1024
            print(f"/{url:49} {answer.status:6} {median(times):8.1f} {max(times):8.1f} {size:6.1f}", flush=True)


def _timed(screens: Screens, url: str) -> tuple[list[float], ScreenAnswer]:
    times = []
    for _ in range(_RUNS):
        start = perf_counter()
        answer = screens.answer(_asked(url))
        times.append((perf_counter() - start) * 1000)
    return times, answer


if __name__ == "__main__":
    main()
