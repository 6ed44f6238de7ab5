"""Event streams over ASGI: how many may be open, that they live, rest and end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from liquid_background.screens.live import Event
from liquid_background.threads import Threads
from liquid_background.web.live import Streams, streaming


class Telling:
    """A feed that tells what it is given, and nothing after that."""

    seconds = 0.0

    def __init__(self, *events: Sequence[Event]) -> None:
        self.left = [*events]
        self.reads = 0

    def read(self) -> Sequence[Event]:
        self.reads += 1
        return self.left.pop(0) if self.left else ()


async def _take(streams: Streams, feed: Any, most: int) -> list[bytes]:
    events, taken = streams._events(feed), []
    async for chunk in events:
        taken.append(chunk)
        if len(taken) == most:
            break
    await events.aclose()
    return taken


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
        events = streams._events(Telling())
        seen = [streams.is_full]
        await anext(events)
        seen.append(streams.is_full)
        await events.aclose()
        return [*seen, streams.is_full]

    assert asyncio.run(fill()) == [False, True, False]


def test_a_quiet_stream_says_that_it_lives_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_ALIVE", 0.0)
    monkeypatch.setattr(streaming, "LONGEST", 0.2)
    feed = Telling()
    taken = asyncio.run(_take(Streams(Threads()), feed, 10**6))
    assert set(taken) == {b": open\n\n", b": alive\n\n"}
    assert feed.reads > 1
