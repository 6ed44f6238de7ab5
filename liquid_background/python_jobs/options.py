"""The options of `engine.enqueue`: what each may be, and what it means for the job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

from liquid_background.errors import EnqueueError
from liquid_background.job import (
    JOB_ID,
    MAX_CONCURRENCY,
    MAX_RETRIES,
    MAX_TIMEOUT,
    SOURCE_NAME,
    Group,
    Priority,
)
from liquid_background.nearest import nearest
from liquid_background.python_jobs.queues import OnDuplicate
from liquid_background.python_jobs.retries import RETRIES, RETRIES_IN_DEVELOPMENT, RetryPolicy


class JobOptions(TypedDict, total=False):
    """What may be said of each job of a call, scheduled or not. `JOB_OPTIONS` says what each option is."""

    priority: str
    queue: str | Mapping[str, Any] | Group
    retries: int | RetryPolicy
    timeout: float
    source_name: str


class BulkOptions(JobOptions, total=False):
    """What may be said of many jobs of one call."""

    start_at: datetime | str


class EnqueueOptions(BulkOptions, total=False):
    """What may be said of one job."""

    id: str
    on_duplicate: OnDuplicate


@dataclass(frozen=True, slots=True)
class JobOption:
    """One option: `read` returns what it means, or raises ValueError."""

    name: str
    field: str  # of the Job, "" when it says something of the call
    says: str  # what it is; as the next two, for errors and for the tables of the documentation
    allowed: str
    default: str
    read: Callable[[Any], Any]


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


def names_of(allowed: type) -> list[str]:
    """Return the names of the options in a typed dict, sorted."""
    return sorted({name for base in allowed.__mro__ for name in getattr(base, "__annotations__", ())})


def read_options(given: Mapping[str, Any], default: RetryPolicy, allowed: type = EnqueueOptions) -> Reading:
    """Return what options mean.

    Args:
        given: the options as the caller named them; one that is None counts as not given.
        default: the retry policy when none is given.
        allowed: the typed dict that names what may be given.

    Raises:
        EnqueueError: naming the option, its value and what is allowed.
    """
    check_names(given, allowed)
    values = {name: _read(option, given[name]) for name, option in JOB_OPTIONS.items() if given.get(name) is not None}
    waits = values.get("retries", default).waits()
    fields: dict[str, Any] = {"waits": waits, "max_attempts": len(waits) + 1}
    fields |= {JOB_OPTIONS[name].field: value for name, value in values.items() if JOB_OPTIONS[name].field}
    return Reading(fields, values.get("on_duplicate", "error"))


def check_names(given: Mapping[str, Any], allowed: type) -> None:
    """Accept options that a typed dict names.

    Raises:
        EnqueueError: naming the one that is none, and those that there are.
    """
    names = names_of(allowed)
    for name in given:
        if name not in names:
            raise EnqueueError(_unknown(str(name), names))


def _read(option: JobOption, value: object) -> Any:
    try:
        return option.read(value)
    except ValueError:
        raise EnqueueError(f"{option.name} is {value!r}; it must be {option.allowed}") from None


def _unknown(name: str, names: list[str]) -> str:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).replace("i_d", "id")
    if snake in _ADVICE:
        return f"unknown option {name!r}: {_ADVICE[snake]}"
    near = snake if snake in names else nearest(snake, names)
    advice = f"did you mean {near!r}?" if near else f"options are {', '.join(names)}"
    return f"unknown option {name!r}: {advice}"


def _retries(value: object) -> RetryPolicy:
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, int):
        return RetryPolicy(count=value)
    raise ValueError


def _name(value: object) -> str:
    if isinstance(value, str) and SOURCE_NAME.fullmatch(value):
        return value
    raise ValueError


def _id(value: object) -> str:
    if isinstance(value, str) and JOB_ID.fullmatch(value):
        return value
    raise ValueError


def _on_duplicate(value: object) -> OnDuplicate:
    if value in ("error", "ignore"):
        return value
    raise ValueError


def _priority(value: object) -> Priority:
    if isinstance(value, str) and value.lower() in _PRIORITIES:
        return _PRIORITIES[value.lower()]
    raise ValueError


def _group(value: object) -> Group:
    if isinstance(value, str):
        value = Group(value)
    elif isinstance(value, Mapping):
        unknown = [key for key in value if key not in ("name", "max_concurrency")]
        if unknown or "name" not in value:
            raise EnqueueError(f"queue is {dict(value)!r}; its keys are 'name' and 'max_concurrency'")
        value = Group(value["name"], value.get("max_concurrency", 1))
    if not isinstance(value, Group):
        raise ValueError
    if not isinstance(value.name, str) or not SOURCE_NAME.fullmatch(value.name):
        raise EnqueueError(f"queue is {value.name!r}; a group's name is 1 to 100 letters, digits, - and _")
    most = value.max_concurrency
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MAX_CONCURRENCY:
        raise EnqueueError(f"group {value.name}: max_concurrency is {most!r}; it must be from 1 to {MAX_CONCURRENCY}")
    return value


def _start_at(value: object) -> float:
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime):
        raise ValueError
    if moment.tzinfo is None:
        raise EnqueueError(f"start_at is {str(value)!r}, without an offset: add Z, +02:00 or a tzinfo")
    return moment.timestamp()


def _timeout(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_TIMEOUT:
        return float(value)
    raise ValueError


JOB_OPTIONS: Final[Mapping[str, JobOption]] = {
    option.name: option
    for option in (
        JobOption("id", "id", "the job's id", "1 to 100 letters, digits, - and _", "a random one", _id),
        JobOption(
            name="on_duplicate",
            field="",
            says="what happens when a job has the id already: an error, or nothing",
            allowed="'error' or 'ignore'",
            default="'error'",
            read=_on_duplicate,
        ),
        JobOption(
            name="priority",
            field="priority",
            says="the queue, in upper or lower case; 'medium' means 'default'",
            allowed="'low', 'default' or 'high'",
            default="'default'",
            read=_priority,
        ),
        JobOption(
            name="queue",
            field="group",
            says=f"the group, of which one job runs at once, or `max_concurrency`, 1 to {MAX_CONCURRENCY}",
            allowed="a group's name, or {'name': …, 'max_concurrency': …}",
            default="no maximum",
            read=_group,
        ),
        JobOption(
            name="retries",
            field="",
            says="runs after the first, and with a policy the waits before them",
            allowed=f"a number from 0 to {MAX_RETRIES}, or a RetryPolicy such as RetryPolicy(count=5)",
            default=f"{RETRIES}; {RETRIES_IN_DEVELOPMENT} under `poscli dev`",
            read=_retries,
        ),
        JobOption(
            name="start_at",
            field="start_at",
            says="when it is due; a time that has passed means now",
            allowed="an aware datetime, or text such as 2024-04-03T12:00:00Z",
            default="now",
            read=_start_at,
        ),
        JobOption(
            name="timeout",
            field="timeout",
            says="how long one attempt may take",
            allowed=f"seconds, over 0 and up to {MAX_TIMEOUT:.0f}",
            default="setting `JOB_TIMEOUT`, or that of its priority",
            read=_timeout,
        ),
        JobOption(
            name="source_name",
            field="source_name",
            says="the name in the log and in listings",
            allowed="1 to 100 letters, digits, - and _",
            default="that of the action or partial",
            read=_name,
        ),
    )
}
"""Enqueueing, schedules, front matter and the documentation all take the options of Python jobs from here."""
