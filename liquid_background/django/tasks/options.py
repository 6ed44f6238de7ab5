"""What OPTIONS of a backend in TASKS may say: the interface has no word for retries and time limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from liquid_background.job import MAX_RETRIES, MAX_TIMEOUT, Priority
from liquid_background.nearest import nearest
from liquid_background.wording import a


@dataclass(frozen=True, slots=True)
class _Option:
    """One option."""

    allowed: str
    fits: Callable[[Any], bool]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPTIONS: Final = {
    "max_attempts": _Option(
        f"a whole number from 1 to {MAX_RETRIES + 1}",
        lambda value: _is_number(value) and 1 <= value <= MAX_RETRIES + 1 and value == int(value),
    ),
    "timeout": _Option(
        f"seconds, over 0 and up to {MAX_TIMEOUT:.0f}", lambda value: _is_number(value) and 0 < value <= MAX_TIMEOUT
    ),
}


def problems(options: object) -> Iterator[str]:
    """Yield what is wrong with OPTIONS."""
    if not isinstance(options, Mapping):
        yield f"OPTIONS is {a(type(options).__name__)}; it must be a dict"
        return
    for name, value in options.items():
        if name not in _OPTIONS:
            near = nearest(str(name), _OPTIONS)
            hint = f"did you mean {near!r}?" if near else f"options are {', '.join(_OPTIONS)}"
            yield f"OPTIONS has the unknown option {name!r}: {hint}"
        elif not _OPTIONS[name].fits(value):
            yield f"OPTIONS: {name} is {value!r}; it must be {_OPTIONS[name].allowed}"


def job_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what right OPTIONS mean for a job; the waits before its retries are those of the setting RETRY_DELAYS."""
    timeout = options.get("timeout")
    return {
        "max_attempts": int(options.get("max_attempts", 1)),
        "timeout": None if timeout is None else float(timeout),
    }


def priority_of(priority: int) -> Priority:
    """Return the queue for a task's priority, from -100 to 100: low below 0, default at 0, high above it."""
    if priority == 0:
        return Priority.DEFAULT
    return Priority.HIGH if priority > 0 else Priority.LOW
