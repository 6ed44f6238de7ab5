"""Sizes of values: at least as large as what is large, and known soon, without writing anything out."""

from __future__ import annotations

import time
from sys import getsizeof
from typing import Any

import pytest

from liquid_background.jobs.sizes import flat_length, megabytes, text_size, weigh


def test_texts_in_a_list_or_mapping_weigh_what_they_take() -> None:
    text = "x" * 10_000
    assert weigh(text) == getsizeof(text)
    for held in ([text, text], (text, text), {"a": text, "b": text}):
        assert weigh(held) >= 2 * len(text)
    assert weigh([1] * 1000) < len(text)
    assert weigh([[text]] * 1000) >= 1000 * len(text)  # a template can hold one list many times
    assert weigh([{"a": text}] * 1000) < len(text)  # an object's is the application's own affair


@pytest.mark.parametrize(
    "value", ["", "abc", 0, 12_345, 2**4000, [], ["a", "b"], {"a": [1, 2], "b": "c"}, (None, True)]
)
def test_the_size_as_text_is_about_what_python_writes_and_no_more(value: Any) -> None:
    steps = 32 * str(value)[1:].count("[")  # of each list in another
    assert 0 <= text_size(value, 10**9) <= len(str(value)) + 1 + steps


def test_a_list_that_holds_another_one_many_times_is_found_to_be_large_at_once() -> None:
    doubled: list[Any] = ["x" * 10]
    for _ in range(60):
        doubled = [doubled, doubled]
    started = time.process_time()
    assert text_size(doubled, 1_000_000) > 1_000_000
    assert flat_length(doubled, 1_000_000) > 1_000_000
    assert time.process_time() - started < 5


def test_what_holds_itself_has_an_end() -> None:
    ring: list[Any] = ["x"]
    ring.append(ring)
    assert text_size(ring, 1000) < 1000


def test_a_flat_length_counts_the_items_of_inner_lists_too() -> None:
    assert flat_length([], 10) == 0
    assert flat_length([1, [2, (3, 4)], "abc"], 10) == 3 + 2 + 2


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 bytes"), (1000, "1,000 bytes"), (1024**2, "1 MB"), (2.5 * 1024**2, "2.5 MB")]
)
def test_bytes_are_shown_as_people_read_them(count: float, shown: str) -> None:
    assert megabytes(count) == shown
