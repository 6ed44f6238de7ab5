"""How long `poscli health` takes as a program, beside Python's own start: `python -m benchmarks.probe_time`."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from liquid_background.jobs.store import connect, embedded
from liquid_background.settings import load_settings

RUNS: Final = 20
_JOBS: Final = 1_000  # entries in the queue, as a site that is behind has


def main() -> None:
    """Print the wall and processor time of each program: the best, the median and the worst of its runs."""
    with tempfile.TemporaryDirectory(prefix="lb-", dir="/tmp") as name:
        folder = Path(name)
        store = connect(load_settings(data_dir=folder))
        store.client.rpush("rq:queue:default", *range(_JOBS))
        try:
            _show("python -c pass", [sys.executable, "-c", "pass"], folder)
            _show("poscli --help", [sys.executable, "-m", "poscli", "--help"], folder)
            _show("poscli health", [sys.executable, "-m", "poscli", "health", "--min-workers", "0"], folder)
            options = f"{store.url}?client_name=probe"  # a URL that the whole client has to read
            _show("… with redis-py", [sys.executable, "-m", "poscli", "health", "--min-workers", "0"], folder, options)
        finally:
            store.close()
            embedded.stop(folder)


def _show(title: str, command: Sequence[str], data_dir: Path, url: str = "") -> None:
    env = {
        **os.environ,
        "LIQUID_BACKGROUND_DATA_DIR": str(data_dir),
        "LIQUID_BACKGROUND_REDIS_URL": url,
        "REDIS_URL": "",
    }
    walls, processors = [], []
    for run in range(RUNS + 1):
        before, started = _processor(), time.perf_counter()
        subprocess.run(command, env=env, cwd=data_dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        if run:  # the first one may compile
            walls.append(time.perf_counter() - started)
            processors.append(_processor() - before)
    print(f"{title:<18} {_row(walls)} s, of a processor {_row(processors)} s")


def _row(times: Sequence[float]) -> str:
    return f"{min(times):.3f} / {statistics.median(times):.3f} / {max(times):.3f}"


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
