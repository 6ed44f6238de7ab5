"""Near names: slips of usual names are found, and nobody's names make the search long."""

from __future__ import annotations

import random
from difflib import SequenceMatcher

import pytest

from liquid_background.nearest import Suggestions, nearest

FILTERS = ["append", "capitalize", "date", "default", "downcase", "escape", "first", "join", "map", "sort", "upcase"]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were compared letter by letter."""
    names: list[str] = []
    ratio = SequenceMatcher.ratio

    def counted(self: SequenceMatcher[str]) -> float:
        names.append(str(self.a))
        return ratio(self)

    monkeypatch.setattr(SequenceMatcher, "ratio", counted)
    return names


def odd(count: int, length: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choice("ab") for _ in range(length)) for _ in range(count)]


@pytest.mark.parametrize(
    ("name", "found"),
    [("upcse", "upcase"), ("apend", "append"), ("dat", "date"), ("defualt", "default"), ("jion", "join"), ("zzz", "")],
)
def test_a_slip_is_found(name: str, found: str) -> None:
    assert nearest(name, FILTERS) == found


def test_a_slip_is_found_among_many_names() -> None:
    known = [f"emails/order_{number}" for number in range(400)] + ["emails/welcome", *odd(500, 20)]
    assert nearest("emails/welcom", known) == "emails/welcome"
    assert nearest("email/welcome", known) == "emails/welcome"


def test_few_names_are_compared_however_many_and_alike_they_are(compared: list[str]) -> None:
    nearest("ab" * 30, odd(5_000, 60))
    assert 0 < len(set(compared)) <= 10


@pytest.mark.parametrize("name", ["", "a" * 61, "ab" * 95])
def test_what_no_slip_can_be_found_in_is_not_looked_for(name: str, compared: list[str]) -> None:
    assert nearest(name, odd(100, 190)) == ""
    assert compared == []


def test_a_run_looks_once_for_each_name(compared: list[str]) -> None:
    suggestions = Suggestions()
    assert [suggestions.of("filter", "upcse", FILTERS) for _ in range(3)] == ["upcase"] * 3
    once = len(compared)
    suggestions.of("filter", "upcse", FILTERS)
    assert len(compared) == once


def test_a_run_looks_for_so_many_names_only(compared: list[str]) -> None:
    suggestions = Suggestions()
    known = odd(200, 40, seed=2)
    for name in odd(3_000, 40):
        suggestions.of("partial", name, known)
    assert 0 < len(compared) <= 2_000  # of 600,000 pairs
    assert suggestions.of("filter", "upcse", FILTERS) == ""
