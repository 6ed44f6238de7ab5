"""One template rendered by walking over its nodes and as a Python function, and all that can be seen of both."""

from __future__ import annotations

import asyncio
import io
import itertools
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from liquid import DebugUndefined, DictLoader, Mode, StrictUndefined, Undefined
from liquid.builtin.expressions import Identifier
from liquid.builtin.tags.for_tag import ForLoop
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.job import Job, LogEntry
from liquid_background.language.compiled import deciding
from liquid_background.language.limits import Text
from liquid_background.language.syntax import explain, locate, trace

TURNS: Final = 3_000  # of loops in each other: as many as a template that was drawn may turn
_DEEP: Final = 6


@dataclass(frozen=True, slots=True)
class Way:
    """How a template is rendered."""

    mode: Mode = Mode.STRICT
    undefined: type[Undefined] = Undefined
    awaits: bool = False
    autoescape: bool = False

    def __str__(self) -> str:
        marks = ("async" if self.awaits else "sync", "escaped" if self.autoescape else "as it is")
        return ", ".join((self.mode.name, self.undefined.__name__, *marks))


WAYS: Final = [
    Way(*way)
    for way in itertools.product(
        (Mode.STRICT, Mode.WARN, Mode.LAX), (Undefined, StrictUndefined, DebugUndefined), (False, True), (False, True)
    )
]


@dataclass
class Kept:
    """Takes what renders make."""

    jobs: list[Job] = field(default_factory=list)
    entries: list[LogEntry] = field(default_factory=list)

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        self.jobs.extend(jobs)
        self.entries.extend(entries)

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        self.send(jobs, entries)


Prepare = Callable[[Environment], None]
Given = Callable[[], Mapping[str, Any]]


@contextmanager
def at_once() -> Iterator[None]:
    """Have templates compiled when they are first rendered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "patience", 0.0)
        yield


def environment(
    way: Way, partials: Mapping[str, str] | None = None, *, compile: bool = True, prepare: Prepare | None = None
) -> Environment:
    """Return an environment for one way to render."""
    made = Environment(
        loader=DictLoader(dict(partials or {})),
        tolerance=way.mode,
        undefined=way.undefined,
        autoescape=way.autoescape,
        compile=compile,
    )
    made.loop_iteration_limit = TURNS
    made.actions["same"] = lambda **given: given
    if prepare is not None:
        prepare(made)
    return made


def seen(env: Environment, source: str, data: Mapping[str, Any], way: Way, name: str = "pages/page") -> dict[str, Any]:
    """Return all that can be seen of a render."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            template = env.from_string(source, name=name)
        except Exception as error:  # noqa: BLE001  compared
            return {"parsing": _error(error)}
        return {**rendered(template, data, way), "warnings": [_without({}, shown(each.message)) for each in warned]}


def rendered(template: Any, data: Mapping[str, Any], way: Way) -> dict[str, Any]:
    """Return all that can be seen of a render of a template, but for its warnings."""
    kept = template.env.sink = Kept()
    context: Any = template.context_class(template, globals=template.make_globals(data))
    buffer, error = Text(template.env.output_stream_limit), None
    before = context.scope.size(), len(context.loops)
    try:
        if way.awaits:
            asyncio.run(template.render_with_context_async(context, buffer))
        else:
            template.render_with_context(context, buffer)
    except Exception as reason:  # noqa: BLE001  compared
        error = reason
    ids = {job.id: f"<job {number}>" for number, job in enumerate(kept.jobs)}
    unmade = template.compiled.why_walked if "Error: " in template.compiled.why_walked else ""
    if "RecursionError" in unmade or "MemoryError" in unmade:
        unmade = ""  # as it must be
    return {
        **({"unmade": unmade} if unmade else {}),
        "text": _without(ids, shown(io.StringIO.getvalue(buffer))),
        "error": error and _error(error),
        "locals": _without(ids, shown(context.locals)),
        "counters": shown(context.counters),
        "tags": _without({}, shown({key: each for key, each in context.tag_namespace.items() if key in _TAGS})),
        "left": (context.scope.size() - before[0], len(context.loops) - before[1]),
        "jobs": [_without(ids, str(job)) for job in kept.jobs],
        "entries": [_without(ids, str(entry)) for entry in kept.entries],
    }


