"""Keys of the wrong type and records of garbage cost no neighbour anything."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from liquid_background.job import Group
from liquid_background.jobs.log import KEY as LOG
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import FUNCTION, encode_data
from liquid_background.settings import load_settings
from tests.campaigns import fuzz, pairs, seeds
from tests.faults.conftest import wait_for_calls
from tests.worker.conftest import Bench

WORST: Final = "18446744073709551615"

TYPES: Final[dict[str, Callable[[Any, str], object]]] = {
    "string": lambda client, key: client.set(key, "garbage"),
    "list": lambda client, key: client.rpush(key, "garbage"),
    "set": lambda client, key: client.sadd(key, "garbage"),
    "hash": lambda client, key: client.hset(key, "garbage", "x"),
    "zset": lambda client, key: client.zadd(key, {"garbage": 1}),
    "stream": lambda client, key: client.xadd(key, {"garbage": "x"}),
}

SHARED: Final = (
    keys.LEASES,
    keys.BATCHES,
    keys.BATCH_JOBS,
    keys.DELETED,
    LOG,
    keys.GROUPS,
    keys.TICKED,
    keys.WRITABLE,
    keys.FAILED_IDS,
    keys.FAILED_OF,
    keys.FAILED_NAMES,
    keys.FAILURE_GROUPS,
    keys.FAILURES_LOOKED,
    keys.DELAYED_LOOKED,
    keys.delayed("default"),
    keys.slots("gg"),
    *(keys.parked("gg", name) for name in keys.QUEUES),
    *(keys.wake(name) for name in keys.QUEUES),
    keys.RQ_QUEUES,
    keys.RQ_WORKERS,
    *(
        key(name)
        for key in (
            keys.queue, keys.scheduled, keys.deferred, keys.started, keys.finished, keys.failed, keys.canceled,
            keys.queue_workers,
        )
        for name in ("high", "default")
    ),
)  # fmt: skip


def plant(client: Any, key: str, kind: str) -> None:
    """Put a value of a type at a key, in place of whatever is there."""
    pipeline = client.pipeline(transaction=True)  # a worker writes meanwhile
    pipeline.delete(key)
    TYPES[kind](pipeline, key)
    pipeline.execute()


def places(bench: Bench, job_id: str) -> list[str]:
    """Return the lists and sets that a job's id stands in; of a running job's, only its lease counts."""
    client: Any = bench.store.client
    pipeline = client.pipeline(transaction=False)
    sets = (keys.scheduled, keys.deferred, keys.finished, keys.failed, keys.canceled)
    names = [keys.LEASES, *(key(name) for key in sets for name in keys.QUEUES)]
    for name in names:
        pipeline.zscore(name, job_id)
    for name in keys.QUEUES:
        pipeline.lpos(keys.queue(name), job_id)
        names.append(keys.queue(name))
    replies = pipeline.execute(raise_on_error=False)  # of a planted key that nothing needed: it is still there
    return [name for name, reply in zip(names, replies, strict=True) if isinstance(reply, int | float)]


def _good_jobs(bench: Bench) -> list[str]:
    """Send a job of each kind; the last one fails at first."""
    group = Group("gg", 1)
    jobs = [
        bench.job(),
        bench.job(priority="high"),
        bench.job(group=group),
        bench.job(group=group, priority="high"),
        bench.job(delay=0.001),
        bench.job("sleep", given={"seconds": 0.12}),  # long enough for a beat
        bench.job(given={"makes": ["made-" + str(len(bench.runs()))], "logs": True}),
    ]
    assert bench.queue.send(jobs) == []
    return [job.id for job in jobs]


AMONG = pairs(SHARED, list(TYPES), few=1)


@pytest.mark.slow
@fuzz
@pytest.mark.parametrize("planted", TYPES)
def test_a_key_of_another_type_costs_no_good_job_anything(bench: Bench, planted: str) -> None:
    client: Any = bench.store.client
    worker = bench.start(processes=2)
    bench.wait_for(bench.send())
    sent: list[str] = []
    for key in (key for key, kind in AMONG if kind == planted):
        plant(client, key, planted)
        ids = _good_jobs(bench)
        for job_id in ids:
            bench.wait_for(job_id)
        assert [len(places(bench, job_id)) for job_id in ids] == [1] * len(ids), key
        sent += ids
    runs = [run[0] for run in bench.runs()]
    assert [runs.count(job_id) for job_id in sent] == [1] * len(sent)
    assert all(
        bench.story(job_id)[-1:] in ([("SUCCESS", 1, True)], []) for job_id in sent
    )  # [] where the log was planted
    assert worker.stop() == 0
    assert "could not run a step" not in worker.text(), worker.text()


ROWS: Final = [
    {"result_ttl": "1.5"},
    {"result_ttl": "1e300"},
    {"result_ttl": "nan"},
    {"result_ttl": "0"},
    {"result_ttl": "-1"},
    {"result_ttl": WORST},
    {"failure_ttl": "1.5"},
    {"failure_ttl": "9" * 5000},
    {"lb_attempt": "9" * 5000},
    {"lb_attempt": "1e300"},
    {"lb_attempt": "-3"},
    {"lb_attempt": "0x10"},
    {"timeout": "1e300"},
    {"timeout": "9" * 5000},
    {"lb_limit": "1e300"},
    {"lb_limit": "nan"},
    {"lb_limit": "-inf"},
    {"retry_intervals": "[" * 1000 + "]" * 1000},
    {"retry_intervals": '["1e300", null]'},
    {"retry_intervals": "[-1]"},
    {"retry_intervals": "[1e308, 1e308]"},
    {"lb_group": "\x00\xff", "lb_group_limit": "9" * 400},
    {"lb_group": "x" * 100_000},
    {"lb_group": "gg", "lb_group_limit": "0"},
    {"lb_group": "gg", "lb_group_limit": "-1"},
    {"lb_crashes": "9" * 5000, "lb_losses": "1e999"},
    {"lb_token": "x"},
    {"lb_cancel": "1"},
    {"lb_beaten": "1"},
    {"origin": "\xff\x00"},
    {"description": "\n" * 100},
    {"created_at": "9" * 5000},
]


@pytest.mark.parametrize("first", range(4))
def test_planted_rows_run_once_or_are_refused_once_and_their_neighbours_run(bench: Bench, first: int) -> None:
    rows = ROWS[first::4]
    sent = [(bench.send(), bench.send(), bench.send(), bench.send("raise")) for _ in rows]
    for planted, (_, odd, _, raising) in zip(rows, sent, strict=True):
        for job_id in (odd, raising):
            bench.store.client.hset(keys.job(job_id), mapping=planted)
    said = bench.burst()
    runs, stories = [run[0] for run in bench.runs()], bench.stories()
    for planted, (before, odd, after, raising) in zip(rows, sent, strict=True):
        row = json.dumps(planted)[:60]
        assert [runs.count(job_id) for job_id in (before, after)] == [1, 1], row
        for job_id in (odd, raising):
            assert runs.count(job_id) <= 1, row
            assert [final for _, _, final in stories[job_id]].count(True) == 1, row
            # A record that is kept for a second may be gone by now.
            assert len(places(bench, job_id)) == 1 or planted == {"result_ttl": "0"}, row
    assert "could not run a step" not in said, said
    assert "ends" not in said, said


def test_a_log_that_can_take_no_entry_more_is_set_aside_and_told_of(bench: Bench) -> None:
    client: Any = bench.store.client
    client.xadd(LOG, {"job_id": "old"}, id=f"{WORST}-{WORST}")
    ids = [bench.send(given={"logs": True}) for _ in range(3)]
    bench.burst()
    assert [bench.story(job_id) for job_id in ids] == [[("SUCCESS", 1, True)]] * 3
    warning = next(entry for entry in bench.log() if entry.type == "warning")
    assert LOG in warning.message
    assert client.xlen(keys.SET_ASIDE + LOG) == 1
    assert 0 < client.ttl(keys.SET_ASIDE + LOG) <= 7 * 24 * 3600


def test_results_that_can_take_no_more_are_set_aside(bench: Bench) -> None:
    client: Any = bench.store.client
    job_id, failing = bench.send(), bench.send("raise")
    client.xadd(keys.results(job_id), {"type": "1"}, id=f"{WORST}-{WORST}")
    client.set(keys.results(failing), "garbage")
    bench.burst()
    assert bench.queue.get(job_id).result == ""
    assert bench.queue.get(failing).status == "failed"
    assert len(places(bench, job_id)) == len(places(bench, failing)) == 1


def test_ids_of_bytes_are_refused_once_each(bench: Bench) -> None:
    client: Any = bench.store.client
    payload = {"v": 1, "source": "", "source_name": "s", "template": "t", "line": 1, "column": 0, "delay": 0}
    payload |= {"parameters": {}, "handed_over": {}, "max_attempts": 1}
    record = {
        "status": "queued",
        "origin": "default",
        "timeout": "5",
        "data": json.dumps([FUNCTION, None, [payload], {}]),
    }
    odd = [b"\xff\xfe", b"", b"a\nb", b"x" * 300_000, "ü".encode(), b"a:b"]
    for job_id in odd:
        client.hset(b"rq:job:" + job_id, mapping=record)
        client.rpush(keys.queue("default"), job_id)
    good = bench.send()
    bench.burst()
    assert bench.story(good) == [("SUCCESS", 1, True)]
    assert sorted(str(entry.status) for entry in bench.log()) == ["REFUSED"] * len(odd) + ["SUCCESS"]
    for job_id in odd:
        assert client.zscore(keys.failed("default"), job_id) is not None
        assert client.zscore(keys.LEASES, job_id) is None


def test_a_batch_of_long_names_fits_what_a_child_shares(bench: Bench) -> None:
    ids = [bench.send(template="pages/" + "😀" * 2000 + str(number)) for number in range(300)]
    said = bench.burst()
    assert sorted(run[0] for run in bench.runs()) == sorted(ids)
    assert "ends" not in said


VALUES: Final = (
    "",
    "garbage",
    "9" * 5000,
    "-1",
    "1.5",
    "1e300",
    "nan",
    "inf",
    "\x00\xff",
    "[" * 600,
    '{"$uuid":5}',
    "x" * 9000,
)
FIELDS: Final = (
    "status", "origin", "data", "timeout", "result_ttl", "failure_ttl", "retry_intervals", "retries_left",
    "description", "created_at", "enqueued_at", "started_at", "ended_at", "worker_name", "success_callback_name",
    keys.TOKEN, keys.ATTEMPT, keys.CRASHES, keys.UNBEGUN, keys.LOSSES, keys.FINAL, keys.BEATEN, keys.CANCEL,
    keys.FOREIGN, keys.LIMIT, keys.ERROR, keys.GROUP, keys.GROUP_LIMIT, keys.SIGNATURE,
)  # fmt: skip
STATUSES: Final = ("queued", "scheduled", "deferred", "started", "finished", "failed", "canceled", "stopped", "")
_HOLDS_IDS: Final = (keys.queue(""), keys.scheduled(""), keys.parked("gg", ""))


def _plant_a_key(bench: Bench, dice: random.Random) -> None:
    client: Any = bench.store.client
    key = dice.choice(SHARED)
    if not key.startswith(_HOLDS_IDS):  # to overwrite those would be to delete jobs
        plant(client, key, dice.choice(list(TYPES)))


def _plant_a_row(bench: Bench, dice: random.Random, number: int) -> None:
    client: Any = bench.store.client
    job = bench.job(id=f"odd{number}")
    name = dice.choice(keys.QUEUES)
    record: dict[str, Any] = {
        "data": encode_data(job),
        "origin": name,
        "status": "queued",
        "timeout": 5,
        "retry_intervals": "[0]",
    }
    record["status"] = dice.choice(STATUSES)
    for _ in range(dice.randrange(5)):
        record[dice.choice(FIELDS)] = dice.choice(VALUES)
    if dice.random() < 0.1:
        plant(client, keys.job(job.id), dice.choice(list(TYPES)))
    else:
        client.hset(keys.job(job.id), mapping=record)
    if dice.random() < 0.2:
        plant(client, dice.choice((keys.results, keys.executions))(job.id), dice.choice(list(TYPES)))
    pipeline = client.pipeline(transaction=False)
    score = dice.choice((0, 1, 1e300, float("inf"), float("-inf"), time.time(), time.time() * 1000))
    for _ in range(dice.randrange(1, 3)):
        pipeline.rpush(keys.queue(name), job.id)
        if dice.random() < 0.3:
            pipeline.zadd(keys.LEASES, {job.id: score})
        if dice.random() < 0.3:
            pipeline.zadd(keys.scheduled(name), {job.id: score})
        if dice.random() < 0.2:
            pipeline.rpush(keys.parked("gg", name), job.id)
            pipeline.sadd(keys.GROUPS, "gg")
    pipeline.execute(raise_on_error=False)


@pytest.mark.slow
@fuzz
@pytest.mark.parametrize("seed", seeds(2))
def test_whatever_is_planted_each_good_job_runs_exactly_once(bench: Bench, seed: int) -> None:
    dice = random.Random(seed)
    worker = bench.start(processes=2)
    children = bench.wait_until(lambda: len(worker.children()) == 2 and worker.children())
    sent: list[str] = []
    for number in range(40):
        _plant_a_key(bench, dice)
        _plant_a_row(bench, dice, number)
        sent += _good_jobs(bench)
    for job_id in sent:
        bench.wait_for(job_id)
    runs = [run[0] for run in bench.runs()]
    assert [runs.count(job_id) for job_id in sent] == [1] * len(sent)
    # In the registry of the finished ones, or nowhere where that was planted over; and nowhere else.
    assert {place for job_id in sent for place in places(bench, job_id)} <= set(map(keys.finished, keys.QUEUES))
    assert worker.children() == children, worker.text()
    assert "could not run a step" not in worker.text(), worker.text()
    assert worker.stop() == 0


def test_a_planted_wake_key_of_a_child_s_own_costs_one_answer(bench: Bench) -> None:
    client: Any = bench.store.client
    worker = bench.start()
    bench.wait_for(bench.send())
    (worker_key,) = bench.wait_until(lambda: client.smembers(keys.RQ_WORKERS))
    name = worker_key.decode().removeprefix(keys.worker(""))
    plant(client, keys.wake(name), "string")
    bench.wait_until(lambda: not client.exists(keys.wake(name)))
    bench.wait_for(bench.send())
    assert worker.stop() == 0


def test_a_planted_lease_does_not_keep_a_burst_from_ending(bench: Bench) -> None:
    bench.store.client.zadd(keys.LEASES, {"ghost": float("inf")})
    good = bench.send()
    bench.burst()
    assert bench.story(good) == [("SUCCESS", 1, True)]


RIGHTS: Final = ("zadd", "zrem", "hset", "hdel", "lpush", "rpush", "lpop", "expire", "persist", "xadd", "evalsha")


@pytest.mark.parametrize("right", RIGHTS)
def test_a_right_that_is_lost_for_a_while_costs_no_job_anything(start_server: Any, bench_on: Any, right: str) -> None:
    server = start_server()
    root = bench_on(server.url)
    client: Any = root.store.client
    client.execute_command("ACL", "SETUSER", "jobs", "on", ">pw", "~*", "&*", "+@all")
    root.settings = load_settings(redis_url=server.url.replace("redis://", "redis://jobs:pw@"))
    worker = root.start(processes=2)
    root.wait_for(root.send())
    group = Group("gg", 1)
    before = [root.send("sleep", given={"seconds": 0.3}) for _ in range(3)]
    root.wait_for_run(before[0])
    client.execute_command("ACL", "SETUSER", "jobs", f"-{right}")
    during = [
        root.send(group=group),
        root.send(delay=0.001),
        root.send("fail_until", given={"times": 0}, max_attempts=2),
    ]
    root.wait_until(lambda: "could not run a step" in worker.text() or len(root.ended()) == 7)
    wait_for_calls(root, 5 if right != "evalsha" else 0)
    client.execute_command("ACL", "SETUSER", "jobs", f"+{right}")
    for job_id in (*before, *during):
        root.wait_for(job_id)
    runs = [run[0] for run in root.runs()]
    assert [runs.count(job_id) for job_id in (*before, *during)] == [1] * 6
    if right != "xadd":  # then the log could not be written meanwhile
        assert [root.story(job_id)[-1] for job_id in (*before, *during)] == [("SUCCESS", 1, True)] * 6
    assert worker.stop() == 0
