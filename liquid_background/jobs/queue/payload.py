"""A job's payload, as it is sent and as a worker reads it back: strict JSON of a known version and shape. No I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NoReturn

from liquid_background.errors import JobRefused
from liquid_background.job import JOB_ID, MAX_DELAY, MAX_LINE, MAX_MADE, MAX_RETRIES, SHOWABLE_SOURCE_NAME, Job

PAYLOAD_VERSION: Final = 1
FUNCTION: Final = "liquid_background.rq_entry.perform"
"""The one function that our RQ jobs name; a worker runs no other."""

_encode_json: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_END: Final = b"}],{}]"
"""What the data of a record ends with, behind the last of its job's own values."""
_BEFORE_END: Final = -len(_END)
_FAMILY: Final = b',"generation":'
_SHARED: Final = ("template", "line", "column", "source", "partial", "function")
"""What the jobs of one block share."""


def payload_of(job: Job) -> dict[str, Any]:
    """Return a job's versioned payload: what a worker needs, as plain JSON values."""
    return {**_named(_shared(job)), **_own(job)}


def encode_data(job: Job) -> bytes:
    """Return the `data` field of a job's RQ record: (function, instance, args, kwargs) as JSON; encoded once."""
    if job.data is None:
        head = (_head if job.source is None else _kept_head)(_shared(job))
        data = f"{head},{_encode_json(_own(job))[1:]}],{{}}]"
        object.__setattr__(job, "data", data.encode("ascii"))
    assert job.data is not None
    return job.data


def admit(job: Job, generation: int, may_make: int, regain_parts: int = 1) -> None:
    """Give a job the place in its family that its render found, before it is sent: only then are its siblings known."""
    if job.data is not None:
        at = _BEFORE_END if job.may_make is None else job.data.rindex(_FAMILY)
        place = b'%b%d,"may_make":%d,"regain_parts":%d' % (_FAMILY, generation, may_make, regain_parts)
        object.__setattr__(job, "data", job.data[:at] + place + _END)
    object.__setattr__(job, "generation", generation)
    object.__setattr__(job, "may_make", may_make)
    object.__setattr__(job, "regain_parts", regain_parts)


def adopt(job: Job, parent: str) -> int:
    """Note in a job which job or page render made it, before its place in its family; return the bytes of its data."""
    if job.data is not None:
        at = _BEFORE_END if job.may_make is None else job.data.rindex(_FAMILY)
        data = b'%b,"parent":"%b"%b' % (job.data[:at], parent.encode("ascii"), job.data[at:])
        object.__setattr__(job, "data", data)
    object.__setattr__(job, "parent", parent)
    return len(encode_data(job))


def parent_of(payload: Mapping[str, Any]) -> str:
    """Return the id of what made a job; empty when its payload does not say one."""
    found = payload.get("parent")
    return found if isinstance(found, str) and JOB_ID.fullmatch(found) else ""


def encode_payload(payload: Mapping[str, Any]) -> bytes:
    """Return a payload that was read back as `encode_data` had written it."""
    return _encode_json((FUNCTION, None, (payload,), {})).encode("ascii")


def _shared(job: Job) -> tuple[Any, ...]:
    return (job.template, job.line, job.column, job.source, job.partial, job.function)


def _own(job: Job) -> dict[str, Any]:
    """Return the rest of the payload."""
    own: dict[str, Any] = {
        "source_name": job.source_name,
        "delay": job.delay,
        "max_attempts": job.max_attempts,
        "parameters": job.parameters,
        "handed_over": job.handed_over,
    }
    if job.edited_from:
        own["edited_from"] = job.edited_from
    if job.traceparent:
        own["traceparent"] = job.traceparent
    if job.parent:
        own["parent"] = job.parent
    if job.may_make is not None:
        own |= {"generation": job.generation, "may_make": job.may_make, "regain_parts": job.regain_parts}
    return own


def _named(values: tuple[Any, ...]) -> dict[str, Any]:
    given = {name: value for name, value in zip(_SHARED, values, strict=True) if value is not None}
    return {"v": PAYLOAD_VERSION, **given}


def _head(values: tuple[Any, ...]) -> str:
    """Return the data of a record up to the job's own values."""
    return f'["{FUNCTION}",null,[{_encode_json(_named(values))[:-1]}'


# A body is long, and the same for many jobs; its length has been checked, where a partial's name could be anything.
_kept_head = lru_cache(maxsize=128)(_head)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is larger than a float can be")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode_json: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).decode


def decode_json(data: bytes) -> Any:
    """Return what JSON in UTF-8 says.

    Raises:
        ValueError: when it is not JSON, is nested too deep to read, or holds a number that is none: NaN, 1e999.
    """
    try:
        return _decode_json(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


_begin: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).raw_decode
_SEAM: Final = b',"source_name":'
"""Between the body and the rest of a payload that `encode_data` made. No text in JSON holds it: quotes are escaped."""


def decode_payload(data: bytes) -> dict[str, Any]:
    """Return the payload in the `data` field of an RQ record.

    Raises:
        JobRefused: when the bytes are not JSON, name another function, or carry another payload version.
    """
    head, _, rest = data.partition(_SEAM)
    if rest.endswith(_END):
        # In two parts, since a body comes many times. When both can be read, they say what the whole says.
        try:
            text = f'{{"source_name":{rest[:_BEFORE_END].decode("utf-8")}}}'
            values, end = _begin(text)
            if end == len(text) and _OWN.issuperset(values):
                _check_own(values)
                return {**_kept_decoded(head), **values}
        except (JobRefused, ValueError, TypeError, RecursionError):
            pass  # the whole is read then, and says what is wrong
    return check_payload(_decoded(data))


