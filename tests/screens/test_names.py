"""Source names: what they have come to in a span, sorted, searched, in pages; one that is paused stands still."""

from __future__ import annotations

import json

import pytest

from liquid_background import Engine
from liquid_background.jobs.queue import depth, keys, moves, scripts
from liquid_background.jobs.queue.protocol import MAX_COUNTED_NAMES
from liquid_background.jobs.queue.tally import Tally
from tests.jobs.operating.desk import Desk
from tests.screens.conftest import READER, Ask
from tests.screens.desk import HOSTILE, Read, desk

__all__ = ["desk"]


def _tally(succeeded: int, failed: int = 0, waited: int = 10, ran: int = 10) -> Tally:
    tally = Tally()
    for number in range(succeeded + failed):
        tally.begin(waited)
        tally.end("failed" if number < failed else "success", ran)
    return tally


def _count(desk: Desk, **tallies: Tally) -> None:
    scripts.run(desk.store, *moves.tally(tallies))


def _names(page: Read) -> list[str]:
    return [row[0] for row in page.rows[1:]]


def test_numbers_of_each_name_and_links_to_its_jobs(ask: Ask, desk: Desk) -> None:
    _count(desk, mail=_tally(3, 1, waited=100, ran=2_000))
    desk.send("a", "b")
    page = Read(ask("names"))
    assert page.row("mail")[1:4] == ["4", "1", "25%"]
    assert page.row("mail")[8] == "2"
    assert page.links["mail"] == "jobs?source_name=mail"
    assert page.links["1"] == "jobs?status=failed&source_name=mail&since=24h"
    assert page.links["2"] == "jobs?status=pending&source_name=mail"


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "a"), ("runs", "b"), ("failed", "c"), ("rate", "c"), ("waited95", "d"), ("ran50", "e"), ("waiting", "f")],
)
def test_it_is_sorted_by_links(ask: Ask, desk: Desk, sort: str, first: str) -> None:
    _count(desk, a=_tally(1), b=_tally(9), c=_tally(2, 2), d=_tally(1, waited=900), e=_tally(1, ran=900), f=_tally(1))
    desk.send("f1", "f2", source_name="f")
    desk.send("e1", source_name="e")
    assert _names(Read(ask(f"names?sort={sort}")))[0] == first
    heading = {"name": "Source name", "rate": "Failure rate", "waiting": "Waiting now"}.get(sort)
    if heading:
        assert Read(ask("names?span=1h")).links[heading] == f"names?span=1h&sort={sort}"


def test_a_span_counts_what_it_says(ask: Ask, desk: Desk) -> None:
    now = int(desk.store.time(0.0))
    cell = json.dumps(_tally(1).cell())
    now_ends = (f"m:{now // 60}", f"hour:{now // 3600}", f"day:{now // 86400}", "all")
    for end in (*now_ends, f"h:{now // 3600 - 30}", f"h:{now // 3600 - 24 * 20}"):
        desk.store.client.hset(f"{keys.COUNTS}{end}", "mail", cell)
    runs = {span: Read(ask(f"names?span={span}")).row("mail")[1] for span in ("1h", "24h", "7d", "31d", "nonsense")}
    assert runs == {"1h": "1", "24h": "1", "7d": "2", "31d": "3", "nonsense": "1"}
    assert Read(ask("names?span=all")).links["0"] == "jobs?status=failed&source_name=mail"


def test_names_are_found_by_what_they_begin_with_and_come_in_pages(ask: Ask, desk: Desk) -> None:
    _count(desk, **{f"sync_{number:02}": _tally(100 - number) for number in range(60)}, other=_tally(200))
    page = Read(ask("names?prefix=sync_"))
    assert _names(page)[0] == "sync_00"
    assert len(_names(page)) == 50
    assert page.form("names")["prefix"] == "sync_"
    assert len(_names(Read(ask(page.links["The next ones"])))) == 10
    assert "No source name that begins so" in Read(ask("names?prefix=nothing")).text
    assert "Nothing has run" not in Read(ask("names")).text


def test_without_any_it_says_what_to_do(ask: Ask) -> None:
    assert "poscli worker" in Read(ask("names")).text


def test_one_that_has_not_run_is_there_while_it_waits_or_is_paused(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.send("a", source_name="new")
    engine.queues.pause(source_name="paused_one")
    page = Read(ask("names"))
    assert page.row("new")[1] == "0"
    assert page.row("new")[8] == "1"
    assert page.row("paused_one")[0] == "paused_one paused"


def test_jobs_whose_records_say_no_name_make_no_row(ask: Ask, desk: Desk) -> None:
    desk.send("a", "b")
    desk.store.client.hdel(keys.job("b"), "description")
    assert [row[8] for row in Read(ask("names")).rows[1:]] == ["1"]


def test_a_name_is_paused_stands_still_and_goes_on(engine: Engine, ask: Ask, desk: Desk) -> None:
    desk.send("a", "b")
    page = Read(ask("names?span=7d"))
    form = page.form("queues/pause", source_name="mail", reason="")
    assert ask("queues/pause", {**form, "reason": "until 18:00"}).status == 303
    assert [pause.reason for pause in engine.queues.paused()] == ["until 18:00"]
    assert desk.hands.claim().jobs == ()
    page = Read(ask("names"))
    assert page.row("mail")[0] == "mail paused"
    assert page.row("mail")[8] == "2"
    assert ask("queues/resume", page.form("queues/resume", source_name="mail")).status == 303
    assert desk.hands.take().id == "a"
    engine.queues.pause(source_name="ma*")
    assert Read(ask("names")).row("mail")[0] == "mail paused by ma*"
    assert not Read(ask("names", visitor=READER)).forms[1:-1]


def test_where_too_many_wait_it_says_that_it_does_not_know(
    ask: Ask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _count(desk, mail=_tally(1))
    desk.send(*(f"j{number}" for number in range(depth.MOST + 1)))
    page = Read(ask("names"))
    assert page.row("mail")[8] == "?"
    assert "is not known: over 2,000 jobs wait" in " ".join(page.text.split())


def test_the_rest_of_too_many_names_has_no_link_and_no_button(ask: Ask, desk: Desk) -> None:
    for start in range(0, MAX_COUNTED_NAMES + 50, 50):
        _count(desk, **{f"n{number}": _tally(1) for number in range(start, start + 50)})
    page = Read(ask("names?span=1h"))
    assert _names(page)[0] == "(others)"
    assert "(others)" not in page.links
    assert page.row("(others)")[9] == ""


def test_what_others_wrote_is_shown_as_text(ask: Ask, desk: Desk) -> None:
    _count(desk, **{HOSTILE: _tally(1)})
    html = ask("names").body.decode()
    assert "<img" not in html.partition("<main")[2]
    assert "&lt;img src=x onerror=alert(1)&gt;\\u202e&lt;/script&gt;" in html
    assert "<img" not in ask(f"names?prefix={HOSTILE}&span={HOSTILE}&sort={HOSTILE}").body.decode()
