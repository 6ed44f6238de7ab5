"""Editing a job: a new one from what the record of an old one says, with other values in the place of some."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, TypeAlias

from liquid_background.errors import EnqueueError, JobRefused, NotPlain
from liquid_background.job import MAX_CONCURRENCY, MAX_PAYLOAD, MAX_SOURCE_NAME, Encoded, Group, Job, Priority
from liquid_background.jobs import handover
from liquid_background.jobs.masking import MASKED
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.opening import SIGNED, inflate, limits_of, renew_signature
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.jobs.queue.reading import text, whole
from liquid_background.jobs.site import priority_of
from liquid_background.settings import Settings
from liquid_background.wording import kilobytes

EDITED: Final[tuple[str, ...]] = (*SIGNED, keys.GROUP, keys.GROUP_LIMIT)
"""The fields of a record that an edited job is made from."""
_LONGEST: Final = MAX_SOURCE_NAME  # bytes of a name
_NAMED: Final = 20  # values that an error names
_Values: TypeAlias = dict[str, Encoded]


def edited(
    job_id: str, values: Sequence[bytes | None], changes: Mapping[str, Any], settings: Settings, now: float | None
) -> Job:
    """Return a new job, due now, that differs from the one of a record in the values that are given.

    Values that are masked wherever they are shown are copied as they are.

    Args:
        job_id: the old one's.
        values: of the fields in EDITED.
        changes: by the name of a parameter or a handed-over value, or the path of what is inside one.
        settings: with the keys: the old record must be the one that was signed.
        now: seconds by the store's clock, not ahead of it; needed with keys only.

    Raises:
        JobRefused: when the record is none that may run.
        EnqueueError: when there is no such value, or the new one cannot travel.
    """
    fields = {name: value or b"" for name, value in zip(EDITED, values, strict=True)}
    try:
        if now is not None:
            renew_signature(job_id, values[: len(SIGNED)], settings, now)
        payload = decode_payload(inflate(fields["data"]))
        waits, limit = limits_of(fields["timeout"], fields["retry_intervals"], fields[keys.LIMIT])
    except JobRefused as error:
        raise JobRefused(f"cannot run job {job_id} again: {error}; enqueue it again where it comes from") from error
    parameters, handed_over = _changed(job_id, payload, changes)
    job = Job(
        **{name: payload[name] for name in _COPIED if name in payload},
        parameters=parameters,
        handed_over=handed_over,
        priority=priority_of(settings.site, text(fields["origin"], _LONGEST)) or Priority.DEFAULT,
        max_attempts=len(waits) + 1,
        waits=waits,
        timeout=limit,
        group=_group_of(fields),
        edited_from=job_id,
    )
    _check_size(job)
    return job


_COPIED: Final = (
    *("source_name", "template", "line", "column"),
    *("source", "partial", "function", "generation", "may_make", "regain_parts"),
)


def _group_of(fields: Mapping[str, bytes]) -> Group | None:
    name = text(fields[keys.GROUP], _LONGEST)
    return Group(name, whole(fields[keys.GROUP_LIMIT], 1, MAX_CONCURRENCY)) if name else None


def _changed(job_id: str, payload: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[_Values, _Values]:
    """Return the parameters and the handed-over values with others in the place of some."""
    named = deepcopy(payload["parameters"]), deepcopy(payload["handed_over"])
    for name, value in changes.items():
        _put(job_id, named, name, _encoded(job_id, name, value))
    return named


def _check_size(job: Job) -> None:
    size = len(encode_data(job))
    if size > MAX_PAYLOAD:
        raise EnqueueError(
            f"cannot run job {job.edited_from} again so: it would take {kilobytes(size)}, and at most "
            f"{MAX_PAYLOAD // 1024} KB can travel; pass ids instead of whole values"
        )


def _encoded(job_id: str, name: str, value: Any) -> Encoded:
    try:
        return handover.encode(value)
    except NotPlain as error:
        raise EnqueueError(f"cannot run job {job_id} again: {name!r} {error}; pass its id or plain values") from error


def _put(job_id: str, named: Sequence[dict[str, Encoded]], name: str, value: Encoded) -> None:
    """Put a value where a name leads: a parameter or a handed-over value, or what is inside one."""
    places = () if MASKED in name.split(".") else (*named, *_arguments(named))  # what is masked stays so
    for values in places:
        found = _place(values, name)
        if found is not None:
            holder, key = found
            holder[key] = value
            return
    known = sorted(_names(named))
    listed = ", ".join(known[:_NAMED]) + (", …" if known[_NAMED:] else "")
    has = f"it has {listed}" if known else "it has none"
    raise EnqueueError(f"cannot run job {job_id} again: it was given no value {name[:120]!r}; {has}")


def _names(named: Sequence[dict[str, Encoded]]) -> Iterator[str]:
    """Yield the names of what a job was given, of a Python function those of its arguments."""
    arguments = [*_arguments(named)]
    for name, value in (item for values in (*named, *arguments) for item in values.items()):
        if not arguments or (name not in ("kwargs", MASKED) and (name, value) != ("args", [])):
            yield name


def _arguments(named: Sequence[dict[str, Encoded]]) -> Iterator[dict[str, Encoded]]:
    """Yield the arguments of a Python function that have names."""
    arguments = named[0].get("kwargs")
    if isinstance(arguments, dict):
        yield arguments


def _place(values: Encoded, path: str) -> tuple[Any, Any] | None:
    """Return what holds the value that a path such as `user.id` leads to, and its key there; None without one."""
    if isinstance(values, list):
        head, _, rest = path.partition(".")
        if not (head.isdecimal() and int(head) < len(values)):
            return None
        return _place(values[int(head)], rest) if rest else (values, int(head))
    if not isinstance(values, dict):
        return None
    if path in values:
        return (values, path)
    for name, value in values.items():
        if path.startswith(f"{name}."):
            found = _place(value, path[len(name) + 1 :])
            if found is not None:
                return found
    return None


def value_of(written: str) -> Any:
    """Return a value that is given as text: what it says as JSON, else the text itself."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return written
