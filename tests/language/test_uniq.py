"""`uniq` in one pass gives what comparing each with each gave."""

from __future__ import annotations

import itertools
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liquid.builtin.filters import array
from liquid.exceptions import FilterArgumentError
from markupsafe import Markup

from liquid_background.errors import LimitReached
from liquid_background.language.filters.uniq import uniq
from tests.campaigns import TIMES, fuzz

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from((0.0, 1.0, -0.0, 2.5, Decimal(1))),
    st.sampled_from(("", "1", "a", Markup("a"))),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.sampled_from(("a", "b")), inner, max_size=2),
        st.frozensets(SCALARS, max_size=2).map(set),
    ),
    max_leaves=6,
)


@fuzz
@settings(max_examples=100 * TIMES, deadline=None)
@given(st.lists(VALUES, max_size=12))
def test_without_a_name_it_is_the_same(items: list[Any]) -> None:
    found, expected = uniq(items), array.uniq(items)
    assert [id(item) for item in found] == [id(item) for item in expected]


@fuzz
@settings(max_examples=100 * TIMES, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(("a", "b")), VALUES, max_size=2), max_size=12))
def test_by_a_name_it_is_the_same(items: list[Any]) -> None:
    assert [id(item) for item in uniq(items, "a")] == [id(item) for item in array.uniq(items, "a")]


def test_what_has_no_members_is_named_in_short() -> None:
    with pytest.raises(FilterArgumentError) as raised:
        uniq(["x" * 10_000], "a")
    assert len(str(raised.value)) < 300


MODULUS = sys.hash_info.modulus  # numbers that are so far apart have one hash


@pytest.mark.parametrize(
    "items",
    [
        [at * MODULUS for at in range(10_000)],
        [[at * MODULUS] for at in range(10_000)],
        [{"a": at * MODULUS} for at in range(10_000)],
        [at * MODULUS for at in range(1_200)] * 8,
    ],
    ids=["numbers", "lists", "objects", "again and again"],
)
def test_items_that_were_chosen_to_have_one_hash_are_too_many(items: list[Any]) -> None:
    with pytest.raises(LimitReached, match="over 1,000,000 comparisons"):
        uniq(items)


def test_a_few_items_of_one_hash_are_told_apart() -> None:
    items = [at * MODULUS for at in range(500)]
    assert uniq(items * 2) == items


def test_the_same_item_may_come_as_often_as_any() -> None:
    assert uniq([1, "a"] * 5_000) == [1, "a"]


def _long(count: int, length: int) -> list[list[float]]:
    """Return lists of one hash that differ at their ends: -1 and -2 have the same."""
    ends = itertools.islice(itertools.product((-1, -2), repeat=12), count)
    return [[0.5 + at for at in range(length)] + list(end) for end in ends]


@pytest.mark.parametrize(
    ("members", "key"),
    [
        (_long(300, 300), None),
        (_long(300, 300), "a"),
        ([{"b": [each]} for each in _long(300, 300)], "a"),
        ([["x" * 300_000, *each] for each in _long(300, 0)], None),
        ([[*each, {1}] for each in _long(300, 300)], None),
    ],
    ids=["lists", "by a name", "objects", "texts", "with what has no mark"],
)
def test_long_items_are_fewer(members: list[Any], key: str | None) -> None:
    """Each comparison goes through both up to where they differ: a megabyte of them took a minute."""
    with pytest.raises(LimitReached, match="over 1,000,000 comparisons"):
        uniq([{"a": each} for each in members], key)


def test_long_items_that_are_the_same_may_come_often() -> None:
    items = [{"a": _long(1, 4_000)[0]} for _ in range(300)]
    assert uniq(items) == items[:1]
