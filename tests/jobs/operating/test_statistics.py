"""What jobs have done, as the store counts it: by the minute, by the hour and of all time."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from liquid_background.errors import FilterError
from liquid_background.jobs.operating.statistics import DAYS, Statistics, statistics
from liquid_background.jobs.queue import keys, moves, scripts
from liquid_background.jobs.queue.protocol import MAX_COUNTED_NAMES, OTHER_NAMES
from liquid_background.jobs.queue.tally import Tally, bounds_of, bucket_of
from liquid_background.jobs.store import Store
from tests.worker.conftest import Bench, bench

__all__ = ["bench"]


def _ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def _tally(succeeded: int = 1, ran: int = 5) -> Tally:
    tally = Tally()
    for _ in range(succeeded):
        tally.begin(1)
        tally.end("success", ran)
    return tally


def _count(store: Store, **tallies: Tally) -> None:
    scripts.run(store, *moves.tally(tallies))


def _plant(store: Store, end: str, name: str, succeeded: int) -> None:
    store.client.hset(f"{keys.COUNTS}{end}", name, json.dumps(_tally(succeeded).cell()))


def _ended(found: Statistics) -> dict[str, int]:
    return {each.source_name: each.ended for each in found.names}


def test_counts_are_those_of_the_log(bench: Bench) -> None:
    for number in range(30):
        bench.send(("nothing", "raise", "sleep")[number % 3], source_name=f"name_{number % 5}", given={"seconds": 0.01})
    bench.send("fail_until", given={"times": 2}, max_attempts=3, waits=(0.0, 0.0), source_name="again")
    bench.burst(processes=2)
    found = statistics(bench.store, since=_ago(minutes=2))
    log = [entry for entry in bench.log() if entry.status]
    assert _ended(found) == Counter(entry.source_name for entry in log)
    assert found.total.failed == sum(entry.status == "FAILED" for entry in log)
    assert found.total.started == found.total.ended == len(log)
    assert sum(moment.ended for moment in found.moments) == len(log)
    for each in found.names:
        durations = sorted(entry.duration for entry in log if entry.source_name == each.source_name)
        exact = durations[max(0, -(-50 * len(durations) // 100) - 1)]
        low, high = bounds_of(bucket_of(exact))
        assert each.ran.p50 is not None
        assert low <= each.ran.p50 <= high
        assert each.ran.mean == pytest.approx(sum(durations) / len(durations))
    assert _ended(statistics(bench.store)) == _ended(found)


def test_waiting_counts_from_when_a_job_could_have_started(bench: Bench) -> None:
    bench.send(source_name="waits")
    job_key = next(key for key in bench.store.client.scan_iter("rq:job:*") if _name(bench, key) == b"waits")
    stamp = _ago(seconds=3600).strftime(keys.TIME_FORMAT)
    bench.store.client.hset(job_key, "enqueued_at", stamp)
    bench.burst()
    by_name = {each.source_name: each for each in statistics(bench.store).names}
    assert by_name["waits"].waited.mean is not None
    assert 3_590_000 < by_name["waits"].waited.mean < 3_700_000


def _name(bench: Bench, key: bytes) -> Any:
    return bench.store.client.hget(key, "description")


def test_what_a_dead_process_was_at_is_lost_and_counted(bench: Bench) -> None:
    lost = bench.send("sleep", given={"seconds": 30}, max_attempts=1, source_name="dies")
    worker = bench.start()
    bench.wait_for_run(lost)
    for pid in worker.children():
        os.kill(pid, signal.SIGKILL)
    bench.wait_for(lost)
    worker.stop()
    [told] = statistics(bench.store).names
    assert (told.started, told.lost, told.ended) == (1, 1, 1)
    assert told.failure_rate == 1.0


def test_a_worker_that_dies_whole_leaves_a_lost_attempt(bench: Bench) -> None:
    lost = bench.send("sleep", given={"seconds": 30}, source_name="dies")
    worker = bench.start()
    bench.wait_for_run(lost)
    worker.signal_tree(signal.SIGKILL)
    worker.process.wait()
    bench.start()
    bench.wait_for_run(lost, times=2)
    bench.wait_until(lambda: [each.lost for each in statistics(bench.store).names] == [1])


def test_a_span_is_told_by_the_minute_or_by_the_hour(store: Store) -> None:
    now = int(store.time(0.0))
    for minutes in (0, 1, 30, 179, 200, 60 * 23):
        _plant(store, f"m:{now // 60 - minutes}", "m", 1)
    for hours in (0, 1, 5, 30, 24 * 30, 24 * 40):
        _plant(store, f"h:{now // 3600 - hours}", "h", 10)
    assert _ended(statistics(store, since=_ago(minutes=1, seconds=30)))["m"] in (2, 3)
    assert _ended(statistics(store, since=_ago(hours=2))) == {"m": 3}
    found = statistics(store, since=_ago(days=7))
    assert _ended(found) == {"h": 40}
    assert found.seconds == 3600
    assert len(found.moments) in (24 * 7, 24 * 7 + 1, 24 * 7 + 2)
    assert _ended(statistics(store, since=_ago(days=30, hours=12))) == {"h": 50}


def test_names_of_a_long_span_are_read_by_the_day_and_what_earlier_workers_counted_by_the_hour_is_added(
    store: Store,
) -> None:
    _count(store, both=_tally(1))
    now = int(store.time(0.0))
    day = now // 86400
    for ago, succeeded in ((1, 10), (29, 20), (40, 40)):
        _plant(store, f"day:{day - ago}", "both", succeeded)
        _plant(store, f"hour:{(day - ago) * 24 + 12}", "both", 1)  # which is in its day
    for hour in (now // 3600, (day - 1) * 24, (day - 29) * 24 + 23):
        _plant(store, f"h:{hour}", "former", 3)
    found = statistics(store, since=_ago(days=30, hours=12), only="names")
    assert _ended(found) == {"both": 31, "former": 9}
    assert (found.moments, found.seconds, found.total.ended) == ((), 0, 40)
    by_the_hour = statistics(store, since=_ago(days=30, hours=12))
    assert _ended(by_the_hour) == {"both": 3, "former": 9}
    assert sum(each.ended for each in by_the_hour.moments) == 12
    start = datetime.fromtimestamp((day - 2) * 86400 - 3600, UTC)
    _plant(store, f"hour:{(day - 2) * 24 - 1}", "first", 5)  # before the first whole day
    assert _ended(statistics(store, since=start, only="names")) == {"both": 11, "former": 6, "first": 5}
    assert _ended(statistics(store, "for*", since=start, only="names")) == {"former": 6}
    assert _ended(statistics(store, "former", since=start, only="names")) == {"former": 6}


def test_moments_alone_have_the_same_total(store: Store) -> None:
    _count(store, a=_tally(4), b=_tally(6))
    since = _ago(hours=2)
    whole, moments = statistics(store, since=since), statistics(store, since=since, only="moments")
    assert moments.names == ()
    assert (moments.moments, moments.total) == (
        whole.moments,
        replace(whole.total, per_minute=moments.total.per_minute),
    )


def test_a_month_of_busy_names_takes_few_reads(store: Store) -> None:
    _count(store, a=_tally())
    before = store.client.info("commandstats")["cmdstat_hgetall"]["calls"] if _has_read(store) else 0
    statistics(store, since=_ago(days=30, hours=23), only="names")
    assert store.client.info("commandstats")["cmdstat_hgetall"]["calls"] - before <= 31 + 24 + 60


def _has_read(store: Store) -> bool:
    return "cmdstat_hgetall" in store.client.info("commandstats")


def test_what_is_not_kept_is_refused(store: Store) -> None:
    with pytest.raises(FilterError, match=f"kept for {DAYS} days"):
        statistics(store, since=_ago(days=DAYS, hours=1))
    with pytest.raises(FilterError, match="no time zone"):
        statistics(store, since=datetime(2026, 1, 1))


def test_one_name_or_those_that_begin_so(store: Store) -> None:
    _count(store, mail_a=_tally(1), mail_b=_tally(2), other=_tally(4))
    assert _ended(statistics(store, "mail_b")) == {"mail_b": 2}
    assert _ended(statistics(store, "mail_*")) == {"mail_b": 2, "mail_a": 1}
    assert _ended(statistics(store, "mail")) == {}
    assert [each.source_name for each in statistics(store).names] == ["other", "mail_b", "mail_a"]


def test_names_are_capped_and_what_is_beyond_is_counted_together(store: Store) -> None:
    for start in range(0, MAX_COUNTED_NAMES + 50, 50):
        _count(store, **{f"n{number}": _tally() for number in range(start, start + 50)})
    found = statistics(store, since=_ago(minutes=2))
    assert _ended(found)[OTHER_NAMES] >= 50 - 1
    assert found.total.ended == MAX_COUNTED_NAMES + 50
    assert len(found.names) <= 2 * (MAX_COUNTED_NAMES + 1)
    assert store.client.zcard(keys.COUNTED_NAMES) == MAX_COUNTED_NAMES
    assert store.client.hlen(f"{keys.COUNTS}all") <= MAX_COUNTED_NAMES + 1


def test_names_that_somebody_makes_up_push_out_no_name_that_has_run_more(store: Store) -> None:
    _count(store, **{f"made{number}": _tally() for number in range(MAX_COUNTED_NAMES)})
    _count(store, mine=_tally(20))
    for start in range(0, 2 * MAX_COUNTED_NAMES, 50):
        _count(store, **{f"more{number}": _tally() for number in range(start, start + 50)})
    for found in (statistics(store), statistics(store, since=_ago(hours=5))):
        assert _ended(found)["mine"] == 20
        assert found.total.ended == 3 * MAX_COUNTED_NAMES + 20


def test_of_all_time_a_name_that_was_not_seen_for_a_day_makes_room_whatever_it_has_run(store: Store) -> None:
    _count(store, old=_tally(50))
    _count(store, **{f"n{number}": _tally() for number in range(MAX_COUNTED_NAMES - 1)})
    store.client.zadd(keys.COUNTED_NAMES, {"old": store.time(0.0) - 90_000})
    _count(store, new=_tally())
    counted = _ended(statistics(store))
    assert counted["new"] == 1
    assert counted[OTHER_NAMES] == 50
    assert len(counted) == MAX_COUNTED_NAMES + 1


def test_a_storm_of_names_is_told_of_in_parts(bench: Bench) -> None:
    client = bench.store.client
    try:
        client.config_set("slowlog-max-len", 100_000)
        client.config_set("slowlog-log-slower-than", 0)
        client.slowlog_reset()
        bench.queue.send([bench.job(source_name=f"n{number}") for number in range(300)])
        bench.burst()
        told = [entry["command"] for entry in client.slowlog_get(100_000)]
    finally:
        client.config_set("slowlog-log-slower-than", 10_000)
    calls = [call for call in told if scripts.digest("tally").encode() in call]
    assert len(calls) >= 12
    assert sum(_ended(statistics(bench.store)).values()) == 300
    more = [int(found[1]) for call in calls if (found := re.search(rb"\((\d+) more arguments", call))]
    assert max(more) + 31 <= 3 + 2 * 18  # names and cells, behind the script


@pytest.mark.parametrize("garbage", [b"nonsense", b"[]", b"{}", b"[" * 500, b"[1,2,3,4,5,6,7,8,9]"])
def test_a_cell_that_is_garbage_begins_anew(store: Store, garbage: bytes) -> None:
    store.client.hset(f"{keys.COUNTS}all", "a", garbage)
    _count(store, a=_tally(3))
    assert _ended(statistics(store)) == {"a": 3} or garbage.startswith(b"[1,")


def test_another_type_in_the_place_is_set_aside(store: Store) -> None:
    now = int(store.time(0.0))
    for end in ("all", f"m:{now // 60}", f"m:{now // 60 + 1}", f"hour:{now // 3600}", f"day:{now // 86400}"):
        store.client.set(f"{keys.COUNTS}{end}", "x")
    assert statistics(store).names == ()
    assert statistics(store, since=_ago(minutes=5)).names == ()
    assert statistics(store, since=_ago(days=3), only="names").names == ()
    _count(store, a=_tally(2))
    assert _ended(statistics(store)) == {"a": 2}


def test_what_is_counted_goes_away(store: Store) -> None:
    _count(store, a=_tally())
    now = int(store.time(0.0))
    ends = (f"m:{now // 60}", f"hour:{now // 3600}", f"day:{now // 86400}")
    ttls = [store.client.ttl(f"{keys.COUNTS}{end}") for end in ends]
    assert 86_400 < ttls[0] <= 25 * 3600
    assert 31 * 86_400 < ttls[1] <= 32 * 86_400
    assert (
        32 * 86_400 < ttls[2] <= 33 * 86_400
    )  # a day's counts begin with it, and are read until 31 days after its end


def test_a_moment_says_how_long_was_waited_in_it(store: Store) -> None:
    _count(store, a=_tally(4), b=_tally(6))
    waited = [moment.waited for moment in statistics(store, since=_ago(hours=2)).moments]
    [found] = [each for each in waited if each.p50 is not None]
    assert found.mean == 1.0


def test_sums_are_those_of_tallies_and_garbage_counts_as_nothing(store: Store) -> None:
    now = int(store.time(0.0))
    cells: list[Any] = [_tally(3).cell(), [1, 2, 0, 0, 0, 7.0, True, {"3": 4, "99": 1, "x": 2, "5": -1}, {"1": "y"}]]
    for at, cell in enumerate([*cells, "x", [1] * 9, [-1, 0, 0, 0, 0, 0, 0, {}, {}]]):
        store.client.hset(f"{keys.COUNTS}m:{now // 60 - at}", "a", json.dumps(cell))
    [found] = statistics(store, since=_ago(minutes=30)).names
    expected = Tally.of(json.loads(json.dumps(cells[0])))
    for cell in (cells[1], [1] * 9):
        expected.merge(Tally.of(cell))
    assert (found.started, found.succeeded) == (expected.started, expected.succeeded)
    assert found.ran.mean == pytest.approx(expected.ran.total / expected.ran.count)
