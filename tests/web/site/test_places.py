"""Places for requests: stuck pages, however many and however often they are asked for, leave others room."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import product
from random import Random

import pytest

from liquid_background.web.site.places import Places
from tests import campaigns
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
    reasons = [
        line
        for line in server.log()
        if "ran longer than 1.5 seconds" in line or line.startswith("no process for pages/")
    ]
    assert len(refused) == len(reasons) == 12


def test_a_request_that_gets_no_process_in_time_is_told_in_the_log(serve: Callable[..., Served]) -> None:
    server = serve(PAGES, "--processes", "1", PAGE_TIMEOUT="0.5")
    stuck = [server.start("/stuck/0") for _ in range(120)]  # more than may wait, and longer than they may
    assert {read_reply(connection).status for connection in stuck} == {503}
    log = server.log()
    assert any("no process for pages/stuck/0: none was free for 2.5 seconds; see --processes" in line for line in log)
    assert any("no process for pages/stuck/0: 100 requests wait for it already" in line for line in log)
    told = [line for line in log if line.startswith("no process for ") or "ran longer than" in line]
    assert len(told) == len([line for line in log if line.startswith("GET /stuck/0 503")]) == 120


@pytest.mark.slow
def test_pages_that_are_quick_and_stuck_by_turns_hold_a_quick_one_up_until_a_place_is_free(
    serve: Callable[..., Served],
) -> None:
    names = [f"pages/turn/{number}" for number in range(24)]
    pages = dict.fromkeys(names, "{% if params.s %}{{ 600 | sleep }}{% endif %}quick")
    server = serve({"pages/index": "hello", **pages}, "--processes", "3", PAGE_TIMEOUT="1.5")
    for _ in range(20):
        _quickly(server)
    stuck, waits = [], []
    for turn in range(4):
        for number in range(24):
            stuck.append(server.start(f"/turn/{number}?s=1" if (turn + number) % 2 else f"/turn/{number}"))
        started = time.monotonic()
        assert server.get("/").text == "hello"
        waits.append(time.monotonic() - started)
    assert max(waits) < 1.5 + 2  # as soon as the first was stopped; all together take 24 seconds and more
    for connection in stuck:
        connection.close()


def run(test: Callable[[], object]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))  # type: ignore[arg-type]


class Asker:
    """Requests for places, and who has one."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.held: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.holders: list[asyncio.Task[None]] = []

    async def ask(self, page: str, times: int = 1, size: int = 0) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._hold(page, size)) for _ in range(times)]
        self.tasks += tasks
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks

    async def _hold(self, page: str, size: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        async with self.places.place(page, size):
            self.held.append(page)
            self.holders.append(task)
            try:
                await asyncio.Event().wait()
            finally:
                self.held.remove(page)
                self.holders.remove(task)

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


def test_slow_pages_leave_a_place_and_get_one_until_they_end_in_time() -> None:
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


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_long_page_is_quick_again_after_many_quick_answers_and_some_minutes_and_later_each_time() -> None:
    async def test() -> None:
        clock = Clock()
        places = Places(2, 10, clock)
        asker = Asker(places)

        async def is_long() -> bool:
            (other,) = await asker.ask("other long one")
            (this,) = await asker.ask("page")
            long = "page" not in asker.held
            await asker.end(other, this)
            return long

        for minutes in (5, 10, 20):
            clock.now += 1e5 if minutes == 5 else 1
            places.ended("page", 0.2)
            for _ in range(100):
                places.ended("other long one", 0.5)
                places.ended("page", 0.01)
            assert await is_long()  # too soon
            clock.now += minutes * 60 - 1
            assert await is_long()
            clock.now += 2
            assert not await is_long()
        places.ended("page", 0.2)
        clock.now += 1e5
        places.ended("other long one", 0.5)
        for _ in range(19):
            places.ended("page", 0.01)
        assert await is_long()  # too few
        places.ended("page", 0.01)
        assert not await is_long()
        await asyncio.sleep(0)

    run(test)


def test_the_page_that_used_least_is_next_and_a_popular_one_has_its_share() -> None:
    async def test() -> None:
        clock = Clock()
        asker = Asker(Places(1, 10, clock))
        for page in "abc":
            await asker.ask(page, 50)
        served: Counter[str] = Counter()
        seconds = {"a": 0.9, "b": 0.3, "c": 0.1}
        while clock.now < 1_012:
            (page,) = asker.held
            clock.now += seconds[page]
            served[page] += 1
            await asker.end(asker.holders[0])
        used = {page: served[page] * seconds[page] for page in served}
        assert max(used.values()) - min(used.values()) < 1.5
        await asker.ask("new")
        clock.now += 0.1
        await asker.end(asker.holders[0])
        assert asker.held == ["new"]
        await asker.end()

    run(test)


TIME = 10.0  # seconds that a page has


class Crowd:
    """Requests that each take their seconds by a simulated clock, and who waited how long."""

    def __init__(self, count: int) -> None:
        self.clock = Clock()
        self.places = Places(count, TIME + 2, self.clock)
        self.ends: list[tuple[float, int, str, float, asyncio.Task[None]]] = []  # of those that have a place
        self.tasks: dict[asyncio.Task[None], str] = {}
        self.waits: dict[str, list[float]] = defaultdict(list)
        self.last_long: dict[str, float] = {}

    async def ask(self, page: str, seconds: float) -> None:
        task = asyncio.create_task(self._hold(page, seconds))
        self.tasks[task] = page
        await self._settle()

    async def _hold(self, page: str, seconds: float) -> None:
        asked, task = self.clock.now, asyncio.current_task()
        assert task is not None
        async with self.places.place(page):
            self.waits[page].append(self.clock.now - asked)
            heappush(self.ends, (self.clock.now + seconds, len(self.waits[page]), page, seconds, task))
            await asyncio.Event().wait()

    async def end_next(self) -> list[str]:
        """Have the request end that is the next to; return the pages that got a place then."""
        self.clock.now, _, page, seconds, task = heappop(self.ends)
        before = {each[-1] for each in self.ends}
        if seconds >= TIME / 10:
            self.last_long[page] = self.clock.now
        self.places.ended(page, seconds / TIME)
        await self.end(task)
        return [each[2] for each in self.ends if each[-1] not in before]

    async def end(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
            del self.tasks[task]
        await asyncio.wait(tasks)
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


KINDS = [(0.01, TIME), (TIME,), (0.01, 0.01, 0.9, TIME), (1.0, 9.9, TIME), (0.9,)]


@campaigns.fuzz
@pytest.mark.parametrize(
    ("given", "files"),
    [
        pytest.param(given, files, marks=pytest.mark.slow if files == 60 else ())
        for given, files in campaigns.pairs(product([2, 3, 8], range(len(KINDS))), [2, 12, 60], few=1)
    ],
)
def test_whatever_many_pages_do_a_quick_one_gets_the_first_place_that_is_free(
    given: tuple[int, int], files: int
) -> None:
    count, kind = given

    async def test() -> None:
        random, crowd = Random(count * files + kind), Crowd(count)
        for _ in range(100):  # a page that is known to be quick
            crowd.places.ended("victim", 0.001)
        victim_asks = crowd.clock.now + 5
        while crowd.clock.now < 1_300:
            asked = Counter(crowd.tasks.values())
            for page in [f"file{number}" for number in range(files)]:  # each is asked for twice at any time
                for _ in range(asked[page], 2):
                    await crowd.ask(page, random.choice(KINDS[kind]))
            if victim_asks <= crowd.ends[0][0]:
                crowd.clock.now, victim_asks = victim_asks, victim_asks + 0.3
                await crowd.ask("victim", 0.01)
                continue
            waits = "victim" in crowd.tasks.values() and "victim" not in [each[2] for each in crowd.ends]
            got = await crowd.end_next()
            if waits and "victim" not in got:  # then no page has it that was seen to be long
                assert not [page for page in got if crowd.clock.now - crowd.last_long.get(page, -1e9) < 300]
        seen = crowd.waits["victim"]
        late = seen[len(seen) // 3 :]
        assert max(seen) <= TIME + 1
        if kind < 4 and files < 10 * count:  # each has been long: one place is left for those that are not
            assert sum(late) / len(late) < 0.1
        await crowd.end(*crowd.tasks)

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


def test_of_too_many_requests_the_page_with_the_most_gives_up_its_newest() -> None:
    async def test() -> None:
        places = Places(1, 10, most=10)
        asker = Asker(places)
        await asker.ask("a")
        many = await asker.ask("a", 6)
        some = await asker.ask("b", 4)
        assert not [task for task in many + some if task.done()]
        others = [task for name in ("c", "d") for task in await asker.ask(name)]
        await asyncio.sleep(0)
        assert [task.done() for task in many] == [False] * 4 + [True] * 2
        assert not [task for task in some + others if task.done()]
        assert "10 requests wait already, and the most of them for it" in str(many[-1].exception())
        (last,) = await asker.ask("a")  # which has as many as b by then
        await asyncio.sleep(0)
        assert last.done() or many[3].done() or some[-1].done()
        assert not [task for task in others if task.done()]
        await asker.end()

    run(test)


def test_of_too_large_bodies_the_page_with_the_most_bytes_gives_one_up() -> None:
    async def test() -> None:
        megabyte = 1024 * 1024
        asker = Asker(Places(1, 10))
        await asker.ask("a")
        large = await asker.ask("a", 32, megabyte)
        (small,) = await asker.ask("b", 1, 100)
        await asyncio.sleep(0)
        assert sum(task.done() for task in large) == 1
        assert not small.done()
        more = await asker.ask("b", 5, megabyte)
        await asyncio.sleep(0)
        assert sum(task.done() for task in large) == 6
        assert not [task for task in [small, *more] if task.done()]
        await asker.end()

    run(test)


def test_of_pages_with_as_many_requests_the_last_in_turn_gives_one_up() -> None:
    async def test() -> None:
        places = Places(1, 10, most=5)
        for _ in range(20):
            places.ended("quick", 0.0)
        asker = Asker(places)
        await asker.ask("a")
        (quick,) = await asker.ask("quick")
        others = [task for name in "bcdefgh" for task in await asker.ask(name)]
        await asyncio.sleep(0)
        assert not quick.done()
        assert sum(task.done() for task in others) == 3
        await asker.end()

    run(test)
