"""Workers: where they are, what they run since when, their memory, version and recycles."""

from __future__ import annotations

import re
from importlib.metadata import version

from liquid_background import Engine
from liquid_background.jobs.queue import keys, moves, scripts
from tests.jobs.operating.desk import Desk
from tests.screens.conftest import Ask
from tests.screens.desk import HOSTILE, Read, desk
from tests.worker.conftest import Bench, bench

__all__ = ["bench", "desk"]


def test_without_one_it_says_how_to_start_one(ask: Ask) -> None:
    assert "poscli worker" in Read(ask("workers")).text


def test_a_worker_says_what_it_runs_and_how_it_is(ask: Ask, bench: Bench) -> None:
    job_id = bench.send("sleep", given={"seconds": 60}, source_name="slow")
    worker = bench.start()
    bench.wait_until(lambda: "MB" in Read(ask("workers")).text and "slow" in Read(ask("workers")).links)
    page = Read(ask("workers"))
    [row] = page.rows[1:]
    assert f"pid {worker.children()[0]}" in row[1]
    assert row[2].startswith("slow started")
    assert page.links["slow"] == f"jobs/{job_id}"
    assert re.fullmatch(r"\d+ MB", row[4])
    assert row[5] == "0"
    assert "Python 3." in row[8]
    page = Read(ask(f"jobs/{job_id}"))
    assert f"1 of 1, runs on {row[0]}" in page.text
    assert page.links[row[0]] == "workers"


def test_a_process_that_has_another_ones_place_says_so(engine: Engine, ask: Ask, bench: Bench) -> None:
    bench.start(recycle_jobs=1)
    for _ in range(3):
        bench.send()
    bench.wait_until(lambda: any((each.recycles or 0) >= 2 for each in engine.overview().workers))
    assert any(row[5] in ("2", "3") for row in Read(ask("workers")).rows[1:])


def test_a_worker_of_the_version_before_is_shown_without_what_it_does_not_say(ask: Ask, desk: Desk) -> None:
    worker = moves.Registration(name="host.1.0", pid=7, host=HOSTILE, address="", queues=["low"])
    scripts.run(desk.store, *moves.register(worker, desk.settings))
    desk.store.client.hdel(keys.worker("host.1.0"), keys.RECYCLES)
    row = Read(ask("workers")).row("host.1.0")
    assert row[4:6] == ["-", "-"]
    assert row[2] == "idle"
    assert "<img src=x onerror=alert(1)>\\u202e" in row[1]
    assert "<img" not in ask("workers").body.decode().partition("<main")[2]


def test_where_the_application_has_no_version_it_is_that_of_liquid_background(ask: Ask, desk: Desk) -> None:
    for name, given in (("own.1.0", {}), ("app.1.0", {"app_version": "7.1"})):
        worker = moves.Registration(name=name, pid=7, host="h", address="", queues=["low"], version="0.9", **given)
        scripts.run(desk.store, *moves.register(worker, desk.settings))
    page = Read(ask("workers"))
    assert page.row("own.1.0")[8].startswith("liquid-background 0.9 Python")
    assert page.row("app.1.0")[8].startswith("7.1 Python")


def test_a_worker_tells_its_version(engine: Engine, bench: Bench) -> None:
    bench.start()
    bench.wait_until(lambda: [each.version for each in engine.overview().workers] == [version("liquid-background")])


def test_one_whose_registration_is_overwritten_is_marked(ask: Ask, desk: Desk) -> None:
    desk.store.client.sadd(keys.RQ_WORKERS, keys.worker("bad.1.0"))
    desk.store.client.set(keys.worker("bad.1.0"), "x")
    assert "its registration is overwritten" in Read(ask("workers")).row("bad.1.0")[0]


def test_many_come_in_pages(ask: Ask, desk: Desk) -> None:
    for number in range(60):
        worker = moves.Registration(name=f"host.1.{number:02}", pid=1, host="h", address="", queues=["low"])
        scripts.run(desk.store, *moves.register(worker, desk.settings))
    page = Read(ask("workers"))
    assert len(page.rows) == 51
    assert len(Read(ask(page.links["The next ones"])).rows) == 11
