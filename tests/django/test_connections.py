"""Database connections of real workers: on a real PostgreSQL, which is restarted under them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import pytest

from liquid_background.job import Job
from tests.postgres import Database
from tests.worker.conftest import Bench, WorkerProcess, bench

__all__ = ["bench"]

pytestmark = pytest.mark.slow


@dataclass
class Site:
    """A project with its database, a store, and workers of it."""

    bench: Bench
    database: Database
    configure: Callable[..., None]

    def start(self, **options: Any) -> WorkerProcess:
        return self.bench.start(app="liquid_background.django:engine", **options)

    def burst(self, **options: Any) -> str:
        return self.bench.burst(app="liquid_background.django:engine", **options)

    def send(self, function: str = "write", number: int = 1, *, max_attempts: int = 1, **kwargs: Any) -> list[str]:
        path = f"tests.django.chores.jobs:{function}"
        shared = {"source_name": function, "template": path, "line": 1, "function": path, "max_attempts": max_attempts}
        timeout = kwargs.pop("timeout", None)
        jobs = [Job(**shared, parameters={"args": [], "kwargs": kwargs}, timeout=timeout) for _ in range(number)]
        assert self.bench.queue.send(jobs) == []
        return [job.id for job in jobs]

    def rows(self) -> list[list[str]]:
        return self.database.query("SELECT name, pid, backend FROM done")

    def backends(self) -> set[str]:
        """Return the server's processes that somebody is connected to."""
        ours = "datname = current_database() AND pid != pg_backend_pid()"
        return {pid for (pid,) in self.database.query(f"SELECT pid FROM pg_stat_activity WHERE {ours}")}


@pytest.fixture
def site(bench: Bench, postgres: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    def configure(**database: Any) -> None:
        monkeypatch.setenv("SITE_DATABASE", json.dumps({**postgres.django, "CONN_MAX_AGE": 600, **database}))

    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.django.site")
    monkeypatch.setenv("SITE_DATA_DIR", str(bench.settings.data_dir))
    configure()
    postgres.query("CREATE TABLE done (name text, pid int, backend int)")
    return Site(bench, postgres, configure)


POOL = {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "OPTIONS": {"pool": {"min_size": 1, "max_size": 1}}}
has_pools = pytest.mark.skipif(django.VERSION < (5, 1), reason="Django has pools from 5.1 on")


@pytest.mark.parametrize(("connects", "database"), [(False, {}), (True, {}), pytest.param(True, POOL, marks=has_pools)])
def test_children_never_share_a_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch, connects: bool, database: dict[str, Any]
) -> None:
    site.configure(**database)
    if connects:
        monkeypatch.setenv("SITE_CONNECTS", "1")
    site.send(number=40, name="x", seconds=0.02)
    worker = site.start(processes=3)
    site.bench.wait_until(lambda: len(site.rows()) == 40)
    used = {(pid, backend) for _, pid, backend in site.rows()}
    children, backends = {pid for pid, _ in used}, {backend for _, backend in used}
    assert len(used) == len(children) == len(backends) == 3  # and each kept its own from job to job
    assert children == {str(pid) for pid in worker.children()}
    assert site.backends() == backends  # the supervisor has none
    assert worker.stop() == 0
    site.bench.wait_until(lambda: site.backends() == set())
    assert "socket" not in worker.text()


def test_a_connection_is_closed_after_each_job_where_none_is_kept(site: Site) -> None:
    site.configure(CONN_MAX_AGE=0)
    site.send(number=3, name="x")
    site.start()
    site.bench.wait_until(lambda: len(site.rows()) == 3)
    assert len({backend for *_, backend in site.rows()}) == 3
    site.bench.wait_until(lambda: site.backends() == set())


def test_a_restart_costs_those_jobs_that_ran_meanwhile_one_attempt(site: Site) -> None:
    sent = site.send(number=100, name="x", seconds=0.05, max_attempts=3)
    site.start(processes=2, retry_delays="3,3")
    site.bench.wait_until(lambda: len(site.rows()) >= 20)
    begin = datetime.now(UTC)
    site.database.server.restart()
    end = datetime.now(UTC)
    for job_id in sent:
        assert site.bench.wait_for(job_id, timeout=60).status == "completed"
    failed = [entry for entry in site.bench.log() if entry.status == "FAILED"]
    assert failed
    slack = timedelta(seconds=0.2)
    assert [entry for entry in failed if not begin - slack <= entry.time <= end + slack] == []
    assert all(entry.attempt == 1 and "OperationalError" in entry.message for entry in failed)
    assert {entry.job_id for entry in site.bench.log() if entry.attempt > 1} == {entry.job_id for entry in failed}
    assert len(failed) < 80
    assert len(site.rows()) == 100


@pytest.mark.parametrize(
    ("function", "database"), [("write", {}), ("write_async", {}), pytest.param("write", POOL, marks=has_pools)]
)
def test_a_restart_between_two_jobs_costs_none_an_attempt(site: Site, function: str, database: dict[str, Any]) -> None:
    site.configure(**database)
    site.send(function, number=2, name="before")
    site.start()
    site.bench.wait_until(lambda: len(site.rows()) == 2)
    assert len({backend for *_, backend in site.rows()}) == 1  # it is kept
    site.database.server.restart()
    after = site.send(function, number=2, name="after")
    assert [site.bench.wait_for(job_id).error for job_id in after] == [None, None]
    assert [name for name, *_ in site.rows()] == ["before"] * 2 + ["after"] * 2


def test_one_broken_connection_breaks_no_other_job(site: Site) -> None:
    (bad,) = site.send("break_connection")
    good = site.send(number=3, name="x")
    site.burst()
    assert "OperationalError" in (site.bench.queue.get(bad).error or "")
    assert [site.bench.queue.get(job_id).status for job_id in good] == ["completed"] * 3


def test_a_time_limit_leaves_no_transaction_behind(site: Site) -> None:
    (slow,) = site.send("write_slowly", name="slow", timeout=1.0)
    (good,) = site.send(name="good")
    site.start()
    assert site.bench.wait_for(slow).error == "stopped at its limit of 1 s"
    assert site.bench.wait_for(good).status == "completed"
    assert [name for name, *_ in site.rows()] == ["good"]
    site.bench.wait_until(lambda: site.backends() == {site.rows()[0][2]})  # that of the slow query is gone


def test_a_query_of_an_async_job_past_its_time_limit_holds_up_no_other_job(site: Site) -> None:
    site.send("write_async", name="first")
    (slow,) = site.send("write_slowly_async", name="slow", seconds=60, timeout=1.0)
    later = [
        *site.send("write", name="sync", timeout=4.0),
        *site.send("do_nothing", timeout=4.0),
        *site.send("write_async", name="async", timeout=4.0),
        *site.send("write_async", name="async", timeout=4.0),
    ]
    worker = site.start()
    assert site.bench.wait_for(slow).error == "stopped at its limit of 1 s"
    assert [site.bench.wait_for(job_id, timeout=20).error for job_id in later] == [None] * 4
    assert [name for name, *_ in site.rows()] == ["first", "sync", "async", "async"]
    assert worker.text().count("an async job left a query running") == 1
    assert worker.stop() == 0  # the query does not hold the process, either
