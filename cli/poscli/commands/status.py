"""`poscli status`: queues, workers and the store at a glance."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from liquid_background import Engine
from liquid_background.errors import StoreError
from liquid_background.jobs.contract import COUNTED
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.overview import Overview, WorkerInfo, overview
from liquid_background.jobs.queue.waiting import groups
from liquid_background.jobs.store import health_warnings
from poscli.application import app_option, load_engine, no_store
from poscli.called import as_called
from poscli.jobview import dump
from poscli.tables import table
from poscli.terminal import note, styled
from poscli.times import age

_BESIDE_QUEUED = tuple(name for name in COUNTED if name != "queued")
QUEUES = ("QUEUE", "QUEUED", "OLDEST", *map(str.upper, _BESIDE_QUEUED))
GROUPS = ("GROUP", "RUNNING", "WAITING")
WORKERS = ("WORKER", "STATE", "JOB", "QUEUES", "DONE", "FAILED", "SEEN")
_CLEAR = "\x1b[H\x1b[2J"


@click.command("status")
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    help="Time between two looks, with --watch.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object on one line.",
)
@app_option
def command(watch: bool, interval: float, style: str, app: str | None) -> None:
    """Show queues, workers and the store at a glance.

    \b
    Examples:
      poscli status --watch
      poscli status --format json | jq .queues.high.queued
    """
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing:
        note(missing)
        return
    if not watch:
        print(_shown(engine, style))
        return
    with contextlib.suppress(KeyboardInterrupt):
        _watch(engine, style, interval)


def _watch(engine: Engine, style: str, interval: float) -> None:
    clear = _CLEAR if style == "text" and sys.stdout.isatty() else ""
    while True:
        try:
            text = _shown(engine, style)
        except StoreError as error:  # it may come back
            text = printable(str(error)) if style == "text" else json.dumps({"error": str(error)})
        print(clear + text)
        time.sleep(interval)


def _shown(engine: Engine, style: str) -> str:
    return _text(engine) if style == "text" else dump(_json(engine))


def _text(engine: Engine) -> str:
    seen = overview(engine.store, engine.jobs.counts())
    rows = [
        (
            queue.name,
            queue.queued,
            age(seen.oldest[queue.name]),
            *(getattr(queue, name) for name in _BESIDE_QUEUED),
        )
        for queue in seen.queues
    ]
    parts = [table(QUEUES, rows), "", *_groups(engine), _workers(engine, seen), "", _store(engine)]
    parts += [styled(printable(f"warning: {warning}"), fg="yellow") for warning in health_warnings(engine.store)]
    waiting = sum(queue.queued + queue.scheduled for queue in seen.queues)
    if waiting and not any(worker.is_readable for worker in seen.workers):
        parts.append(styled(as_called(f"{waiting} waiting, no worker running. Start one: poscli worker"), fg="yellow"))
    return "\n".join(parts)


def _groups(engine: Engine) -> list[str]:
    found = groups(engine.store)
    return [table(GROUPS, [(group.name, group.holding, group.waiting) for group in found]), ""] if found else []


def _workers(engine: Engine, seen: Overview) -> str:
    if not seen.workers:
        return "no workers"
    rows = []
    for worker in seen.workers:
        queues = ",".join(worker.queues)
        runs = ", ".join(_names(engine, worker)) or "-"
        rows.append((worker.name, worker.state, runs, queues, worker.completed, worker.failed, age(worker.seen_at)))
    return table(WORKERS, rows)


def _names(engine: Engine, worker: WorkerInfo) -> list[str]:
    running = {job.id: job for job in engine.jobs.list("running")} if worker.job_ids else {}
    return [running[job_id].source_name if job_id in running else job_id for job_id in worker.job_ids]


def _store(engine: Engine) -> str:
    facts = _facts(engine)
    memory = f"{facts['memory_bytes'] / 1024 / 1024:.1f} MB" if facts["memory_bytes"] is not None else "unknown memory"
    kept = {True: "keeps jobs on disk", False: "keeps nothing on disk", None: "persistence unknown"}[
        facts["persistent"]
    ]
    return printable(f"store: {facts['kind']}, {facts['url']}, {facts['server']}, {memory}, {kept}")


def _facts(engine: Engine) -> dict[str, Any]:
    warnings = health_warnings(engine.store)
    unknown = any("INFO" in warning for warning in warnings)
    info: dict[str, Any] = {} if unknown else dict(engine.store.client.info())
    name = "Valkey" if info.get("server_name") == "valkey" or "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version")
    losing = any("nothing on disk" in warning for warning in warnings)
    return {
        "kind": engine.store.kind,
        "url": engine.store.url,
        "server": f"{name} {version}" if version else "unknown server",
        "memory_bytes": info.get("used_memory"),
        "persistent": None if unknown else not losing,
        "warnings": list(warnings),
    }


def _json(engine: Engine) -> dict[str, Any]:
    seen = overview(engine.store, engine.jobs.counts())
    now = datetime.now(UTC)
    queues = {}
    for queue in seen.queues:
        oldest = seen.oldest[queue.name]
        waited = round((now - oldest).total_seconds(), 3) if oldest else None
        queues[queue.name] = {**{name: getattr(queue, name) for name in COUNTED}, "oldest_seconds": waited}
    workers = [
        {
            "name": worker.name,
            "state": worker.state,
            "queues": list(worker.queues),
            "jobs": list(worker.job_ids),
            "completed": worker.completed,
            "failed": worker.failed,
            "seen_at": worker.seen_at.isoformat() if worker.seen_at else None,
        }
        for worker in seen.workers
    ]
    limited = [
        {"name": group.name, "running": group.holding, "waiting": group.waiting} for group in groups(engine.store)
    ]
    return {"queues": queues, "groups": limited, "workers": workers, "store": _facts(engine)}
