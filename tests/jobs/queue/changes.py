"""What has changed in a store."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.jobs.log import KEY
from liquid_background.jobs.queue import keys
from liquid_background.jobs.store import Store

NOW: Final = "now"


class Changes:
    """The changes since it was made, without the log.

    Args:
        store: what is looked at.
        record: the key of the record whose fields are named without it.
    """

    def __init__(self, store: Store, record: str) -> None:
        self._client: Any = store.client
        self._record = record
        self._before = _kept(self._client)

    def seen(self) -> dict[str, Any]:
        """Return what has changed, and what it is now: keys, and members and fields behind their keys; None is gone."""
        after = _kept(self._client)
        changed = {name for name in {*self._before, *after} if self._before.get(name) != after.get(name)}
        return {name.removeprefix(f"{self._record} "): _now(after.get(name)) for name in changed}


def _kept(client: Any) -> dict[str, Any]:
    """All that the store holds but for the log: times as seconds from now, to the nearest 20, fields one by one."""
    seconds = client.time()[0]
    kept: dict[str, Any] = {}
    for name in sorted(client.scan_iter()):
        key = name.decode()
        if key == KEY:
            continue
        if client.ttl(key) > 0:
            kept[f"{key} expires"] = _near(client.ttl(key))
        match client.type(key):
            case b"hash":
                kept.update({f"{key} {field.decode()}": value.decode() for field, value in client.hgetall(key).items()})
            case b"zset":
                unit = (
                    1000
                    if key in (keys.LEASES, keys.BATCHES) or key.startswith((keys.FAILED_IDS, keys.FAILURE_GROUPS))
                    else 1
                )
                unit = 10**6 if key.startswith(keys.delayed("")) else unit
                found = client.zrange(key, 0, -1, withscores=True)
                kept.update({f"{key} {member.decode()}": _near(score / unit - seconds) for member, score in found})
            case b"list":
                kept[key] = [item.decode() for item in client.lrange(key, 0, -1)]
            case b"set":
                kept[key] = {item.decode() for item in client.smembers(key)}
            case b"stream":
                kept[key] = [_text(fields) for _, fields in client.xrange(key)]
            case other:
                kept[key] = (other, client.get(key))
    return kept


def _near(seconds: float) -> int:
    return round(max(seconds, -100) / 20) * 20  # what is long past stays as it is while a test runs


def _text(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in fields.items()}


def _now(value: Any) -> Any:
    """Return a time of RQ's, or one in milliseconds, that is hardly past as NOW."""
    if isinstance(value, str) and re.fullmatch(r"\d{13}", value):
        return NOW if abs(time.time() - int(value) / 1000) < 20 else value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value):
        return value
    age = datetime.now(UTC) - datetime.strptime(value, keys.TIME_FORMAT).replace(tzinfo=UTC)
    return NOW if abs(age.total_seconds()) < 20 else value
