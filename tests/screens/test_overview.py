"""The overview: numbers that lead to their jobs, charts that need no script, what is wrong, what is paused."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from liquid_background import Engine
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.jobs.queue.tally import Tally
from tests.jobs.operating.desk import Desk
from tests.screens.conftest import Ask, text_of
from tests.screens.desk import Read, desk
from tests.worker.conftest import Bench, bench

__all__ = ["bench", "desk"]


def test_each_queue_has_its_numbers_which_lead_to_the_jobs(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("f1", "f2", priority="high")
    desk.send("a", "b", priority="high")
    desk.send("later", delay=60, priority="low")
    running = desk.hands.take()
    assert running.id == "a"
    desk.hands.beat(running)
    page = Read(ask(""))
    assert page.row("high")[1:5] == ["1", page.row("high")[2], "1", "2"]
    assert page.row("high")[2] in ("now", "1s ago", "2s ago")
    assert page.row("low")[1] == "1 (1 delayed)"
    html = text_of(ask(""))
    for query, count in (("status=failed&queue=high&since=24h", 2), ("status=running&queue=high", 1)):
        assert f'<a href="/ops/jobs?{query.replace("&", "&amp;")}"' in html
        assert engine.jobs.count(**dict(pair.split("=") for pair in query.split("&")[:2])) == count
    assert "<title>2 waiting, 1 running" in html


def test_what_failed_a_day_ago_is_not_counted(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.fail("old", "new")
    ttl = engine.settings.failure_ttl
    desk.store.client.zadd(keys.failed("default"), {"old": desk.store.time(0.0) - 86_500 + ttl})
    assert Read(ask("")).row("default")[4] == "1"


@pytest.mark.parametrize(("span", "moments"), [("", 24), ("?span=3h", 180)])
def test_charts_are_drawn_and_told_as_a_table(ask: Ask, desk: Desk, span: str, moments: int) -> None:
    tally = Tally()
    for number in range(5):
        tally.begin(100)
        tally.end("failed" if number == 0 else "success", 10)
    scripts.run(desk.store, *moves.tally({"mail": tally}))
    html = text_of(ask(span))
    assert html.count("<svg") == 3
    assert html.count("<path") == 4
    assert re.findall(r'aria-label="(Throughput: 5 attempts ended[^"]*)"', html)
    series = [json.loads(unescape(found)) for found in re.findall(r'data-series="([^"]*)"', html)]
    assert [len(each["times"]) for each in series] == [moments] * 3
    assert [sum(filter(None, each["series"][0]["values"])) for each in series[:2]] == [5, 1]
    assert 90 < max(filter(None, series[2]["series"][1]["values"])) < 150
    rows = [row for row in Read(ask(span)).rows if re.match(r"\d{4}-", row[0])]
    assert len(rows) == moments
    assert rows[0][1:3] == ["5", "1"]


def test_warnings_say_what_to_do(ask: Ask, desk: Desk) -> None:
    desk.send("a")
    page = Read(ask(""))
    assert "Wrong:" in page.text or "Warning:" in page.text
    assert "poscli worker" in page.text


def test_workers_lead_to_what_they_run(ask: Ask, bench: Bench) -> None:
    job_id = bench.send("sleep", given={"seconds": 30}, source_name="slow")
    bench.start()
    bench.wait_until(lambda: "slow" in Read(ask("")).links)
    assert Read(ask("")).links["slow"] == f"jobs/{job_id}"
    assert "1, 1 busy" in Read(ask("")).text