@lru_cache(maxsize=128)
def _kept_decoded(head: bytes) -> dict[str, Any]:
    found = _decoded(head + _END)
    if not found:
        raise ValueError("an object that begins with a comma")
    _check_shared(found)
    return found


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        function, instance, args, kwargs = decode_json(data)
    except (ValueError, TypeError) as error:
        raise JobRefused("the record's data is not the JSON of a job; pickled jobs are never loaded") from error
    if function != FUNCTION or instance is not None or kwargs:
        raise JobRefused(f"the record names the function {_brief(function)}; only {FUNCTION} is run here")
    if not (isinstance(args, list) and len(args) == 1 and isinstance(args[0], dict)):
        raise JobRefused("the record's arguments are not one payload")
    return args[0]


def _brief(value: object) -> str:
    # Lists and objects may be nested deeper than Python can write them.
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else repr(str(value)[:80])


def check_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload when its version and shape are known.

    Raises:
        JobRefused: naming the field that is wrong.
    """
    _check_shared(payload)
    _check_own(payload)
    return payload


def _check_shared(payload: dict[str, Any]) -> None:
    """Accept what the jobs of one block share."""
    if payload.get("v") != PAYLOAD_VERSION:
        raise JobRefused(
            f"payload version {_brief(payload.get('v'))} is not known here (this worker knows {PAYLOAD_VERSION}); "
            "upgrade the worker"
        )
    _check_shape(payload, _SHAPE_SHARED)
    for name in ("line", "column"):
        if not 0 <= payload[name] <= MAX_LINE:
            raise _out_of_range(name, 0, MAX_LINE)
    bodies = [kind for kind in ("source", "partial", "function") if isinstance(payload.get(kind), str)]
    if len(bodies) != 1:
        raise JobRefused("the payload must carry exactly one of source, partial and function")


def _check_own(payload: dict[str, Any]) -> None:
    """Accept the rest, which is another one for each job."""
    if not _is_usual(payload):
        _look_at_own(payload)


def _is_usual(payload: dict[str, Any]) -> bool:
    """Return whether `_look_at_own` accepts the rest, for most of what it accepts: in a quarter of its time."""
    try:
        name, delay, attempts = payload["source_name"], payload["delay"], payload["max_attempts"]
        return (
            type(payload["parameters"]) is dict
            and type(payload["handed_over"]) is dict
            and type(name) is str
            and len(name) <= _LONGEST_NAME  # or it would be kept
            and _is_showable(name)
            and (type(delay) is float or type(delay) is int)
            and 0 <= delay <= MAX_DELAY
            and type(attempts) is int
            and 1 <= attempts <= MAX_RETRIES
            and "edited_from" not in payload
            and _has_usual_family(payload)
        )
    except KeyError:
        return False


def _has_usual_family(payload: dict[str, Any]) -> bool:
    if "generation" not in payload:
        return "may_make" not in payload and "regain_parts" not in payload
    generation, may_make, parts = payload["generation"], payload["may_make"], payload["regain_parts"]
    return (
        type(generation) is type(may_make) is type(parts) is int
        and 0 <= generation <= MAX_MADE
        and 0 <= may_make <= MAX_MADE
        and 0 <= parts <= MAX_MADE
    )


_LONGEST_NAME: Final = 100  # characters of a source name


@lru_cache(maxsize=256)
def _is_showable(source_name: str) -> bool:
    return SHOWABLE_SOURCE_NAME.fullmatch(source_name) is not None


def _look_at_own(payload: dict[str, Any]) -> None:
    _check_shape(payload, _SHAPE_OWN)
    if not 0 <= payload["delay"] <= MAX_DELAY:  # false for NaN, too
        raise _out_of_range("delay", 0, MAX_DELAY)
    if not 1 <= payload["max_attempts"] <= MAX_RETRIES + 1:
        raise _out_of_range("max_attempts", 1, MAX_RETRIES + 1)
    for name in _OF_FAMILY:
        number = payload.get(name, 0)
        if type(number) is not int or not 0 <= number <= MAX_MADE:
            raise JobRefused(f"the payload's {name} is not a whole number from 0 to {MAX_MADE}")
    if type(payload.get("edited_from", "")) is not str:
        raise JobRefused("the payload's edited_from is no text")
    if not SHOWABLE_SOURCE_NAME.fullmatch(payload["source_name"]):
        raise JobRefused("the payload's source_name is not one line of 1 to 100 characters that ends in no *")


def _check_shape(payload: dict[str, Any], shape: Iterable[tuple[str, tuple[type, ...]]]) -> None:
    for name, kinds in shape:
        if type(payload.get(name)) not in kinds:
            raise JobRefused(f"the payload's {name} is missing or of the wrong type")


def _out_of_range(name: str, least: int, most: float) -> JobRefused:
    return JobRefused(f"the payload's {name} is not from {least} to {most}")


_SHAPE_SHARED: Final[tuple[tuple[str, tuple[type, ...]], ...]] = (
    ("template", (str,)),
    ("line", (int,)),
    ("column", (int,)),
)
_SHAPE_OWN: Final[tuple[tuple[str, tuple[type, ...]], ...]] = (
    ("source_name", (str,)),
    ("parameters", (dict,)),
    ("handed_over", (dict,)),
    ("delay", (int, float)),
    ("max_attempts", (int,)),
)
_OF_FAMILY: Final = ("generation", "may_make", "regain_parts")
"""What payloads of the version before do not carry."""
_OWN: Final = frozenset((*(name for name, _ in _SHAPE_OWN), *_OF_FAMILY, "edited_from", "traceparent", "parent"))
"""What stands behind the seam: nothing there may be of the part before it, which has been checked by itself."""
