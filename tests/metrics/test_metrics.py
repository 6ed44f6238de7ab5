"""The metrics: what Prometheus' own parser reads of them, beside what the log and the store say."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus
from starlette.testclient import TestClient

from liquid_background import Engine
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.jobs.queue.protocol import MAX_COUNTED_NAMES, OTHER_NAMES
from liquid_background.jobs.queue.tally import Tally, counted_as
from liquid_background.jobs.store import Store
from liquid_background.metrics import StoreCollector, metrics_app, metrics_wsgi_app, registry_of, written
from liquid_background.settings import Settings, load_settings
from tests.jobs.conftest import job
from tests.worker.conftest import Bench, bench

__all__ = ["bench", "job"]

_ENDS = {"SUCCESS": "succeeded", "FAILED": "failed", "LOST": "lost", "CANCELLED": "cancelled"}


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


def _samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values by the name of a sample and the values of its labels, those in the order of their names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in read_prometheus(text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name.removeprefix("liquid_background_"), {})[labels] = sample.value
    return found


def _read(engine: Engine, **options: Any) -> dict[str, dict[tuple[str, ...], float]]:
    return _samples(written(engine, **options))


def _count(store: Store, name: str, queue: str, ended: int = 1) -> None:
    tally = Tally()
    for _ in range(ended):
        tally.begin(3)
        tally.end("success", 100)
    scripts.run(store, *moves.tally({counted_as(name, queue): tally}))


def test_the_sums_are_those_of_the_log(bench: Bench, engine: Engine) -> None:
    queues = ("high", "default", "low")
    for number in range(60):
        bench.send(
            ("nothing", "raise", "sleep")[number % 3],
            source_name=f"name_{number % 4}",
            priority=queues[number % 5 % 3],
            given={"seconds": 0.01},
            max_attempts=2 if number % 7 == 0 else 1,
            waits=(0.0,),
        )
    bench.burst(processes=2)
    told = _read(engine)
    log = Counter((_ENDS[entry.status], entry.source_name) for entry in bench.log() if entry.status)
    seen: Counter[tuple[str, str]] = Counter()
    for (outcome, _, name), count in told["attempts_total"].items():
        seen[outcome, name] += int(count)
    assert +seen == log
    assert sum(told["running_seconds_count"].values()) == log.total()
    assert sum(told["waiting_seconds_count"].values()) == log.total()
    of_queues = Counter(dict.fromkeys(queues, 0))
    for (_, queue, _), count in told["attempts_total"].items():
        of_queues[queue] += int(count)
    assert of_queues == {queue: told["running_seconds_count"][queue,] for queue in queues}
    ran = sum(entry.duration for entry in bench.log() if entry.status) / 1000
    assert sum(told["running_seconds_sum"].values()) == pytest.approx(ran)


def test_a_lost_attempt_counts_in_its_queue_and_as_a_reaped_lease(bench: Bench, engine: Engine) -> None:
    lost = bench.send("sleep", given={"seconds": 30}, source_name="dies", priority="high")
    worker = bench.start()
    bench.wait_for_run(lost)
    bench.wait_until(lambda: _read(engine)["jobs"]["high", "running"] == 1)
    bench.wait_until(lambda: _read(engine)["workers"]["busy",] == 1)
    worker.signal_tree(signal.SIGKILL)
    worker.process.wait()
    bench.start()
    bench.wait_for_run(lost, times=2)
    bench.wait_until(lambda: _read(engine)["attempts_total"].get(("lost", "high", "dies")) == 1)
    assert _read(engine)["leases_reaped_total"] == {(): 1}
    for pid in bench.workers[-1].children():
        os.kill(pid, signal.SIGKILL)  # which its supervisor says
    bench.wait_until(lambda: _read(engine)["attempts_total"]["lost", "high", "dies"] == 2)
    assert _read(engine)["leases_reaped_total"] == {(): 1}


def test_what_no_worker_can_run_is_refused(bench: Bench, engine: Engine) -> None:
    job_id = bench.send()
    bench.store.client.hset(keys.job(job_id), "data", b"nonsense")
    bench.burst()
    assert _read(engine)["refused_total"] == {(): 1}


def test_what_waits_is_told_by_queue(engine: Engine, store: Store, job: Any) -> None:
    engine.send([job(priority="low"), job(delay=60.0), job(source_name="held")], [])
    engine.queues.pause(queue="low", by="test")
    engine.queues.pause(source_name="held", by="test")
    told = _read(engine)
    assert told["jobs"]["low", "queued"] == 1
    assert told["jobs"]["default", "scheduled"] == 1
    assert told["pauses"] == {("queue",): 1, ("name",): 1, ("group",): 0, ("all",): 0}
    assert 0 <= told["oldest_waiting_seconds"]["low",] < 60
    assert told["oldest_waiting_seconds"]["high",] == 0
    assert told["up"] == {(): 1}
    assert told["store_memory_bytes"][()] > 100_000
    assert "store_memory_max_bytes" not in told


def test_counts_never_fall_when_a_name_gives_way(engine: Engine, store: Store) -> None:
    for number in range(MAX_COUNTED_NAMES + 5):
        _count(store, f"name_{number}", "high")
    _count(store, "other_queue", "low", ended=3)
    attempts = _read(engine)["attempts_total"]
    in_high = {
        name: count for (outcome, queue, name), count in attempts.items() if (outcome, queue) == ("succeeded", "high")
    }
    assert sum(in_high.values()) == MAX_COUNTED_NAMES + 5
    assert len(in_high) <= MAX_COUNTED_NAMES + 1
    assert in_high[OTHER_NAMES] >= 5
    assert attempts["succeeded", "low", "other_queue"] == 3
    assert _read(engine, names=False)["attempts_total"]["succeeded", "high"] == MAX_COUNTED_NAMES + 5


def test_what_a_version_before_counts_without_a_queue_is_in_the_statistics_alone(engine: Engine, store: Store) -> None:
    tally = Tally()
    tally.begin(1)
    tally.end("success", 1)
    scripts.run(store, *moves.tally({"before": tally, "odd\nnowhere": tally, "odd\nhigh\nlow": tally}))
    assert {each.source_name for each in engine.stats().names} == {"before", "odd\nnowhere", "odd\nhigh"}
    assert _read(engine)["attempts_total"]["succeeded", "low", "odd\nhigh"] == 1
    assert not any(name == "before" for _, _, name in _read(engine)["attempts_total"])


@pytest.mark.parametrize("in_openmetrics", [False, True])
def test_any_name_is_read_as_it_is(engine: Engine, store: Store, in_openmetrics: bool) -> None:
    names = ['a"b', "a\\b", "{x=1}", "# EOF", "é😀", "a,b", "\u2028"]
    for name in names:
        _count(store, name, "high")
    store.client.hset(f"{keys.COUNTS}all:high", b"\xff\xfe\xed\xa0\x80", json.dumps(Tally(started=1).cell()))
    store.client.hset(f"{keys.COUNTS}all:high", "garbage", "nonsense")
    store.client.set(f"{keys.COUNTS}all:low", "no hash")
    store.client.set(f"{keys.COUNTS}moves", "no hash")
    text = written(engine, in_openmetrics=in_openmetrics)
    families = (read_openmetrics if in_openmetrics else read_prometheus)(text)
    told = {sample.labels.get("source_name") for family in families for sample in family.samples}
    assert told >= {*names, "garbage", "\\xff\\xfe\\xed\\xa0\\x80"}


def test_buckets_add_up(engine: Engine, store: Store) -> None:
    tally = Tally()
    for milliseconds in (0, 1, 3, 900, 10**6, 10**9):
        tally.begin(milliseconds)
        tally.end("failed", milliseconds)
    scripts.run(store, *moves.tally({counted_as("x", "low"): tally}))
    bounds = {
        float(bound): count
        for (bound, queue), count in _read(engine)["running_seconds_bucket"].items()
        if queue == "low"
    }
    assert (bounds[0.001], bounds[0.002], bounds[0.004], bounds[1.024], bounds[1048.576]) == (1, 2, 3, 4, 5)
    assert bounds[float("inf")] == 6
    assert [*bounds.values()] == sorted(bounds.values())


def test_a_store_that_is_away_is_told_and_no_error() -> None:
    engine = Engine(settings=load_settings(redis_url="redis://127.0.0.1:1/0"))
    assert _read(engine) == {"up": {(): 0}}


def test_it_stands_beside_an_applications_own_metrics(engine: Engine) -> None:
    registry = CollectorRegistry()
    registry.register(StoreCollector(engine))
    assert registry.get_sample_value("liquid_background_up") == 1


def test_the_asgi_application_answers_as_it_is_asked(engine: Engine, job: Any) -> None:
    engine.send([job()], [])
    client = TestClient(metrics_app(engine))
    plain = client.get("/")
    assert plain.headers["content-type"].startswith("text/plain")
    assert _samples(plain.text)["jobs"]["default", "queued"] == 1
    other = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert other.headers["content-type"].startswith("application/openmetrics-text")
    assert [*read_openmetrics(other.text)]
    assert client.head("/").text == ""
    assert client.post("/").status_code == 405


def test_the_event_loop_goes_on_while_the_store_is_asked(engine: Engine) -> None:
    engine.store.client.execute_command("CLIENT", "PAUSE", 300)

    async def turns() -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any: ...

        scope = {"type": "http", "method": "GET", "headers": []}
        asked = asyncio.ensure_future(metrics_app(engine)(scope, receive, send))  # type: ignore[arg-type]
        count = 0
        while not asked.done():
            await asyncio.sleep(0.01)
            count += 1
        assert sent[-1]["body"]
        return count

    assert asyncio.run(turns()) > 3


def test_the_wsgi_application_answers(engine: Engine) -> None:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    body = b"".join(metrics_wsgi_app(engine)(environ, lambda *_: lambda _: None))
    assert _samples(body.decode())["up"] == {(): 1}


def test_a_registry_of_one_engine_has_no_other_metrics(engine: Engine) -> None:
    assert all(family.name.startswith("liquid_background_") for family in registry_of(engine).collect())


def test_the_rules_the_dashboard_and_the_page_name_metrics_that_are_there(engine: Engine, store: Store) -> None:
    _count(store, "x", "high")
    there = {sample.name for family in registry_of(engine).collect() for sample in family.samples}
    there |= {"liquid_background_store_memory_max_bytes"}
    docs = Path(__file__).parents[2] / "docs"
    rules = yaml.safe_load((docs / "monitoring/rules.yml").read_text())["groups"][0]["rules"]
    panels = json.loads((docs / "monitoring/grafana.json").read_text())["panels"]
    queries = [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]
    named = {name for query in queries for name in re.findall(r"liquid_background_\w+", query)}
    assert named <= there, named - there
    page = (docs / "metrics.md").read_text()
    assert {rule["alert"] for rule in rules} == set(re.findall(r"^\| `(LiquidBackground\w+)`", page, re.MULTILINE))
    families = {re.sub(r"_(bucket|sum|count)$", "", name).removeprefix("liquid_background_") for name in there}
    assert families - {"attempts_created"} <= set(re.findall(r"`(\w+)`", page)), families


def test_a_long_name_of_a_dialect_is_lost_under_itself(bench: Bench, engine: Engine) -> None:
    name = "ж" * 98 + "😀"
    lost = bench.send("sleep", given={"seconds": 30}, source_name=name)
    worker = bench.start()
    bench.wait_for_run(lost)
    worker.signal_tree(signal.SIGKILL)
    worker.process.wait()
    bench.start()
    bench.wait_for_run(lost, times=2)
    bench.wait_until(lambda: _read(engine)["attempts_total"].get(("lost", "default", name)) == 1)
    assert [each.lost for each in engine.stats().names if each.source_name == name] == [1]
