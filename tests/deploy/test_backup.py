"""Backup and restore of a store as docs/worker.md says it: copied while it runs, lost, put back, and drained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from liquid_background import Engine, JobStatus
from liquid_background.settings import load_settings
from liquid_background_worker import run

Start = Callable[..., Any]
KINDS = ("snapshot", "append-only file")
KEPT = ("--appendonly", "yes")


def _engine(url: str, folder: Path) -> Engine:
    return Engine(settings=load_settings(redis_url=url, templates=folder, processes=1, lease=0.6))


def _send(engine: Engine, name: str, count: int, delay: float = 0) -> set[str]:
    block = f"{{% background source_name: '{name}', delay: {delay} %}}{{{{ 'done' }}}}{{% endbackground %}}"
    engine.render_string(f"{{% for i in (1..{count}) %}}{block}{{% endfor %}}")
    return {job.id for job in engine.jobs.list(source_name=name, limit=1000)}


def _copy_snapshot(client: Any, data: Path, backup: Path, wait: Callable[..., Any]) -> None:
    before = client.lastsave()
    wait(lambda: client.info("persistence")["rdb_bgsave_in_progress"] == 0)
    wait(lambda: client.time()[0] > before.timestamp())  # LASTSAVE has whole seconds
    client.bgsave()
    wait(lambda: client.lastsave() > before)
    backup.mkdir()
    shutil.copy(data / "dump.rdb", backup)


def _copy_log(client: Any, data: Path, backup: Path, wait: Callable[..., Any]) -> None:
    client.config_set("auto-aof-rewrite-percentage", 0)
    wait(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    shutil.copytree(data / "appendonlydir", backup / "appendonlydir")
    client.config_set("auto-aof-rewrite-percentage", 100)


def _restore_snapshot(start_server: Start, data: Path, wait: Callable[..., Any]) -> Any:
    # A server that keeps an append-only file does not look at a snapshot: it is loaded first, and the file made of it.
    server = start_server("--dir", str(data), "--appendonly", "no")
    client: Any = Redis.from_url(server.url)
    client.config_set("appendonly", "yes")
    wait(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    wait(lambda: client.info("persistence")["aof_enabled"] == 1)
    client.close()
    server.kill()
    return start_server("--dir", str(data), *KEPT)


def _drain(engine: Engine) -> None:
    pid = os.fork()
    if not pid:
        os._exit(run(engine.settings, engine, burst=True))
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_copied_is_put_back_and_runs(
    start_server: Start, tmp_path: Path, wait_until: Callable[..., Any], kind: str
) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    server = start_server("--dir", str(data), *KEPT)
    engine = _engine(server.url, tmp_path)
    done = _send(engine, "done", 20)
    _drain(engine)
    waiting = _send(engine, "waiting", 100)
    delayed = _send(engine, "delayed", 5, delay=600)
    client: Any = Redis.from_url(server.url)
    copy = _copy_snapshot if kind == "snapshot" else _copy_log
    copy(client, data, backup, wait_until)
    client.close()
    later = _send(engine, "later", 3)
    engine.store.close()

    server.kill()
    shutil.rmtree(data)  # the disk is lost
    shutil.copytree(backup, data)
    if kind == "snapshot":
        server = _restore_snapshot(start_server, data, wait_until)
    else:
        server = start_server("--dir", str(data), *KEPT)

    engine = _engine(server.url, tmp_path)
    _drain(engine)
    by_status = {status: {job.id for job in engine.jobs.list(status=status, limit=1000)} for status in JobStatus}
    assert by_status[JobStatus.COMPLETED] == done | waiting
    assert by_status[JobStatus.PENDING] == delayed
    assert not later & {job.id for job in engine.jobs.list(limit=1000)}  # sent after the copy
    runs = [entry.job_id for entry in engine.log.entries(limit=1000) if entry.final]
    assert sorted(runs) == sorted(done | waiting)  # each once: what had ended before the copy did not run again
    engine.store.close()
