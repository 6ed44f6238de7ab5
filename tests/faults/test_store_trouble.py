"""The store restarts, stalls or refuses; the worker waits and goes on, and each job ends once."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from liquid_background.errors import StoreUnavailable
from liquid_background.job import Job
from liquid_background.jobs.queue import Queue, scripts
from liquid_background.jobs.store import connect
from liquid_background.jobs.store.probe import line_to, plain_place
from liquid_background.settings import Settings, load_settings
from tests.faults.proxy import Proxy
from tests.worker.conftest import Bench

ONCE = [("SUCCESS", 1, True)]
Start = Callable[..., Any]


@pytest.fixture
def proxy(start_server: Start) -> Iterator[Proxy]:
    with closing(Proxy(start_server().port)) as made:
        yield made


def _held(bench: Bench, tmp_path: Path, **fields: Any) -> tuple[str, Path]:
    go = tmp_path / "go"
    return bench.send("wait_for", given={"until": str(go)}, **fields), go


DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")


def test_c1_c4_a_restart_over_the_end_of_a_job_loses_nothing(
    start_server: Start, bench_on: Callable[..., Bench], tmp_path: Path
) -> None:
    server = start_server(*DURABLE)
    bench = bench_on(server.url)
    held, go = _held(bench, tmp_path)
    others = [bench.send() for _ in range(50)]
    bench.start(lease=20)
    bench.wait_for_run(held)
    server.kill()
    go.touch()
    bench.wait_until(lambda: held in bench.ended())
    start_server(*DURABLE, port=server.port)
    for job_id in (held, *others):
        bench.wait_for(job_id)
    assert bench.stories() == dict.fromkeys((held, *others), ONCE)
    assert len(bench.runs()) == 51


def test_c3_an_idle_worker_goes_on_soon_after_an_outage(start_server: Start, bench_on: Callable[..., Bench]) -> None:
    server = start_server(*DURABLE)
    bench = bench_on(server.url)
    worker = bench.start(lease=2)
    bench.wait_for(bench.send())
    server.kill()
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    start_server(*DURABLE, port=server.port)
    again = time.monotonic()
    bench.wait_for(bench.send())
    assert time.monotonic() - again < 2
    assert worker.stop() == 0


def test_a_worker_registers_again_after_a_store_that_kept_nothing(
    start_server: Start, bench_on: Callable[..., Bench]
) -> None:
    server = start_server()
    bench = bench_on(server.url)
    worker = bench.start()
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 1)
    server.kill()
    start_server(port=server.port)
    bench.wait_until(lambda: bench.queue.counts()[0].workers == 1)
    bench.wait_for(bench.send())
    assert "keeps nothing" in worker.text() or "persist" in worker.text() or "disk" in worker.text()


def test_c8_a_lost_reply_ends_no_job_twice(proxy: Proxy, bench_on: Callable[..., Bench], tmp_path: Path) -> None:
    bench = bench_on(f"redis://127.0.0.1:{proxy._target}/0", proxy.url)
    held, go = _held(bench, tmp_path)
    bench.start(lease=5)
    bench.wait_for_run(held)
    proxy.mode = "drop replies"
    go.touch()
    assert proxy.dropped.wait(10)
    bench.wait_until(lambda: held in bench.ended())
    proxy.mode = "pass"
    after = bench.send()
    bench.wait_for(after)
    assert bench.stories() == {held: ONCE, after: ONCE}
    assert len(bench.runs()) == 2


def test_c14_a_loading_store_is_waited_for(proxy: Proxy, bench_on: Callable[..., Bench]) -> None:
    bench = bench_on(f"redis://127.0.0.1:{proxy._target}/0", proxy.url)
    proxy.mode = "loading"
    worker = bench.start()
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    proxy.mode = "pass"
    assert bench.wait_for(bench.send()).status == "completed"
    proxy.mode = "loading"
    job_id = bench.send()
    proxy.mode = "pass"
    assert bench.wait_for(job_id).status == "completed"
    assert worker.process.poll() is None


def test_c17_a_half_open_connection_is_noticed(proxy: Proxy, bench_on: Callable[..., Bench]) -> None:
    bench = bench_on(f"redis://127.0.0.1:{proxy._target}/0", proxy.url)
    bench.start(lease=1.0)
    bench.wait_for(bench.send())
    proxy.freeze()
    began = time.monotonic()
    bench.wait_for(bench.send())
    assert time.monotonic() - began < 3.5


@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        (("SCRIPT", "FLUSH"), ("PING",)),
    ],
)
def test_c10_c13_c16_a_finish_that_the_store_refuses_is_written_later(
    start_server: Start,
    bench_on: Callable[..., Bench],
    tmp_path: Path,
    refuse: tuple[str, ...],
    allow: tuple[str, ...],
) -> None:
    server = start_server("--maxmemory-policy", "noeviction", "--repl-diskless-load", "disabled")
    bench = bench_on(server.url)
    client: Any = bench.store.client
    held, go = _held(bench, tmp_path)
    bench.start(lease=20)
    bench.wait_for_run(held)
    client.execute_command(*refuse)
    go.touch()
    bench.wait_until(lambda: held in bench.ended())
    client.execute_command(*allow)
    bench.wait_for(held)
    after = bench.send()
    bench.wait_for(after)
    assert bench.stories() == {held: ONCE, after: ONCE}
    assert len(bench.runs()) == 2


def test_c15_a_refused_login_ends_the_worker_with_one_line(start_server: Start, bench_on: Callable[..., Bench]) -> None:
    server = start_server("--requirepass", "secret")
    bench = bench_on(server.url.replace("redis://", "redis://:secret@"))
    bench.settings = load_settings(redis_url=server.url)
    worker = bench.start()
    assert worker.process.wait(20) == 1
    assert len(worker.text().splitlines()) == 1
    assert "refused the login" in worker.text()
    assert "secret" not in worker.text()


def test_c11_a_store_that_evicts_is_warned_of(start_server: Start, bench_on: Callable[..., Bench]) -> None:
    server = start_server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    bench = bench_on(server.url)
    assert "noeviction" in bench.burst()


def test_sigterm_without_a_store_ends_the_worker(start_server: Start, bench_on: Callable[..., Bench]) -> None:
    server = start_server()
    bench = bench_on(server.url)
    worker = bench.start(lease=0.5)
    bench.wait_for(bench.send())
    # Else its child may not have heard yet that the store has its end, and waits to say it.
    bench.wait_until(lambda: bench.store.client.info("clients")["blocked_clients"])
    server.kill()
    assert worker.stop(signal.SIGTERM) == 0


def test_a_store_that_listens_and_says_nothing_holds_up_no_limit_and_no_stop(
    start_server: Start, bench_on: Callable[..., Bench]
) -> None:
    server = start_server()
    bench = bench_on(server.url)
    worker = bench.start(lease=1.0)
    bench.wait_for_run(bench.send("stuck_in_c", timeout=1.5))
    (child,) = worker.children()
    server.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        bench.wait_until(lambda: child not in worker.children())
        assert time.monotonic() - began < 4
        assert worker.stop() == 0
        assert time.monotonic() - began < 12
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_an_outage_is_told_of_when_it_begins_and_when_it_is_over(
    start_server: Start, bench_on: Callable[..., Bench]
) -> None:
    server = start_server("--appendonly", "yes")
    bench = bench_on(server.url)
    worker = bench.start(processes=3)
    bench.wait_for(bench.send())
    server.kill()
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    start_server("--appendonly", "yes", port=server.port)
    bench.wait_until(lambda: "the store is back" in worker.text())
    bench.wait_for(bench.send())
    assert worker.stop() == 0
    assert worker.text().count("waiting for the store") == 1
    assert len(re.findall(r"the store is back, and takes writes, after \d+\.\d s", worker.text())) == 1


def test_a_command_that_the_store_does_not_know_is_one_outage(
    start_server: Start, bench_on: Callable[..., Bench]
) -> None:
    server = start_server("--rename-command", "EVALSHA", "")
    bench = bench_on(server.url)
    worker = bench.start(processes=2)
    bench.wait_until(lambda: "waiting for the store" in worker.text())
    # Tries of two children and their supervisor: each of them would add a line.
    before = _rejected(bench)
    bench.wait_until(lambda: _rejected(bench) > before + 30)
    server.kill()
    server = start_server(port=server.port)
    assert bench.wait_for(bench.send()).status == "completed"
    bench.wait_until(lambda: "the store is back" in worker.text())
    assert worker.stop() == 0
    told = [line for line in worker.text().splitlines() if "store" in line and "worker run_worker" not in line]
    assert len([line for line in told if "waiting for the store: it does not know EVALSHA" in line]) == 1
    assert len([line for line in told if "the store is back" in line]) == 1
    assert "could not run" not in worker.text()
    assert "with args" not in worker.text()


def _rejected(bench: Bench) -> int:
    """Return how many errors the store has replied."""
    stats: Any = bench.store.client.info("stats")
    return int(stats["total_error_replies"])


def _use(settings: Settings) -> None:
    with closing(connect(settings)) as store:
        scripts.load_all(store)
        Queue(store, settings).send([Job(source="x", template="t", line=1, source_name="s")])


@pytest.mark.parametrize("command", ["SCRIPT", "EVALSHA", "AUTH"])
def test_an_unknown_command_is_named_and_not_what_it_was_given(start_server: Start, command: str) -> None:
    login = ":secret@" if command == "AUTH" else ""
    server = start_server("--rename-command", command, "")
    url = server.url.replace("://", f"://{login}")
    told = f"{server.url if not login else url.replace('secret', '***')} does not know {command}, which jobs need"
    settings = load_settings(redis_url=url)
    with pytest.raises(StoreUnavailable) as caught:
        _use(settings)
    assert told in str(caught.value)
    assert "rename-command" in str(caught.value)
    assert not re.search("with args|local|secret|of pipeline", str(caught.value))


def test_a_probe_shows_no_password_to_who_sees_its_output(start_server: Start) -> None:
    server = start_server("--rename-command", "AUTH", "")
    place = plain_place(server.url.replace("://", "://:secret@"))
    assert place is not None
    with pytest.raises(StoreUnavailable, match="does not know AUTH") as caught, line_to(place, 2.0):
        pass
    assert "secret" not in str(caught.value)


def test_a_worker_without_scripts_ends_with_one_line_that_says_why(
    start_server: Start, bench_on: Callable[..., Bench]
) -> None:
    bench = bench_on(start_server("--rename-command", "SCRIPT", "").url)
    worker = bench.start()
    assert worker.process.wait(20) == 1
    assert "does not know SCRIPT, which jobs need" in worker.text().splitlines()[-1]
    assert "local" not in worker.text()
