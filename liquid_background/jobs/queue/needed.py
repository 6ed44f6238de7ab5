"""The commands that the scripts and the connections run, and the keys that they run them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from liquid_background.jobs.log import ENDS, KEY, LONG, MARKS
from liquid_background.jobs.queue import keys
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store.asking import Words

_JOB: Final = keys.job("-")
_QUEUE: Final = keys.queue(keys.QUEUES[0])
_SET: Final = keys.RQ_WORKERS
_SORTED: Final = keys.LEASES
_STREAM: Final = keys.results("-")
_OWN: Final = keys.WRITABLE
_OTHER: Final = f"{keys.SET_ASIDE}-"

NEEDED: Final[Mapping[str, Words]] = {
    "BLPOP": (_QUEUE, "0.001"),
    "DEL": (_OWN,),
    "EVAL": ("return 1", 0),
    "EVALSHA": ("0" * 40, 0),
    "EXISTS": (_OWN,),
    "EXPIRE": (_JOB, 1),
    "GET": (_OWN,),
    "GETRANGE": (_OWN, 0, 0),
    "HDEL": (_JOB, "-"),
    "HGET": (_JOB, "-"),
    "HGETALL": (_JOB,),
    "HINCRBY": (_JOB, "-", 0),
    "HINCRBYFLOAT": (_JOB, "-", 0),
    "HKEYS": (_JOB,),
    "HLEN": (_JOB,),
    "HMGET": (_JOB, "-"),
    "HSCAN": (_JOB, 0),
    "HSET": (_JOB, "-", "-"),
    "HSETNX": (_JOB, "-", "-"),
    "HSTRLEN": (_JOB, "-"),
    "LINDEX": (_QUEUE, 0),
    "LLEN": (_QUEUE,),
    "LPOP": (_QUEUE,),
    "LPOS": (_QUEUE, "-"),
    "LPUSH": (_QUEUE, "-"),
    "LRANGE": (_QUEUE, 0, 0),
    "LREM": (_QUEUE, 1, "-"),
    "PERSIST": (_JOB,),
    "PING": (),
    "RENAME": (_OWN, _OTHER),
    "RPUSH": (_QUEUE, "-"),
    "SADD": (_SET, "-"),
    "SCARD": (_SET,),
    "SCRIPT": ("LOAD", "return 1"),
    "SET": (_OWN, "-"),
    "SETRANGE": (_OWN, 0, ""),
    "SISMEMBER": (_SET, "-"),
    "SMEMBERS": (_SET,),
    "SRANDMEMBER": (_SET,),
    "SREM": (_SET, "-"),
    "STRLEN": (_OWN,),
    "TIME": (),
    "TYPE": (_OWN,),
    "XADD": (_STREAM, "*", "-", "-"),
    "XLEN": (_STREAM,),
    "XRANGE": (_STREAM, "-", "+"),
    "XREAD": ("STREAMS", _STREAM, "0"),
    "XREVRANGE": (_STREAM, "+", "-"),
    "XTRIM": (_STREAM, "MAXLEN", 1),
    "ZADD": (_SORTED, 0, "-"),
    "ZCARD": (_SORTED,),
    "ZCOUNT": (_SORTED, 0, 0),
    "ZMSCORE": (_SORTED, "-"),
    "ZRANDMEMBER": (_SORTED,),
    "ZRANGE": (_SORTED, 0, 0),
    "ZRANGEBYSCORE": (_SORTED, 0, 0),
    "ZREM": (_SORTED, "-"),
    "ZREMRANGEBYSCORE": (_SORTED, 0, 0),
    "ZREVRANGE": (_SORTED, 0, 0),
    "ZSCAN": (_SORTED, 0),
    "ZSCORE": (_SORTED, "-"),
}
"""With arguments of which each is a key that is never there, or one of ours: those of no site."""


def needed(site: str) -> Mapping[str, Words]:
    """Return the commands with the keys of a site."""
    names: dict[str | bytes | int, str] = {name: own_name(site, name) for name in (_SORTED, _OWN, _OTHER)}
    names[_QUEUE] = keys.queue(queue_name(site, keys.QUEUES[0]))
    return {name: tuple(names.get(word, word) for word in words) for name, words in NEEDED.items()}


_OF_A_QUEUE: Final = (
    *(keys.queue, keys.scheduled, keys.deferred, keys.started, keys.finished, keys.failed, keys.canceled),
    keys.queue_workers,
)
_OF_A_JOB: Final = (keys.job, keys.results, keys.executions)
_OWN_NAMES: Final = (
    *(KEY, ENDS, MARKS, LONG, keys.LEASES, keys.BATCHES, keys.BATCH_JOBS, keys.DELETED),
    *(keys.GROUPS, keys.SCHEDULES, keys.TICKED, keys.WRITABLE),
    f"{keys.SET_ASIDE}*",
    *(keys.AUDIT, keys.OPERATIONS, keys.OPERATIONS_DUE, keys.operation("*"), keys.proved("*"), keys.behind("*")),
    *(keys.PAUSES, keys.HELD, keys.held("*", "*")),
    *(keys.FAILED_IDS, keys.FAILED_OF, keys.FAILED_NAMES, keys.FAILED_UNNAMED, keys.FAILED_APART),
    *(keys.FAILURE_GROUPS, keys.FAILURES_LOOKED, keys.failures_of("*")),
    *(keys.failed_of_name("*"), keys.failed_of_group("*"), keys.failure_about("*"), keys.failure_hours("*")),
    *(*map(keys.wake, keys.QUEUES), keys.slots("*"), keys.parked("*", "*"), keys.claimed_name("*")),
    *(keys.DELAYED_LOOKED, keys.delayed("*")),
    *(keys.SCHEDULES_PAUSED, keys.SCHEDULES_PASSED, keys.COUNTED_NAMES, f"{keys.COUNTS}*"),
    *(keys.ALERTS, keys.ALERTS_DUE, keys.ALERTS_HELD, keys.ALERT_WORKERS, keys.alert("*")),
)


def kinds_of_keys(site: str) -> tuple[str, ...]:
    """Return each kind of key that jobs of a site use, an asterisk where a name stands; tried, it is a key, too."""
    worker = queue_name(site, "*")  # a site's workers have its name in theirs, too
    return (
        *(key(queue_name(site, queue)) for key in _OF_A_QUEUE for queue in keys.QUEUES),
        *(key("*") for key in _OF_A_JOB),
        *(keys.execution("*", "*"), keys.worker(worker), keys.worker_executions(worker)),
        *(keys.RQ_WORKERS, keys.RQ_QUEUES),
        *(own_name(site, name) for name in _OWN_NAMES),
    )