_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")
_TAGS: Final = ("cycles", "stopindex", "ifchanged")


@dataclass
class Pair:
    """An environment that walks and one that compiles, otherwise alike."""

    way: Way
    partials: Mapping[str, str] = field(default_factory=dict)
    prepare: Prepare | None = None

    def __post_init__(self) -> None:
        self.walking = environment(self.way, self.partials, compile=False, prepare=self.prepare)
        self.compiling = environment(self.way, self.partials, prepare=self.prepare)

    def differences(self, source: str, given: Given, name: str = "pages/page") -> dict[str, tuple[Any, Any]]:
        """Return what differs: (walked, compiled) by what it is of."""
        with at_once():
            walked = seen(self.walking, source, given(), self.way, name)
            compiled = seen(self.compiling, source, given(), self.way, name)
        return unlike(walked, compiled)


def differences(
    source: str, given: Given, way: Way, partials: Mapping[str, str] | None = None, prepare: Prepare | None = None
) -> dict[str, tuple[Any, Any]]:
    """Return what differs in environments of its own."""
    return Pair(way, partials or {}, prepare).differences(source, given)


def unlike(walked: Mapping[str, Any], compiled: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs of two renders."""
    return {
        key: (walked.get(key), compiled.get(key))
        for key in {**walked, **compiled}
        if walked.get(key) != compiled.get(key)
    }


def _error(error: BaseException) -> dict[str, Any]:
    token = getattr(error, "token", None)
    cause = error.__cause__
    if isinstance(cause, RuntimeError) and isinstance(cause.__cause__, StopIteration):
        cause = cause.__cause__  # it went through a generator, such as a context manager
    told = {
        "class": type(error).__name__,
        "text": _without({}, _text(error)),
        "at": token and (token.kind, token.value, token.start_index),
        "template": getattr(error, "template_name", None),
        "cause": type(cause).__name__,
        "located": locate(error),
        "explained": _without({}, explain(error)),
        "trace": [str(place) for place in trace(error)],
    }
    if isinstance(error, LiquidError):
        told["detail"] = _without({}, shown(error.context()))
    return told


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as reason:  # noqa: BLE001  an application's own may do anything
        return f"str() raised {type(reason).__name__}"


def _without(ids: Mapping[str, str], text: str) -> str:
    for id, name in ids.items():
        text = text.replace(id, name)
    return _ADDRESS.sub(" at 0x…", text)


def shown(value: Any, depth: int = 0) -> str:
    """Return a text of a value and its type that is the same for equal ones."""
    kind = type(value)
    if issubclass(kind, Undefined):  # which may refuse all else
        return f"{kind.__name__}:{object.__getattribute__(value, 'name')}:{object.__getattribute__(value, 'hint')}"
    if kind is ForLoop:
        state = (value._index, value.length, value.name)
        return f"ForLoop{state} in {shown(value.parentloop, depth + 1) if depth < _DEEP else '…'}"
    if issubclass(kind, Warning | Exception):
        return f"{kind.__name__}:{_text(value)}"
    if isinstance(value, dict | list | tuple | set | frozenset):
        return f"{kind.__name__}[{_items(value, depth + 1) if depth < _DEEP else '…'}]"
    return _flat(value)


def _items(value: Any, depth: int) -> str:
    if not isinstance(value, dict):
        return ", ".join(shown(each, depth) for each in value)
    return ", ".join(f"{shown(key, depth)}: {shown(each, depth)}" for key, each in dict.items(value))


def _flat(value: Any) -> str:
    kind = type(value)
    if kind is int:
        return _number(value)
    if kind in (str, float, bool, bytes, type(None), range):
        return repr(value)
    if kind is Identifier:
        return str.__repr__(value)  # a text to all who read it
    return f"{kind.__name__}:{str.__repr__(value)}" if isinstance(value, str) else kind.__name__


def _number(value: int) -> str:
    return repr(value) if abs(value) < 1 << 4_000 else f"{value:#x}"[:40] + f"…{value.bit_length()}"


__all__ = ["WAYS", "Pair", "Way", "at_once", "differences", "environment", "rendered", "seen", "shown", "unlike"]
