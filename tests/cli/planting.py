"""What somebody may have written into the store by hand: garbage of every type, in every key that a command reads."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import Any

from redis import Redis

from liquid_background.job import Job
from liquid_background.jobs.log import KEY
from liquid_background.jobs.log.entry import FIELDS
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import FUNCTION, payload_of

IDS = [
    b"x",
    b"\xff\xfe",
    b"a\x1b[2Jb",
    b"a\nb",
    b"x:y",
    b"",
    b"\xe2\x80\xae",
    b"\0",
    b"i" * 900,
    b"i" * 5_000,
    b"*",
    b"$",
]
TEXTS = [
    *[
        b"",
        b"\xff",
        b"\x1b[2J\x1b]0;x\x07",
        b"a\nb\r",
        b"x" * 300_000,
        b"9" * 5_000,
        b"1" * 15,
        b"-1",
        b"0",
        b"1_0",
        b" 1",
    ],
    *[b"1e300", b"-1e300", b"1e999", b"nan", b"inf", b"\xd9\xa1", b"\xed\xa0\x80", b"started", b"finished", b"failed"],
    *[b"0000-01-01T00:00:00.000000Z", b"0001-01-01T00:00:00.000000Z", b"9999-12-31T23:59:59.999999Z"],
    *[b"10000-01-01T00:00:00.000000Z", b"2024-02-30T00:00:00.000000Z", b"high", b"default,low", b"a,\xff,b"],
]
# As JSON text: what Python would not write itself is among them.
VALUES = [
    *["null", "true", "-1", "0", "1.5", '""', '"x"', "[]", "{}", "NaN", "Infinity", "-Infinity", "1e999", "-0.0"],
    *["9" * 4_200, "9" * 5_000, "1" + "0" * 300, f"{2**63}", '"\\ud800"', '"\\u001b[2J\\u202e"', '"\\u0000"'],
    *["[" * depth + "]" * depth for depth in (49, 50, 51, 600, 950, 40_000)],
    *['{"a":' * depth + "1" + "}" * depth for depth in (50, 51, 600)],
    *[
        f'{{"${kind}":{item}}}'
        for kind in ("uuid", "date", "decimal", "safe", "nope", "")
        for item in ("5", '"x"', "{}")
    ],
    *['{"$datetime":"0001-01-01T00:00:00+14:00"}', '{"$datetime":[]}', '{"$time":null}', '{"$decimal":"sNaN"}'],
    *[
        '{"$decimal":"1e999999999"}',
        '{"$decimal":[0,[1],2]}',
        '{"$range":[0,1,0]}',
        '{"$range":"abc"}',
        '{"$range":{}}',
    ],
    *['{"$map":5}', '{"$map":[[[],1]]}', '{"$map":[[1]]}', '{"$map":[[{"$decimal":"sNaN"},1]]}', '{"$safe":["a"]}'],
    *['{"$map":[[1,' * 60 + "1" + "]]}" * 60, '{"$range":[0,' + "9" * 4_200 + "]}", '[1,{"a":{"$uuid":7}}]'],
]
FIELDS_OF_PAYLOAD = ("v", "source_name", "template", "line", "column", "source", "partial", "function", "delay")
MOST = 2**64 - 1


class Planter:
    """Plants at random, but the same for the same seed."""

    def __init__(self, client: Redis, seed: int) -> None:
        self._client: Any = client
        self._random = Random(seed)

    def rows(self, count: int) -> None:
        """Plant bad jobs, workers and groups among the good ones; the lists that name these stay lists."""
        for _ in range(count):
            self._job()
        for _ in range(3):
            self._worker()
            self._group()

    def wrong_types(self, *names: str) -> None:
        """Put a value of a type of its own into each of these keys, and into some of one-row keys."""
        for name in names:
            self._any(name.encode())

    def _job(self) -> None:
        pick, job_id = self._random.choice, self._random.choice(IDS)
        key, queue = b"rq:job:" + job_id, pick(keys.QUEUES)
        if self._random.random() < 0.25:
            self._any(key)
        else:
            self._client.delete(key)
            self._client.hset(key, mapping=self._record())
        if self._random.random() < 0.25:
            self._any(b"rq:results:" + job_id)
        elif self._random.random() < 0.6:
            self._client.delete(b"rq:results:" + job_id)
            value = pick([b64encode(pick(VALUES).encode()), *TEXTS])
            self._client.xadd(b"rq:results:" + job_id, {pick(["return_value", "other"]): value})
        score = pick([0, 1, -1, 1e300, float("inf"), float("-inf"), 253_402_300_800])
        self._client.rpush(keys.queue("default"), job_id)
        registry = pick([keys.scheduled, keys.started, keys.finished, keys.failed, keys.canceled, keys.deferred])
        self._client.zadd(registry(queue if queue != "default" else "high"), {job_id: score})

    def _record(self) -> dict[bytes, bytes]:
        pick = self._random.choice
        good = {
            b"data": self._data(),
            b"status": pick([b"queued", b"finished", b"failed", b"started", b"deferred", b"scheduled"]),
            b"origin": b"default",
            b"description": b"bad",
            b"created_at": b"2024-01-15T14:32:45.000000Z",
        }
        names = [*good, b"started_at", b"ended_at", b"enqueued_at"]
        names += [name.encode() for name in (keys.ATTEMPT, keys.ERROR, keys.GROUP, keys.GROUP_LIMIT)]
        for name in self._random.sample(names, self._random.randrange(4)):
            good[name] = pick(TEXTS)
        for name in self._random.sample(names, self._random.randrange(2)):
            good.pop(name, None)
        return {**good, b"other": b""}

    def _data(self) -> bytes:
        payload = {name: json.dumps(value) for name, value in payload_of(Job(**_GOOD)).items()}
        place = self._random.choice([*FIELDS_OF_PAYLOAD, "max_attempts", "parameters", "handed_over", "in", "in", "in"])
        value = self._random.choice(VALUES)
        if place == "in":
            payload["parameters"] = f'{{"api_key":{value},"p\\u001b":{value}}}'
        else:
            payload[place] = value
        text = ",".join(f'"{name}":{item}' for name, item in payload.items())
        data = f'["{FUNCTION}",null,[{{{text}}}],{{}}]'.encode()
        return self._random.choice([data, data, data, zlib.compress(data), data[:-9], value.encode()])

    def _worker(self) -> None:
        pick = self._random.choice
        key = b"rq:worker:" + pick(IDS)
        self._client.sadd(keys.RQ_WORKERS, key)
        if self._random.random() < 0.3:
            self._any(key)
        else:
            names = ("state", "queues", "successful_job_count", "failed_job_count", "birth", "last_heartbeat")
            names += (keys.APP_VERSION,)
            self._client.delete(key)
            self._client.hset(key, mapping={name: pick(TEXTS) for name in names})
        if self._random.random() < 0.3:
            self._any(key + b":executions")
        else:
            self._client.delete(key + b":executions")
            self._client.sadd(key + b":executions", pick(IDS) + b":1", pick(TEXTS))

    def _group(self) -> None:
        name = self._random.choice(IDS)
        self._client.sadd(keys.GROUPS, name)
        self._any(b"liquid_background:slots:" + name)
        self._any(b"liquid_background:parked:" + name + b":high")

    def _any(self, key: bytes) -> None:
        """Put a value of any type into a key."""
        client, text, member = self._client, self._random.choice(TEXTS), self._random.choice(IDS)
        plants: list[Callable[[], Any]] = [
            lambda: client.set(key, text),
            lambda: client.rpush(key, text, member),
            lambda: client.sadd(key, text, member),
            lambda: client.zadd(key, {text: float("inf"), member: 1}),
            lambda: client.hset(key, text, member),
            lambda: client.xadd(key, {text: member}, id=f"{MOST}-{MOST}"),
        ]
        client.delete(key)
        self._random.choice(plants)()

    def log(self) -> None:
        """Append bad entries, the last one with an id after which none can come."""
        for _ in range(5):
            names = self._random.sample(FIELDS, self._random.randrange(1, len(FIELDS)))
            self._client.xadd(KEY, {name: self._random.choice(TEXTS) for name in names})
        self._client.xadd(KEY, {self._random.choice(TEXTS): self._random.choice(TEXTS)}, id="253402300800000-0")
        self._client.xadd(KEY, {"message": "last"}, id=f"{MOST}-{MOST}")


_GOOD: dict[str, Any] = {"source_name": "bad", "template": "pages/x", "line": 3, "source": "hi"}
