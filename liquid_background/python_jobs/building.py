"""Jobs from Python calls: of a registered function, or of a partial by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from liquid_background.errors import EnqueueError, NotPlain
from liquid_background.job import MAX_PAYLOAD, Encoded, Job, plain_name
from liquid_background.jobs.handover import IsWhole, encode, size
from liquid_background.jobs.masking import MASKED, looks_secret
from liquid_background.jobs.queue.payload import encode_data
from liquid_background.python_jobs.function import Function
from liquid_background.withheld import NOTHING, NeverShip
from liquid_background.wording import kilobytes


def build_call(
    function: Function[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    fields: Mapping[str, Any],
    *,
    secret_names: Sequence[str] = (),
    masked: Sequence[str] = (),
    never_ship: NeverShip = NOTHING,
) -> Job:
    """Return the job of a call.

    Args:
        function: what is called.
        args: its positional arguments.
        kwargs: its named arguments.
        fields: any of the job's.
        secret_names: parts of names, such as those of the setting SECRET_NAMES: a positional argument of such a name is
            masked where it is shown.
        masked: what else is, as places such as `kwargs.args.0`.
        never_ship: what no job is given.

    Raises:
        EnqueueError: when the arguments don't fit the function, are not plain data, take too much room, or hold what is
            never shipped.
    """
    name = function.path
    unnamed, named, names = _by_name(function, args, kwargs)
    positional = [_encode(name, f"argument {number}", value) for number, value in enumerate(unnamed, 1)]
    parameters = {"args": positional, "kwargs": _encode_all(name, "argument", named)}
    _check_shipped(name, never_ship, [*zip(names, unnamed, strict=False), *named.items()])
    places = [*(f"args.{at}" for at, each in enumerate(names) if looks_secret(each, secret_names)), *masked]
    if places:
        parameters[MASKED] = places
    job = Job(
        **{
            "source_name": source_name_of(function.__qualname__),
            "template": name,
            "line": function.line,
            "function": name,
            "parameters": parameters,
            **fields,
        }
    )
    return _fit(job, name)


def _by_name(
    function: Function[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any], Sequence[str]]:
    """Return the arguments, by name where the function allows: errors and listings tell, and secrets are masked.

    Behind those that stay in their places are the names of their parameters. Where a wrapper makes of them what it
    likes, each has all names: any of these may be its own.
    """
    signature = inspect.signature(function.__wrapped__)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        if _fit_wrapper(function.__wrapped__, args, kwargs):
            return args, kwargs, [" ".join(signature.parameters)] * len(args)
        raise EnqueueError(f"cannot enqueue {function.path}: {error}") from error
    if any(each.kind in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL) for each in signature.parameters.values()):
        return args, kwargs, _positional(function.__wrapped__, len(args))
    return (), {**dict(zip(signature.parameters, args, strict=False)), **kwargs}, ()


def secret_positions(function: Callable[..., Any], count: int, secret_names: Sequence[str]) -> Iterator[int]:
    """Yield which of so many positional arguments have names, in the function's signature, that look secret."""
    for at, each in enumerate(_positional(function, count)):
        if looks_secret(each, secret_names):
            yield at


def _positional(function: Callable[..., Any], count: int) -> Sequence[str]:
    names: list[str] = []
    for each in inspect.signature(function).parameters.values() if count else ():
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD):
            names.append(each.name)
        elif each.kind is each.VAR_POSITIONAL:
            names += [each.name] * (count - len(names))
    return names[:count]


def _fit_wrapper(wrapper: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether arguments fit a function that wraps another one, to which it may give more, such as a session."""
    try:
        inspect.signature(wrapper, follow_wrapped=False).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def build_partial(
    name: str,
    parameters: Mapping[str, Any],
    fields: Mapping[str, Any],
    is_whole: IsWhole = lambda _: True,
    never_ship: NeverShip = NOTHING,
) -> Job:
    """Return the job that renders a partial with parameters.

    Args:
        name: of the partial.
        parameters: what it is given.
        fields: any of the job's.
        is_whole: whether a template reads all that is in a value, so that it may have it.
        never_ship: what no job is given.

    Raises:
        EnqueueError: when a parameter is not plain data or holds what is never shipped, or they take too much room.
    """
    encoded = _encode_all(name, "parameter", parameters, is_whole)
    _check_shipped(name, never_ship, parameters.items())
    job = Job(
        **{
            "source_name": source_name_of(name),
            "template": name,
            "line": 1,
            "partial": name,
            "parameters": encoded,
            **fields,
        }
    )
    return _fit(job, name)


def source_name_of(name: str) -> str:
    """Return the end of a name as source names may be."""
    return plain_name(name).strip("_")[-100:] or "job"


def _encode_all(
    name: str, kind: str, values: Mapping[str, Any], is_whole: IsWhole = lambda _: True
) -> dict[str, Encoded]:
    return {key: _encode(name, f"{kind} {key!r}", value, is_whole) for key, value in values.items()}


def _encode(name: str, what: str, value: object, is_whole: IsWhole = lambda _: True) -> Encoded:
    try:
        return encode(value, is_whole)
    except NotPlain as reason:
        raise EnqueueError(f"cannot enqueue {name}: {what} {reason}; pass its id or plain values") from reason


def _check_shipped(name: str, never_ship: NeverShip, values: Iterable[tuple[str, Any]]) -> None:
    for key, value in values if never_ship else ():
        found = never_ship.search((key,), value)
        if found:
            what = f"{found.path!r} is never shipped, as NEVER_SHIP has {found.pattern}"
            raise EnqueueError(f"cannot enqueue {name}: {what}; pass its id, or a part")


def _fit(job: Job, name: str) -> Job:
    """Return the job when it is small enough to travel."""
    data = encode_data(job)
    if len(data) <= MAX_PAYLOAD:
        return job
    given = {**job.parameters, **job.parameters.get("kwargs", {})} if job.function else job.parameters
    parts = {key: value for key, value in given.items() if not (job.function and key == "kwargs")}
    largest = max(parts, key=lambda key: size(parts[key]))
    raise EnqueueError(
        f"cannot enqueue {name}: the job takes {kilobytes(len(data))}, at most {MAX_PAYLOAD // 1024} KB can travel; "
        f"pass ids instead of whole values (the largest is {largest!r})"
    )
