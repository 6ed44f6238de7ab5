"""Counts of attempts: their buckets, their percentiles, and as they travel."""

from __future__ import annotations

import json
import math
import random

import pytest

from liquid_background.job import Ending
from liquid_background.jobs.queue.tally import (
    BUCKETS,
    Sum,
    Tallies,
    Tally,
    Times,
    bounds_of,
    bucket_of,
    read_cells,
    read_numbers,
)


def test_each_time_is_within_the_bounds_of_its_bucket() -> None:
    for milliseconds in [*range(3_000), 2**20 - 1, 2**20, 2**20 + 1, 2**29]:
        low, high = bounds_of(bucket_of(milliseconds))
        assert low - 1e-9 <= milliseconds < high + 1e-6, milliseconds
    assert bucket_of(10**15) == BUCKETS - 1
    assert len({bucket_of(milliseconds) for milliseconds in range(86_400_000 // 1_000)}) > 25


@pytest.mark.parametrize("seed", range(20))
def test_a_percentile_is_in_the_bucket_of_the_exact_one(seed: int) -> None:
    chance = random.Random(seed)
    found = [int(chance.lognormvariate(5, 2)) for _ in range(chance.randrange(1, 500))]
    times = Times()
    for milliseconds in found:
        times.add(milliseconds)
    for share in (0.5, 0.95, 0.99):
        exact = sorted(found)[max(0, math.ceil(share * len(found)) - 1)]
        low, high = bounds_of(bucket_of(exact))
        told = times.percentile(share)
        assert told is not None
        assert low <= told <= high
    assert times.total == sum(found)


def test_there_is_no_percentile_of_nothing() -> None:
    assert Times().percentile(0.5) is None


def test_how_an_attempt_ended_says_where_it_counts() -> None:
    tally = Tally()
    for ending in Ending:
        tally.end(ending, 10)
    counts = (tally.succeeded, tally.failed, tally.lost, tally.cancelled, tally.ran.count)
    assert counts == (1, 1, 2, 1, 5)  # one that was taken back does not count


def test_counts_travel_and_add_up() -> None:
    first, second = Tallies(), Tallies()
    for tallies, name in ((first, "a"), (second, "a"), (second, "b")):
        tallies.of(name).begin(70)
        tallies.of(name).end(Ending.SUCCESS, 3)
    first.merge(Tallies.decoded(second.encoded()))
    assert first.by_name["a"].cell() == [2, 2, 0, 0, 0, 6, 140, {4: 2}, {13: 2}]
    assert first.taken().by_name.keys() == {"a", "b"}
    assert not first


def test_names_beyond_the_most_are_counted_together_and_taken_in_parts() -> None:
    tallies, more = Tallies(), Tallies()
    for name in ("a", "b", "c", "d"):
        more.of(name).begin(1)
    tallies.of("d").begin(1)
    tallies.merge(more, 3, "(others)")
    assert {name: tally.started for name, tally in tallies.by_name.items()} == {"d": 2, "a": 1, "b": 1, "(others)": 1}
    assert [*tallies.taken(3).by_name] == ["d", "a", "b"]
    assert [*tallies.taken(3).by_name] == ["(others)"]
    assert not tallies


def test_names_beyond_the_most_are_counted_together_by_queues() -> None:
    tallies, more = Tallies(), Tallies()
    for name in ("a\nhigh", "b\nhigh", "c\nlow", "d\nlow", "e"):
        more.of(name).begin(1)
    tallies.merge(more, 1, "(others)")
    assert {name: tally.started for name, tally in tallies.by_name.items()} == {
        "a\nhigh": 1,
        "(others)\nhigh": 1,
        "(others)\nlow": 2,
        "(others)": 1,
    }


def _read(text: bytes) -> Tally:
    total = Sum()
    total.add(read_numbers(text))
    return total.tally()


@pytest.mark.parametrize(
    "text",
    [b"", b"nonsense", b"[]", b"[1]", b"{}", b"[" * 5_000, b'["a",{},null,-1,1e300,[],0,[],"x"]', b"[1e999]", b"null"],
)
def test_a_cell_that_is_garbage_counts_as_nothing(text: bytes) -> None:
    assert _read(text) == Tally()


def test_cells_are_read_together_and_garbage_spoils_no_other() -> None:
    tally = Tally()
    tally.begin(3)
    tally.end("success", 5)
    sound = json.dumps(tally.cell()).encode()
    assert read_cells([]) == []
    assert read_cells([sound, sound]) == [read_numbers(sound)] * 2
    for garbage in (b"", b"[1", b"2]", b"[[]]", b"1,2", sound + b"," + sound, sound.replace(b"{", b'{"99":1,')):
        found = read_cells([sound, garbage, sound])
        assert (found[0], found[2]) == (read_numbers(sound), read_numbers(sound)), garbage
        assert found[1] == read_numbers(garbage), garbage
    assert read_cells([b"[" + sound, sound + b"]", sound + b"," + sound])[2] == read_numbers(b"")


def test_what_is_garbage_in_a_cell_is_left_out() -> None:
    cell = [1, "2", True, 4, 5, 6, 7, {"1": 2, "x": 3, "99": 4, "-1": 5, "2": "6"}, {}]
    tally = _read(json.dumps(cell).encode())
    assert (tally.started, tally.succeeded, tally.failed, tally.lost) == (1, 0, 0, 4)
    assert tally.ran.buckets == {1: 2, 2: 0}
