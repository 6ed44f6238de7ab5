"""Lines of templates never push out how attempts ended: floods of them, readers meanwhile, and planted keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.log import ENDS, KEY, MARKS, encode_entry, entries, follow, last_id, oldest_first
from liquid_background.jobs.log.entry import weight_of
from liquid_background.jobs.memory.log import MemoryLog
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import load_settings
from tests.log_entries import append

LIMIT = 4_000
Log = Callable[[Iterable[int]], None]


def _end(number: int) -> LogEntry:
    status = LogStatus.FAILED if number % 2 else LogStatus.SUCCESS
    return LogEntry(source_name=f"other_{number % 10}", status=status, attempt=1, max_attempts=1, message=str(number))


@pytest.fixture
def ends(store: Store) -> Log:
    """Write the ends of attempts with these numbers, as a step does."""
    return lambda numbers: append(store.client, [_end(number) for number in numbers], LIMIT)


@pytest.fixture
def lines(store: Store) -> Callable[[int], None]:
    """Write 1,000 lines of one source, as the render of one page does."""
    queue = Queue(store, load_settings(log_limit=LIMIT))

    def write(source: int) -> None:
        row = LogEntry(source_name=f"flood_{source}", type="job", message="x" * 100)
        queue.send([], [row] * 1_000)

    return write


def _kept(store: Store, **wanted: str) -> list[int]:
    return [int(entry.message) for entry in entries(store.client, limit=LIMIT, **wanted) if entry.status]


def test_a_flood_of_lines_leaves_the_ends_of_others(store: Store, ends: Log, lines: Callable[[int], None]) -> None:
    ends(range(1_500))
    for source in range(20):
        lines(source)
    assert _kept(store) == list(range(1_500))
    assert _kept(store, source_name="other_3") == list(range(3, 1_500, 10))
    assert _kept(store, status="FAILED") == list(range(1, 1_500, 2))
    assert len(entries(store.client, type="job", source_name="flood_19", limit=1_000)) == 1_000


def test_the_ends_among_the_lines_are_kept_in_their_order(
    store: Store, ends: Log, lines: Callable[[int], None]
) -> None:
    for part in range(30):
        ends(range(50 * part, 50 * part + 50))
        lines(part % 7)
    assert _kept(store) == list(range(1_500))
    whole = list(oldest_first(store.client, last_id(store.client)))
    assert [int(entry.message) for entry in whole if entry.status] == list(range(1_500))
    times = [tuple(map(int, entry.id.split("-"))) for entry in whole]
    assert times == sorted(set(times))
    # The store gives entries up in blocks of about a hundred.
    assert store.client.xlen(KEY) + store.client.xlen(ENDS) <= LIMIT + 500


def test_a_log_that_ends_had_filled_makes_room_bit_by_bit(
    store: Store, ends: Log, lines: Callable[[int], None]
) -> None:
    ends(range(LIMIT))
    Queue(store, load_settings(log_limit=LIMIT)).send([], [LogEntry(source_name="page", message="one")])
    assert store.client.xlen(ENDS) <= 110
    for source in range(10):
        lines(source)
    newest = _kept(store)
    assert newest[-LIMIT // 2 :] == list(range(LIMIT // 2, LIMIT))


def _weight(entry: LogEntry) -> int:
    return weight_of(encode_entry(entry))


FLOODS: dict[str, list[tuple[int, str]]] = {
    "long": [(64, "x" * 4_000)],
    "wide": [(64, "😀" * 4_000)],
    "single": [(1, "x" * 4_000)] * 50,
    "behind short ones": [(1_000, "x")] * 3 + [(64, "é" * 2_000)] * 200,
    "among short ones": [(1_000, "x"), *[(64, "é" * 2_000)] * 5],
    "of a medium length": [(500, "x" * 500)],
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("is_in_memory", [False, True])
def test_a_long_line_counts_as_several(store: Store, flood: str, is_in_memory: bool) -> None:
    settings = load_settings(log_limit=LIMIT)
    memory, queue, sent = MemoryLog(LIMIT), Queue(store, settings), 0
    first = [_end(number) for number in range(20)]
    memory.append(first)
    append(store.client, first, LIMIT)
    while sent < 3 * LIMIT:
        for count, message in FLOODS[flood]:
            lines = [LogEntry(source_name="flood", message=message)] * count
            memory.append(lines) if is_in_memory else queue.send([], lines)
            sent += count * _weight(lines[0])
    kept = memory.entries(limit=3 * LIMIT) if is_in_memory else entries(store.client, limit=3 * LIMIT)
    weight = sum(_weight(entry) for entry in kept if entry.status is None)
    assert LIMIT / 2 * 0.8 < weight < LIMIT / 2 * 1.1 + 1_000
    assert [int(entry.message) for entry in kept if entry.status] == list(range(20))
    newest = [entry.message for entry in kept if entry.status is None][-1]
    assert newest[:-1] == FLOODS[flood][-1][1][: len(newest) - 1]
    if not is_in_memory:
        assert store.client.memory_usage(KEY) < LIMIT * 512
        store.client.set(MARKS, "garbage" * 100)
        queue.send([], [LogEntry(source_name="page", message="x" * 4_000)] * 64)
        store.client.delete(MARKS)
        store.client.lpush(MARKS, "planted")
        for _ in range(LIMIT // 400):
            queue.send([], [LogEntry(source_name="page", message="x" * 4_000)] * 64)
        assert store.client.memory_usage(KEY) < LIMIT * 512


def test_ends_alone_stay_in_one_stream(store: Store, ends: Log) -> None:
    ends(range(2 * LIMIT))
    assert not store.client.exists(ENDS)
    assert LIMIT <= store.client.xlen(KEY) < LIMIT + 200


def test_a_slow_follower_misses_no_end(store: Store, ends: Log, lines: Callable[[int], None]) -> None:
    ends(range(1_200))
    reader = follow(store.client, after="0-0")
    seen = list(islice(reader, 300))
    for source in range(10):
        lines(source)
    ends([1_200])
    for entry in reader:
        seen.append(entry)
        if entry.message == "1200":
            break
    assert [int(entry.message) for entry in seen if entry.status] == list(range(1_201))
    assert len({entry.id for entry in seen}) == len(seen)


def test_a_follower_is_not_told_old_ends_when_the_log_is_taken_away(
    store: Store, ends: Log, lines: Callable[[int], None]
) -> None:
    ends(range(500))
    for source in range(5):
        lines(source)
    assert store.client.xlen(ENDS) == 500
    reader = follow(store.client, after=last_id(store.client))
    store.client.delete(KEY)
    late = follow(store.client, after=last_id(store.client))
    ends([500])
    assert [next(reader).message, next(late).message] == ["500", "500"]


def test_planted_keys_stop_neither_lines_nor_ends(store: Store, ends: Log, lines: Callable[[int], None]) -> None:
    store.client.set(ENDS, "planted")
    ends(range(100))
    reader = follow(store.client, after="0-0")
    assert next(reader).message == "0"
    for source in range(5):
        lines(source)
    assert _kept(store) == list(range(100))
    assert store.client.exists(f"{keys.SET_ASIDE}{ENDS}")
    store.client.delete(KEY)
    store.client.xadd(KEY, {f"field{number}": "x" for number in range(9_000)})  # more than Lua can pass on
    for source in range(5):
        lines(source)
    assert len(entries(store.client, source_name="flood_4", limit=LIMIT)) == 1_000


def test_a_user_who_may_trim_no_stream_loses_no_end(start_server: Callable[..., Any]) -> None:
    server = start_server()
    with closing(connect(load_settings(redis_url=server.url))) as root:
        client: Any = root.client
        client.execute_command("ACL", "SETUSER", "jobs", "on", ">pw", "~*", "&*", "+@all", "-xtrim")
        settings = load_settings(redis_url=server.url.replace("redis://", "redis://jobs:pw@"), log_limit=LIMIT)
        with closing(connect(settings)) as store:
            append(store.client, [_end(number) for number in range(LIMIT // 2)], LIMIT)
            for _ in range(2):
                Queue(store, settings).send([], [LogEntry(source_name="page", message="x")] * 500)
            assert _kept(store) == list(range(LIMIT // 2))
            assert not store.client.exists(f"{keys.SET_ASIDE}{ENDS}")
            client.execute_command("ACL", "SETUSER", "jobs", "+xtrim")
            for _ in range(3):
                Queue(store, settings).send([], [LogEntry(source_name="page", message="x")] * 1_000)
            assert _kept(store) == list(range(LIMIT // 2))
