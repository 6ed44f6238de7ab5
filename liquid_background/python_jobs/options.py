"""The options of `engine.enqueue`: what each may be, and what it means for the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, TypedDict

from liquid_background.errors import EnqueueError
from liquid_background.job import JOB_ID, MAX_CONCURRENCY, MAX_TIMEOUT, SOURCE_NAME, Group, Priority
from liquid_background.python_jobs.queues import OnDuplicate
from liquid_background.python_jobs.retries import RetryPolicy


class JobOptions(TypedDict, total=False):
    """What may be said of each job of a call, scheduled or not."""

    priority: str  # low, default (or medium) or high, in any case
    queue: str | Mapping[str, Any] | Group  # the group's name: one job at a time; or with max_concurrency, 1 to 100
    retries: int | RetryPolicy  # runs after the first
    timeout: float  # seconds an attempt
    source_name: str  # in the log and in listings


class BulkOptions(JobOptions, total=False):
    """What may be said of many jobs of one call."""

    start_at: datetime | str  # aware, or ISO 8601 with an offset or Z; past times mean now


class EnqueueOptions(BulkOptions, total=False):
    """What may be said of one job."""

    id: str
    on_duplicate: OnDuplicate


@dataclass(frozen=True, slots=True)
class Reading:
    """Options, read."""

    fields: Mapping[str, Any]  # of the job
    on_duplicate: OnDuplicate


_ADVICE: Final = {
    "delay": "say when with start_at, an aware datetime",
    "max_attempts": "retries counts the runs after the first",
    "max_retries": "retries counts the runs after the first",
    "retry_count": "give retries=RetryPolicy(count=…)",
    "max_concurrency": "give queue={'name': …, 'max_concurrency': …}",
    "concurrency": "give queue={'name': …, 'max_concurrency': …}",
    "group": "a group is given as queue=, its name, or queue={'name': …, 'max_concurrency': …}",
    "eta": "say when with start_at, an aware datetime",
    "on_duplicate_id": "it is called on_duplicate here",
    "params": "parameters are the second argument, a mapping",
    "args": "parameters are the second argument, a mapping",
    "kwargs": "parameters are the second argument, a mapping",
}
_PRIORITIES: Final = {
    "low": Priority.LOW,
    "default": Priority.DEFAULT,
    "medium": Priority.DEFAULT,
    "high": Priority.HIGH,
}


def read_options(given: Mapping[str, Any], default: RetryPolicy, allowed: type = EnqueueOptions) -> Reading:
    """Return what options mean.

    Args:
        given: the options as the caller named them.
        default: the retry policy when none is given.
        allowed: the typed dict that names what may be given.

    Raises:
        EnqueueError: naming the option, its value and what is allowed.
    """
    names = sorted({name for base in allowed.__mro__ for name in getattr(base, "__annotations__", ())})
    for name in given:
        if name not in names:
            raise EnqueueError(_unknown(str(name), names))
    retries = given.get("retries")
    waits = (default if retries is None else _retries(retries)).waits()
    fields: dict[str, Any] = {"waits": waits, "max_attempts": len(waits) + 1}
    for name, read in _READERS.items():
        if given.get(name) is not None:
            field, value = read(given[name])
            fields[field] = value
    on_duplicate = given.get("on_duplicate", "error")
    if on_duplicate not in ("error", "ignore"):
        raise EnqueueError(f"on_duplicate is {on_duplicate!r}; it must be 'error' or 'ignore'")
    return Reading(fields, on_duplicate)


def _unknown(name: str, names: list[str]) -> str:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).replace("i_d", "id")
    if snake in _ADVICE:
        return f"unknown option {name!r}: {_ADVICE[snake]}"
    near = [snake] if snake in names else get_close_matches(snake, names, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"options are {', '.join(names)}"
    return f"unknown option {name!r}: {advice}"


def _retries(value: object) -> RetryPolicy:
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, int):
        return RetryPolicy(count=value)
    raise EnqueueError(f"retries is {value!r}; it must be a number, or a RetryPolicy such as RetryPolicy(count=5)")


def _id(value: object) -> tuple[str, str]:
    if isinstance(value, str) and JOB_ID.fullmatch(value):
        return "id", value
    raise EnqueueError(f"id is {value!r}; it must be 1 to 100 letters, digits, - and _")


def _source_name(value: object) -> tuple[str, str]:
    if isinstance(value, str) and SOURCE_NAME.fullmatch(value):
        return "source_name", value
    raise EnqueueError(f"source_name is {value!r}; it must be 1 to 100 letters, digits, - and _")


def _priority(value: object) -> tuple[str, Priority]:
    if isinstance(value, str) and value.lower() in _PRIORITIES:
        return "priority", _PRIORITIES[value.lower()]
    raise EnqueueError(f"priority is {value!r}; it must be 'low', 'default' or 'high'")


def _group(value: object) -> tuple[str, Group]:
    if isinstance(value, str):
        value = Group(value)
    elif isinstance(value, Mapping):
        unknown = [key for key in value if key not in ("name", "max_concurrency")]
        if unknown or "name" not in value:
            raise EnqueueError(f"queue is {dict(value)!r}; its keys are 'name' and 'max_concurrency'")
        value = Group(value["name"], value.get("max_concurrency", 1))
    if not isinstance(value, Group):
        raise EnqueueError(f"queue is {value!r}; it must be a group's name, or {{'name': …, 'max_concurrency': …}}")
    if not isinstance(value.name, str) or not SOURCE_NAME.fullmatch(value.name):
        raise EnqueueError(f"queue is {value.name!r}; a group's name is 1 to 100 letters, digits, - and _")
    most = value.max_concurrency
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MAX_CONCURRENCY:
        raise EnqueueError(f"group {value.name}: max_concurrency is {most!r}; it must be from 1 to {MAX_CONCURRENCY}")
    return "group", value


def _start_at(value: object) -> tuple[str, float]:
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime):
        raise EnqueueError(f"start_at is {value!r}; it must be an aware datetime, or text such as 2024-04-03T12:00:00Z")
    if moment.tzinfo is None:
        raise EnqueueError(f"start_at is {str(value)!r}, without an offset: say which with Z, +02:00 or a tzinfo")
    return "start_at", moment.timestamp()


def _timeout(value: object) -> tuple[str, float]:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_TIMEOUT:
        return "timeout", float(value)
    raise EnqueueError(f"timeout is {value!r}; it must be seconds, over 0 and up to {MAX_TIMEOUT:.0f}")


_READERS: Final = {
    "id": _id,
    "priority": _priority,
    "queue": _group,
    "start_at": _start_at,
    "timeout": _timeout,
    "source_name": _source_name,
}
