"""The options of jobs, with the ranges that templates of platformOS rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from liquid_background.job import MAX_ATTEMPTS, SHOWABLE_SOURCE_NAME
from liquid_background.language.syntax import OPTIONS, Option

_MOST: Final = 9
"""Attempts that its own modules ask for; over MAX_ATTEMPTS they are as many as there can be."""
_ATTEMPTS: Final = OPTIONS["max_attempts"]


def _read_max_attempts(value: object) -> Any:
    count = _count(value)
    return _ATTEMPTS.read(value) if count is None else min(max(count, 1), MAX_ATTEMPTS)


def _remark_on_max_attempts(value: object) -> str:
    count = _count(value)
    if count is None or count <= MAX_ATTEMPTS:
        return ""
    return f"max_attempts is {count}: a job has {MAX_ATTEMPTS} attempts at most, and so has this one"


def _count(value: object) -> int | None:
    """Return a number of attempts that is taken here."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value.strip()) == 1:
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None


def _read_source_name(value: object) -> str:
    if isinstance(value, str) and SHOWABLE_SOURCE_NAME.fullmatch(value) and value.strip():
        return str(value)
    raise ValueError


RELAXED: Final[Mapping[str, Option]] = {
    **OPTIONS,
    "max_attempts": replace(
        _ATTEMPTS,
        allowed=f"an integer from 0 to {_MOST}; 0 is one attempt, {MAX_ATTEMPTS + 1} to {_MOST} are {MAX_ATTEMPTS}",
        read=_read_max_attempts,
        remark=_remark_on_max_attempts,
    ),
    "source_name": replace(
        OPTIONS["source_name"], allowed="one line of 1 to 100 characters that does not end in *", read=_read_source_name
    ),
}
