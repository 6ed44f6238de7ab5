"""`poscli status`: queues, workers and the store at a glance."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from liquid_background import Engine
from liquid_background.errors import StoreError
from liquid_background.jobs.contract import COUNTED
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.health import Health
from liquid_background.jobs.queue.looking import health_of, verdicts_without
from liquid_background.jobs.queue.overview import Overview, WorkerInfo, overview
from liquid_background.jobs.queue.pausing import PAUSED
from liquid_background.jobs.queue.waiting import groups
from poscli.application import app_option, load_engine, no_store
from poscli.commands.queues import PAUSES, pause_rows, pauses_as_json
from poscli.output import dump
from poscli.tables import table
from poscli.terminal import note
from poscli.times import age
from poscli.verdicts import as_json, lines_of

_BESIDE_QUEUED = tuple(name for name in COUNTED if name != "queued")
QUEUES = ("QUEUE", "QUEUED", "OLDEST", *map(str.upper, _BESIDE_QUEUED))
GROUPS = ("GROUP", "RUNNING", "WAITING")
WORKERS = ("WORKER", "STATE", "JOB", "QUEUES", "DONE", "FAILED", "SEEN", "VERSION")
_KEEPS = {
    "each change": "keeps jobs on disk",
    "snapshots": "keeps jobs on disk now and then",
    "nothing": "keeps nothing on disk",
    None: "persistence unknown",
}
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
      poscli status --format json | jq -r '.verdicts[].found'
    """
    engine = load_engine(app)
    if style == "text":  # as JSON it is said there
        missing = no_store(engine.settings)
        if missing:
            note(missing)
            return
    if not watch:
        text, trouble = _looked(engine, style)
        if text:
            print(text)
        if trouble is not None and style == "text":
            raise trouble
        sys.exit(trouble is not None)
    with contextlib.suppress(KeyboardInterrupt):
        _watch(engine, style, interval)


def _watch(engine: Engine, style: str, interval: float) -> None:
    clear = _CLEAR if style == "text" and sys.stdout.isatty() else ""
    while True:
        text, trouble = _looked(engine, style)  # a store that is away may come back
        if trouble is not None and style == "text":
            text = "\n".join(filter(None, (text, printable(str(trouble)))))
        print(clear + text)
        time.sleep(interval)


def _looked(engine: Engine, style: str) -> tuple[str, StoreError | None]:
    """Return what a look shows, and the error that kept it from seeing all."""
    health: Health | None = None
    try:
        missing = no_store(engine.settings) if style == "json" else None
        if missing:
            return dump({"error": missing, "verdicts": []}), None
        health = health_of(engine.store, engine.settings)
        return (_text(engine, health) if style == "text" else dump(_json(engine, health))), None
    except StoreError as error:
        verdicts = health.verdicts if health else verdicts_without(error, engine.settings)
        if style == "json":
            return dump({"error": str(error), "verdicts": as_json(verdicts)}), error
        return "\n".join(lines_of(verdicts) if health else ()), error


def _text(engine: Engine, health: Health) -> str:
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
    site = [f"site {engine.store.site}", ""] if engine.store.site else []
    parts = [
        *site,
        table(QUEUES, rows),
        "",
        *_pauses(engine, health),
        *_groups(engine),
        _workers(engine, seen),
        "",
        _store(engine, health),
    ]
    return "\n".join([*parts, *lines_of(verdict for verdict in health.verdicts if verdict.name != PAUSED)])


def _pauses(engine: Engine, health: Health) -> list[str]:
    found = health.serving.pauses
    return [table(PAUSES, pause_rows(found, engine.queues.held(found))), ""] if found else []


def _groups(engine: Engine) -> list[str]:
    found = groups(engine.store)
    return [table(GROUPS, [(group.name, group.holding, group.waiting) for group in found]), ""] if found else []


def _workers(engine: Engine, seen: Overview) -> str:
    more = f"{seen.more_names:,} more names of workers were not looked at" if seen.more_names else ""
    return "\n".join(filter(None, (_worker_rows(engine, seen), more)))


def _worker_rows(engine: Engine, seen: Overview) -> str:
    if not seen.workers:
        return "no workers"
    names = _names(engine, seen.workers)
    rows = []
    for worker in seen.workers:
        queues = ",".join(worker.queues)
        runs = ", ".join(names.get(job_id, job_id) for job_id in worker.job_ids) or "-"
        counts = worker.completed, worker.failed, age(worker.seen_at)
        rows.append((worker.name, worker.state, runs, queues, *counts, worker.app_version or "-"))
    return table(WORKERS, rows)


def _names(engine: Engine, workers: Sequence[WorkerInfo]) -> dict[str, str]:
    """Return the source names of the jobs that run, by their ids."""
    if not any(worker.job_ids for worker in workers):
        return {}
    return {job.id: job.source_name for job in engine.jobs.list("running")}


def _store(engine: Engine, health: Health) -> str:
    facts = _facts(engine, health)
    memory = f"{facts['memory_bytes'] / 1024 / 1024:.1f} MB" if facts["memory_bytes"] is not None else "unknown memory"
    return printable(
        f"store: {facts['kind']}, {facts['url']}, {facts['server']}, {memory}, {_KEEPS[health.server.keeps]}"
    )


def _facts(engine: Engine, health: Health) -> dict[str, Any]:
    keeps = health.server.keeps
    return {
        "kind": engine.store.kind,
        "url": engine.store.url,
        "server": health.server.name or "unknown server",
        "memory_bytes": health.server.memory,
        "persistent": None if keeps is None else keeps == "each change",
    }


def _json(engine: Engine, health: Health) -> dict[str, Any]:
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
            "app_version": worker.app_version or None,
        }
        for worker in seen.workers
    ]
    limited = [
        {"name": group.name, "running": group.holding, "waiting": group.waiting} for group in groups(engine.store)
    ]
    pauses = health.serving.pauses
    return {
        "site": engine.store.site or None,
        "queues": queues,
        "paused": pauses_as_json(pauses, engine.queues.held(pauses)),
        "groups": limited,
        "workers": workers,
        "store": _facts(engine, health),
        "verdicts": as_json(health.verdicts),
    }
