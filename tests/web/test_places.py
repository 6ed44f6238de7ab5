"""Places for requests: stuck pages, however many and however often they are asked for, leave others room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from liquid_background.web.places import Places
from tests.web.conftest import Served, read_reply

PAGES = {"pages/index": "hello", **{f"pages/stuck/{number}": "{{ 600 | sleep }}" for number in range(8)}}


def _quickly(served: Served) -> None:
    started = time.monotonic()
    assert served.get("/").text == "hello"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("count", [2, 3, 7])
def test_fewer_stuck_pages_than_processes_leave_others_room(serve: Callable[..., Served], count: int) -> None:
    server = serve(PAGES, PAGE_TIMEOUT="4")
    stuck = [server.start(f"/stuck/{number}") for number in range(count) for _ in range(12)]
    for _ in range(5):
        _quickly(server)
    assert {read_reply(connection).status for connection in stuck} == {503}
    assert server.get("/").text == "hello"


def test_as_many_stuck_pages_as_processes_hold_others_up_once(serve: Callable[..., Served]) -> None:
    server = serve(PAGES, "--processes", "3", PAGE_TIMEOUT="1.5")
    stuck = [server.start(f"/stuck/{number}") for _ in range(4) for number in range(3)]
    assert server.get("/").text == "hello"  # as soon as the first of them was stopped
    for _ in range(5):
        _quickly(server)
    assert {read_reply(connection).status for connection in stuck} == {503}
    refused = [line for line in server.log() if "503" in line]
    reasons = [line for line in server.log() if "ran longer than 1.5 seconds" in line or "got no process" in line]
    assert len(refused) == len(reasons) == 12


def test_a_request_that_gets_no_process_in_time_is_told_in_the_log(serve: Callable[..., Served]) -> None:
    server = serve(PAGES, "--processes", "1", PAGE_TIMEOUT="0.5")
    stuck = [server.start("/stuck/0") for _ in range(120)]  # more than may wait, and longer than they may
    assert {read_reply(connection).status for connection in stuck} == {503}
    log = server.log()
    assert any("pages/stuck/0 got no process: none was free for 2.5 seconds; see --processes" in line for line in log)
    assert any("pages/stuck/0 got no process: 100 requests wait for it already" in line for line in log)
    told = [line for line in log if "got no process: " in line or "ran longer than" in line]
    assert len(told) == len([line for line in log if line.startswith("GET /stuck/0 503")]) == 120


def run(test: Callable[[], object]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))  # type: ignore[arg-type]


class Asker:
    """Requests for places, and who has one."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.held: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, page: str, times: int = 1) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._hold(page)) for _ in range(times)]
        self.tasks += tasks
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks

    async def _hold(self, page: str) -> None:
        async with self.places.place(page):
            self.held.append(page)
            try:
                await asyncio.Event().wait()
            finally:
                self.held.remove(page)

    async def end(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks or self.tasks:
            task.cancel()
        await asyncio.wait(tasks or self.tasks)
        await asyncio.sleep(0)


def test_one_page_gets_half_of_the_places_and_all_together_half_as_many_more() -> None:
    async def test() -> None:
        asker = Asker(Places(8, 10))
        await asker.ask("a", 20)
        assert asker.held == ["a"] * 4
        for page in "bcdefgh":
            await asker.ask(page, 20)
        assert set(asker.held) == set("abcdefgh")
        assert len(asker.held) <= 12
        await asker.end()
        assert asker.held == []

    run(test)


def test_a_page_that_has_none_is_next_before_one_that_had() -> None:
    async def test() -> None:
        asker = Asker(Places(2, 10))
        (a, *_), (_b, *_) = await asker.ask("a", 5), await asker.ask("b", 5)
        await asker.ask("quick")
        assert sorted(asker.held) == ["a", "b"]
        await asker.end(a)
        assert sorted(asker.held) == ["b", "quick"]
        await asker.end()

    run(test)


def test_slow_pages_leave_a_place_until_they_end_in_time() -> None:
    async def test() -> None:
        places = Places(3, 10)
        asker = Asker(places)
        for page in "abc":
            places.ended(page, 1.0)
            await asker.ask(page, 5)
        assert len(asker.held) == 2
        await asker.ask("quick")
        assert len(asker.held) == 3
        await asker.end()
        places.ended("a", 0.05)
        await asker.ask("a", 5)
        assert asker.held == ["a", "a"]
        await asker.end()

    run(test)


def test_long_pages_leave_a_place_and_take_more_than_one_of_the_others() -> None:
    async def test() -> None:
        places = Places(4, 10)
        asker = Asker(places)
        for page in "abcdef":
            places.ended(page, 0.9)
            await asker.ask(page)
        assert asker.held == ["a", "b", "c"]
        await asker.ask("quick")
        assert asker.held == ["a", "b", "c", "quick"]
        await asker.end()
        await asker.ask("a", 3)
        assert len(asker.held) >= 2  # alone, it has others
        await asker.end()

    run(test)


@pytest.mark.slow
def test_who_waits_too_long_or_behind_too_many_gets_none() -> None:
    async def test() -> None:
        places = Places(1, 0.2)
        asker = Asker(places)
        (holder,) = await asker.ask("a")
        waiting = await asker.ask("a", 101)
        assert isinstance(waiting[100].exception(), TimeoutError)
        await asyncio.wait(waiting)
        assert {type(task.exception()) for task in waiting} == {TimeoutError}
        last = await asker.ask("a")
        places.close()
        await asyncio.wait(last)
        assert isinstance(last[0].exception(), TimeoutError)
        await asker.end(holder)

    run(test)
