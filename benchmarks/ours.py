"""Our side of the comparison: `python -m ours enqueue KIND COUNT`, `pickups COUNT` or `page BLOCKS REPEATS`.

`worker PROCESSES [burst]` runs the worker.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from redis.exceptions import ConnectionError
from workload import BODY, ITEMS, SHOP, WHO, progress, wait

from liquid_background import Engine
from liquid_background.job import Outcome
from liquid_background.settings import load_settings
from liquid_background_worker import run

PAUSE: Final = 0.02  # seconds between two jobs of an idle worker
DATA: Final = {"who": WHO, "shop": SHOP, "items": ITEMS}
PARAMETERS: Final = "n: n, who: who, shop: shop, items: items"


def page(kind: str, blocks: int) -> str:
    """Return a page with so many blocks; each job gets the values that the peers' jobs get."""
    blank = f"{{% capture letter %}}{BODY}{{% endcapture %}}"
    body = {"template": BODY, "blank": blank, "slow": "{{ 1 | wait }}"}.get(kind, "x")
    block = f"{{% background source_name: '{kind}', {PARAMETERS} %}}{body}{{% endbackground %}}" if blocks else ""
    return f"{{% for n in (1..{max(blocks, 1)}) %}}{block}{{% endfor %}}"


def make_engine() -> Engine:
    """Return an engine on the bench's store."""
    engine = Engine(settings=load_settings(redis_url=os.environ.get("BENCH_URL"), templates=tempfile.gettempdir()))
    engine.environment.add_filter("wait", lambda _: wait())
    return engine


class CountingPerformer:
    """Performs jobs by the engine and counts them as the peers do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def perform(self, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Outcome:
        """Perform one attempt."""
        if payload["source_name"] == "pickup":
            progress().picked_up(payload["parameters"]["n"])
        outcome = self._engine.perform(job_id, payload, attempt, max_attempts)
        progress().tick()
        return outcome


def pickups(engine: Engine, count: int) -> None:
    """Send jobs to an idle worker, one after the other."""
    block = f"{{% background source_name: 'pickup', {PARAMETERS} %}}x{{% endbackground %}}"
    template = engine.environment.from_string(block)
    for _ in range(count):
        time.sleep(PAUSE)
        template.render(n=time.monotonic_ns(), **DATA)


def fill(engine: Engine, count: int, minutes: int) -> None:
    """Write jobs that wait."""
    source = page("template", 100).replace("source_name", f"delay: {minutes}, source_name", 1)
    template = engine.environment.from_string(source)
    for _ in range(count // 100):
        template.render(**DATA)


def lines(engine: Engine, count: int) -> None:
    """Write lines to the job log, ten a page."""
    template = engine.environment.from_string("{% for i in (1..n) %}{% log 'line of the log' %}{% endfor %}")
    for start in range(0, count, 10):
        template.render(n=min(10, count - start))


def leave(kind: str, count: int) -> float:
    """Run jobs in a store that this version starts for itself; return the bytes that each leaves there."""
    with tempfile.TemporaryDirectory(prefix="lb-", ignore_cleanup_errors=True) as folder:
        settings = load_settings(data_dir=Path(folder) / "s", templates=folder, processes=1, redis_url=None)
        engine = Engine(settings=settings)
        try:
            held: list[int] = []
            for blocks in (100, count):  # what all jobs share is there after the first
                template = engine.environment.from_string(page(kind, 100))
                for _ in range(blocks // 100):
                    template.render(**DATA)
                run(settings, engine, ["default"], 1, burst=True)
                engine.store.client.memory_purge()
                time.sleep(0.5)
                held.append(int(engine.store.client.info("memory")["used_memory_dataset"]))
            return (held[1] - held[0]) / count
        finally:
            with suppress(ConnectionError):  # not by `poscli store stop`, which older versions had elsewhere
                engine.store.client.shutdown(nosave=True)


def pages(engine: Engine, kind: str, blocks: int, repeats: int) -> tuple[float, float]:
    """Render a page again and again; return the seconds that it took, and those of CPU."""
    template = engine.environment.from_string(page(kind, blocks))
    if blocks:
        engine.store.client.ping()
    started, used = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        template.render(**DATA)
    return time.perf_counter() - started, time.process_time() - used


def main() -> None:
    """Do what the command line says; print the seconds that it took, and those of CPU."""
    action, *rest = sys.argv[1:]
    if action == "leave":
        print(leave(rest[0], int(rest[1])))
        return
    engine = make_engine()
    if action == "enqueue":
        print(*pages(engine, rest[0], 100, int(rest[1]) // 100))
    elif action == "worker":
        performer = CountingPerformer(engine)
        sys.exit(run(engine.settings, performer, ["default"], int(rest[0]), burst="burst" in rest))
    elif action == "page":
        print(*pages(engine, "template", int(rest[0]), int(rest[1])))
    else:
        {"pickups": pickups, "fill": fill, "lines": lines}[action](engine, *map(int, rest))


if __name__ == "__main__":
    main()
