"""L6: Sentinels change the primary under a worker, pages and a tail; all go on at the new one without a restart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sentinels import SERVICE, Sentinels
from liquid_background import Engine
from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.queue import Queue
from liquid_background.jobs.store import connect
from liquid_background.settings import load_settings
from tests import warm
from tests.faults.proxy import Proxy
from tests.worker.conftest import Bench

ROOT = Path(__file__).parents[2]
ONCE = [("SUCCESS", 1, True)]
Start = Callable[..., Any]


def _fails_over_by_itself(group: Sentinels) -> None:
    before = group.primary()
    group.kill(before)
    group.wait_for_another(before)


def _program(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LIQUID_BACKGROUND_REDIS_URL": url}
    return warm.run("poscli", *arguments, cwd=ROOT, env=environment)


def _render(engine: Engine, source: str, wait_until: Any) -> None:
    """Render a page until it can send its jobs."""

    def is_rendered() -> bool:
        with suppress(StoreUnavailable):
            engine.render_string(source)
            return True
        return False

    wait_until(is_rendered)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["by order", "by itself"])
def test_l6_a_worker_pages_and_a_tail_follow_the_primary(
    start_sentinels: Callable[..., Sentinels], bench_on: Callable[..., Bench], tmp_path: Path, wait_until: Any, how: str
) -> None:
    group = start_sentinels(replicas=2, sentinels=3)
    bench = bench_on(group.url)
    engine = Engine(redis_url=group.url)
    page = "{% background source_name: 'stub', do: 'nothing' %}{% endbackground %}"
    worker = bench.start()
    shown = tmp_path / "shown"
    with shown.open("wb") as stream, open(os.devnull) as nothing:
        environment = {**os.environ, "LIQUID_BACKGROUND_REDIS_URL": group.url}
        command = ("poscli", "logs", "--tail", "--format", "short")
        tail = warm.start(*command, cwd=ROOT, env=environment, streams=(nothing, stream, stream))
    try:
        wait_until(lambda: group.info(group.primary())["blocked_clients"] >= 2)
        go = tmp_path / "go"
        held = bench.send("wait_for", given={"until": str(go)})
        engine.render_string(page)
        bench.wait_for_run(held)
        before = group.primary()
        wait_until(lambda: group.info(before)["slave0"]["lag"] <= 1 and group.info(before)["slave1"]["lag"] <= 1)
        if how == "by order":
            group.fail_over()
        else:
            _fails_over_by_itself(group)
        _render(engine, page, wait_until)
        after = bench.send()
        go.touch()
        bench.wait_for(after)
        wait_until(lambda: set(map(str, bench.stories().values())) == {str(ONCE)} and len(bench.stories()) == 4)
        assert group.primary() != before
        wait_until(lambda: len(shown.read_text().splitlines()) >= 4)
        time.sleep(0.5)
        assert shown.read_text().splitlines() == ["[attempt 1/1] - stub - SUCCESS"] * 4
        assert worker.process.poll() is None
        assert tail.poll() is None
        assert worker.stop() == 0
    finally:
        tail.terminate()
        tail.wait(10)
        engine.store.close()


def test_l6_a_worker_leaves_a_primary_that_lost_its_replicas(
    start_server: Start, bench_on: Callable[..., Bench]
) -> None:
    """It may have been replaced, behind a plain URL, too."""
    first, second = start_server(), start_server()
    proxy = Proxy(first.port)
    try:
        bench = bench_on(second.url, through=proxy.url)
        worker = bench.start()
        old = connect(load_settings(redis_url=first.url))
        bench.wait_until(lambda: old.client.info("clients")["blocked_clients"] == 1)
        proxy._target = second.port
        old.client.config_set("min-replicas-to-write", 1)
        job_id = bench.send()
        bench.wait_for(job_id)
        assert bench.story(job_id) == ONCE
        assert worker.stop() == 0
        old.close()
    finally:
        proxy.close()


@pytest.mark.slow
def test_l6_commands_work_on_a_sentinel_url(start_sentinels: Callable[..., Sentinels], tmp_path: Path) -> None:
    group = start_sentinels(password="of-the-servers", sentinel_password="of-the-sentinels")
    shown = f"redis+sentinel://:***@127.0.0.1:{group.sentinel_ports[0]}/{SERVICE}/0"
    for command in (["status"], ["doctor"]):
        done = _program(group.url, *command)
        assert shown in done.stdout, done.stderr
        assert "of-the-" not in done.stdout + done.stderr
    done = _program(group.url, "store", "path", "--url")
    assert done.returncode == 1
    assert "an external server" in done.stderr
    done = _program("redis+sentinel://:secret@h1:26379", "status")
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert "the name of the service must follow the hosts" in line
    assert "secret" not in line


def test_l6_a_stock_worker_takes_the_sentinels_from_its_configuration(
    start_sentinels: Callable[..., Sentinels], tmp_path: Path
) -> None:
    group = start_sentinels()
    settings = load_settings(redis_url=group.url)
    store = connect(settings)
    bench = Bench(store, settings, Queue(store, settings), tmp_path / "runs", lambda condition: condition())
    job_id = bench.send()
    hosts = [("127.0.0.1", port) for port in group.sentinel_ports]
    sentinel = {"INSTANCES": hosts, "MASTER_NAME": SERVICE, "SOCKET_TIMEOUT": 10}
    (tmp_path / "rq_settings.py").write_text(f"SENTINEL = {sentinel!r}\n")
    place = {"LIQUID_BACKGROUND_REDIS_URL": group.url, "LIQUID_BACKGROUND_APP": "tests.worker.stub_app:engine"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "rq"), "worker", "--config", "rq_settings", "--burst", "default",
         "--serializer", "rq.serializers.JSONSerializer"],
        cwd=ROOT, env={**os.environ, **place, "PYTHONPATH": f"{tmp_path}:{ROOT}"}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert bench.queue.get(job_id).status == "completed"
    assert bench.story(job_id) == ONCE
    store.close()


@pytest.mark.slow
def test_l6_the_campaign_with_one_failover_loses_nothing() -> None:
    command = [sys.executable, "-m", "benchmarks.failover", "--jobs", "200", "--seconds", "9", "--every", "9"]
    done = subprocess.run(
        [*command, "--how", "kill"], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    found = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line)
    told = done.stdout + done.stderr
    assert found["jobs confirmed"] == "200", told
    assert found["failovers"] == "1", told
    assert (found["lost"], found["processes that ended"]) == ("0", "0"), told
    assert found["entries of the log that the tail missed"] == found["entries that the tail showed twice"] == "0", told
