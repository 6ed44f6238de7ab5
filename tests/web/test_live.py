"""Event streams over ASGI: how many may be open, that they live, rest and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from starlette.types import Message

from liquid_background.screens.live import Event
from liquid_background.threads import Threads
from liquid_background.web.live import OF_ONE, Streams, streaming


class Telling:
    """A feed that tells what it is given, and nothing after that."""

    seconds = 0.0

    def __init__(self, *events: Sequence[Event]) -> None:
        self.left = [*events]
        self.reads = 0

    def read(self) -> Sequence[Event]:
        self.reads += 1
        return self.left.pop(0) if self.left else ()


async def _may() -> bool:
    return True


class Page:
    """A browser's page that has a stream, and leaves when it has taken so many parts of it."""

    def __init__(self, most: int = 10**6) -> None:
        self.taken: list[bytes] = []
        self.left = asyncio.Event()
        self._most = most

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if part := message.get("body"):
            self.taken.append(part)
            if len(self.taken) == self._most:
                self.left.set()

    async def open(
        self, streams: Streams, feed: Any, may: Callable[[], Awaitable[bool]] = _may, visitor: str = ""
    ) -> None:
        scope = {"type": "http", "asgi": {"spec_version": "2.1"}}
        await streams.send(feed, may, scope, self.receive, self.send, visitor=visitor)


async def _take(streams: Streams, feed: Any, most: int, may: Callable[[], Awaitable[bool]] = _may) -> list[bytes]:
    page = Page(most)
    await page.open(streams, feed, may)
    return page.taken


def test_events_come_in_their_order() -> None:
    feed = Telling([Event("one", "1-0"), Event("two\nlines", "2-0")], [], [Event("three")])
    taken = asyncio.run(_take(Streams(Threads()), feed, 4))
    assert taken == [
        b": open\n\n",
        b"id: 1-0\ndata: one\n\n",
        b"id: 2-0\ndata: two\ndata: lines\n\n",
        b"data: three\n\n",
    ]


def test_a_stream_that_ends_makes_room() -> None:
    async def fill() -> list[bool]:
        streams = Streams(Threads(), most=1)
        page = Page()
        seen = [streams.is_full]
        opened = asyncio.create_task(page.open(streams, Telling()))
        await asyncio.sleep(0)  # it counts before anything is read or sent
        seen.append(streams.is_full)
        page.left.set()
        await opened
        return [*seen, streams.is_full]

    assert asyncio.run(fill()) == [False, True, False]


def test_one_visitor_has_so_many_and_takes_none_from_others() -> None:
    async def fill() -> list[bool]:
        streams, pages = Streams(Threads()), [Page() for _ in range(OF_ONE)]
        opened = [asyncio.create_task(page.open(streams, Telling(), visitor="ada")) for page in pages[1:]]
        await asyncio.sleep(0)
        seen = [streams.has_room("ada")]
        opened.append(asyncio.create_task(pages[0].open(streams, Telling(), visitor="ada")))
        await asyncio.sleep(0)
        seen += [streams.has_room("ada"), streams.has_room("grace"), streams.is_full]
        pages[0].left.set()
        await opened[-1]
        seen.append(streams.has_room("ada"))
        for page in pages:
            page.left.set()
        await asyncio.gather(*opened)
        return seen

    assert asyncio.run(fill()) == [True, False, True, False, True]


def test_a_stream_that_nobody_reads_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LONGEST", 0.1)
    monkeypatch.setattr(streaming, "_UNREAD", 0.1)

    class Deaf(Page):
        async def send(self, message: Message) -> None:
            await asyncio.Event().wait()

    async def hold() -> bool:
        streams = Streams(Threads(), most=1)
        await Deaf().open(streams, Telling())
        return streams.is_full

    assert not asyncio.run(hold())


def test_a_stream_ends_when_who_looks_may_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "ASKED", 0.0)
    answers = [True, True, False]

    async def may() -> bool:
        return answers.pop(0)

    feed = Telling([Event("one")], [], [Event("not for them")])
    taken = asyncio.run(_take(Streams(Threads()), feed, 10, may))
    assert taken == [b": open\n\n", b"data: one\n\n"]


def test_a_quiet_stream_says_that_it_lives_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_ALIVE", 0.0)
    monkeypatch.setattr(streaming, "LONGEST", 3.0)
    feed = Telling()
    taken = asyncio.run(_take(Streams(Threads()), feed, 10**6))
    assert set(taken) == {b": open\n\n", b": alive\n\n"}
    assert feed.reads > 1
