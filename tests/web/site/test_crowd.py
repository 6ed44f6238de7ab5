"""Connections that come all at once: those that waited the longest give way, and nobody looks for them."""

from __future__ import annotations

import pytest

from liquid_background.web.site import crowd
from liquid_background.web.site.crowd import Crowd


class Visitor:
    """A connection that counts how often it is looked at."""

    looks = 0

    def __init__(self, crowd: Crowd, waits: bool = True, lingers: bool = False) -> None:
        self._crowd = crowd
        self.waits = waits
        self.lingers = lingers  # it does not leave as soon as it is asked to
        self.is_closing = self.is_turned_away = False

    @property
    def waits_since(self) -> float | None:
        Visitor.looks += 1
        return 0.0 if self.waits else None

    def give_way(self) -> None:
        self.is_closing = True
        if not self.lingers:
            self._crowd.leave(self)

    def turn_away(self) -> None:
        self.is_turned_away = True


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "_MOST", 10)


def test_the_one_that_waited_the_longest_gives_way() -> None:
    room = Crowd()
    visitors = [Visitor(room) for _ in range(11)]
    visitors[0].waits = False
    for visitor in visitors[:10]:
        room.join(visitor)
    room.wait_anew(visitors[1])
    room.join(visitors[10])
    assert [visitor.is_closing for visitor in visitors] == [False, False, True] + [False] * 8


def test_new_ones_are_turned_away_when_a_page_is_at_all_others_and_give_way_when_those_are_too_many() -> None:
    room = Crowd()
    visitors = [Visitor(room, waits=False) for _ in range(70)]
    for visitor in visitors:
        room.join(visitor)
    assert [visitor.is_turned_away for visitor in visitors] == [False] * 10 + [True] * 50 + [False] * 10
    assert [visitor.is_closing for visitor in visitors] == [False] * 60 + [True] * 10
    assert room.is_full
    for visitor in visitors[:50]:
        room.leave(visitor)
    assert not room.is_full


@pytest.mark.parametrize("lingers", [False, True])
def test_one_goes_for_each_that_comes_however_many_come_at_once(lingers: bool) -> None:
    room = Crowd()
    visitors = [Visitor(room, lingers=lingers) for _ in range(3000)]
    Visitor.looks = 0
    for visitor in visitors:
        room.join(visitor)
    assert [visitor.is_closing for visitor in visitors] == [True] * 2990 + [False] * 10
    assert Visitor.looks == 2990
