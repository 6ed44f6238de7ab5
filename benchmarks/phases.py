"""Where a job's time goes: the loop of one child, run in this process, with a clock around its parts."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from harness import OURS, fresh, produce, store_cpu
from ours import make_engine
from redis import Redis
from workload import render

from liquid_background.jobs import store
from liquid_background.jobs.queue import assembly, finishing, moves, scripts
from liquid_background.language.executor import Executor
from liquid_background.language.template import Template
from liquid_background_worker.attempts import Attempts
from liquid_background_worker.child import Child, Role
from liquid_background_worker.slot import Slot
from liquid_background_worker.wire import Wire

# What is inside another one is taken off it.
_PARTS: Final[dict[str, tuple[Any, str, str]]] = {
    "the render": (Template, "render_with_context", "around the render: isolation, values, parsed body"),
    "around the render: isolation, values, parsed body": (Executor, "perform", "limits, shared memory"),
    "limits, shared memory": (Attempts, "perform", ""),
    "taking a claim's records apart": (moves.Claim, "opened", ""),
    "encoding an end and a start": (scripts, "command", ""),
    "encoding a result": (finishing, "finish", ""),
    "handing it to the kernel": (Wire, "_put", ""),
    "taking replies in": (Wire, "_arrived", ""),
}


def phases(client: Redis, count: int = 3000) -> dict[str, float]:
    """Return the microseconds of each part of a job, the sum, the store's, and those of the render loop alone."""
    child = _child(client, "template", count)
    seconds: dict[str, float] = defaultdict(float)
    with _clocks(seconds):
        stores, started = store_cpu(client), time.perf_counter()
        child.work()
        total, stores = time.perf_counter() - started, store_cpu(client) - stores
    started = time.perf_counter()
    for n in range(count):
        render(n)
    alone = time.perf_counter() - started
    own = {name: seconds[name] - sum(seconds[n] for n, part in _PARTS.items() if part[2] == name) for name in _PARTS}
    own["the loop itself, and waits"] = total - sum(own.values())
    figures = {**own, "in all": total, "the store, on another core": stores, "the render loop alone": alone}
    return {name: value / count * 1e6 for name, value in figures.items()}


def around(client: Redis, rounds: int, count: int = 3000) -> dict[str, list[float]]:
    """Return the µs of a child's CPU around a body that does nothing, and of python-liquid's render, in turns."""
    found: dict[str, list[float]] = {"child's CPU": [], "python-liquid's render": []}
    for _ in range(rounds):
        child = _child(client, "noop", count)
        started = time.process_time()
        child.work()
        between = time.process_time()
        for n in range(count):
            render(n)
        found["child's CPU"].append((between - started) / count * 1e6)
        found["python-liquid's render"].append((time.process_time() - between) / count * 1e6)
    return found


def _child(client: Redis, kind: str, count: int) -> Child:
    """Send jobs, and return a child that runs them in this process."""
    fresh(client)
    engine = make_engine()
    for name in ("claim", "step", "settle", "remaining", "tick", "give_back"):
        client.script_load(assembly.text(name))
    produce(OURS, "enqueue", kind, count)
    control, _ = os.pipe()
    role = Role(name="bench.1.0", queues=("default",), burst=True, control=control, supervisor=os.getppid())
    return Child(engine.settings, store.connect(engine.settings), engine, Slot(), role)


@contextmanager
def _clocks(seconds: dict[str, float]) -> Iterator[None]:
    with ExitStack() as stack:
        for name, (owner, attribute, _) in _PARTS.items():
            stack.enter_context(patch.object(owner, attribute, _clocked(getattr(owner, attribute), name, seconds)))
        yield


def _clocked(call: Callable[..., Any], name: str, seconds: dict[str, float]) -> Callable[..., Any]:
    clock = time.perf_counter

    def clocked(*args: Any, **kwargs: Any) -> Any:
        started = clock()
        try:
            return call(*args, **kwargs)
        finally:
            seconds[name] += clock() - started

    return clocked
