"""How much of a store a job takes: `python -m benchmarks.store_size [--jobs 2000] [--parameters 5] [--result 200]`.

It sends jobs to a store of its own, runs them, and prints the bytes of memory that one takes while it waits, after it
has run, after it has failed, and of its log entry; and those that were written to the append-only file on the way.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any, Final

from liquid_background import Engine
from liquid_background.jobs.queue import keys
from liquid_background.jobs.store import embedded
from liquid_background.settings import load_settings
from liquid_background_worker import run

_LOG: Final = "liquid_background:log"
_VALUE: Final = "x" * 20


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes a job."""

    memory: float
    written: float


@contextmanager
def _engine(log_limit: int) -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="lb-", ignore_cleanup_errors=True) as folder:
        settings = load_settings(data_dir=Path(folder) / "s", templates=folder, processes=1, log_limit=log_limit)
        engine = Engine(settings=settings)
        try:
            yield engine
        finally:
            engine.store.close()
            embedded.stop(settings.data_dir)


def _held(client: Any) -> tuple[int, int]:
    """Return the bytes of memory that the store's data takes, and those of its append-only file."""
    client.memory_purge()
    sleep(0.2)
    memory, disk = client.info("memory"), client.info("persistence")
    return int(memory["used_memory_dataset"]), int(disk["aof_current_size"])


def _page(jobs: int, parameters: int, result: int, body: str) -> str:
    given = ", ".join(f"p{number}: '{_VALUE}'" for number in range(parameters))
    text = body or "y" * result
    block = f"{{% background source_name: 'size', {given} %}}{text}{{% endbackground %}}"
    return f"{{% for i in (1..{jobs}) %}}{block}{{% endfor %}}"


def measure(jobs: int, parameters: int, result: int) -> dict[str, Sizes]:
    """Return what a job takes in each of its states, and its log entry."""
    found: dict[str, Sizes] = {}
    for ending, body in (("completed", ""), ("failed", "{% include 'none' %}")):
        with _engine(log_limit=10 * jobs) as engine:
            client = engine.store.client
            engine.render_string(_page(1, parameters, result, body))
            run(engine.settings, engine, burst=True)  # what all jobs share is there now
            start = _held(client)
            for _ in range(jobs // 100):
                engine.render_string(_page(100, parameters, result, body))
            waiting = _held(client)
            run(engine.settings, engine, burst=True)
            ended = _held(client)
            log = int(client.memory_usage(_LOG, samples=0) or 0)
            assert client.zcard(keys.ended("finished" if ending == "completed" else ending, "default")) == jobs + 1
            found["waiting"] = Sizes((waiting[0] - start[0]) / jobs, (waiting[1] - start[1]) / jobs)
            found[ending] = Sizes((ended[0] - start[0] - log) / jobs, (ended[1] - waiting[1]) / jobs)
            found["log entry"] = Sizes(log / (jobs + 1), 0.0)
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--parameters", type=int, default=5, help="of 20 characters each")
    parser.add_argument("--result", type=int, default=200, help="characters that a job renders")
    given = parser.parse_args()
    logging.disable()  # a thousand jobs are to fail
    for state, sizes in measure(given.jobs, given.parameters, given.result).items():
        print(f"{state:10} {sizes.memory:8.0f} bytes of memory {sizes.written:8.0f} bytes written")


if __name__ == "__main__":
    main()
