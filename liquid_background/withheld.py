"""Which values are never shipped: patterns of their paths, and where something in a value matches one."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from liquid_background.proxies import is_proxy, stood_for
from liquid_background.wording import alike

Name: TypeAlias = str | int | None
"""A name in a path; a number is a place in a list, and None a name that nobody knows, which may be any."""

_MANY: Final = "**"  # any number of names, none as well
_ANY: Final = "*"  # one name, or any part of one
_PART: Final = re.compile(r"[^\s.,\[\]\"'`]+")
_DEEPEST: Final = 50  # levels that are looked through: no value that travels has more
_MOST_BEGUN: Final = 1_000  # names that are known to begin a pattern, or none
_LONGEST: Final = 100  # characters of a path in a message


@dataclass(frozen=True, slots=True)
class Found:
    """A value that is never shipped."""

    path: str  # such as "user.card"
    pattern: str  # as the setting has it


class _Pattern(NamedTuple):
    text: str
    parts: tuple[re.Pattern[str] | None, ...]  # of names as `alike` has them; None: any number of names


_States: TypeAlias = frozenset[tuple[int, int]]  # patterns, each with how many of its parts were met
_NOWHERE: Final[_States] = frozenset()
_Seen: TypeAlias = tuple[int, _States]  # the id of a list or mapping, and what was met before it
_HOLDERS: Final = (Mapping, list, tuple)


def check_pattern(text: str) -> str:
    """Return a pattern, if it is one.

    Raises:
        ValueError: saying what is wrong.
    """
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    for part in text.split("."):
        if not part:
            raise ValueError(f"{shown!r} has a dot with no name beside it; write names with dots between, as user.card")
        if not _PART.fullmatch(part) or not part.isprintable():
            raise ValueError(f"{shown!r}: {part[:_LONGEST]!r} is no name; write names with dots between, as user.card")
        if _MANY in part and part != _MANY:
            raise ValueError(f"{shown!r}: ** stands alone between dots, for any number of names; * is part of a name")
    if not any(part.strip(_ANY) for part in text.split(".")):
        raise ValueError(f"{shown!r} would keep back every value; write a name in it, as user.* or *.password")
    return text


class NeverShip:
    """The patterns of the setting NEVER_SHIP.

    A pattern is met wherever its names follow each other in the path of a value, whatever stands before and behind:
    what is inside of a value that is never shipped is not shipped either. Names are compared as masking does it.

    Args:
        patterns: as `check_pattern` returns them.
    """

    __slots__ = ("_begun", "_patterns", "texts")

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.texts = tuple(patterns)
        self._begun: dict[Name, tuple[_States, str]] = {}  # what is met behind a name that stands first
        self._patterns = tuple(_Pattern(text, _parts(text)) for text in self.texts)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def at(self, names: Sequence[Name]) -> Found | None:
        """Return the first part of a path that is never shipped, if there is one."""
        return self._along(names)[0]

    def search(self, names: Sequence[Name], value: Any = None) -> Found | None:
        """Return what is never shipped of a value: it, what it is in, or the first such value inside it.

        Args:
            names: the value's path.
            value: what it holds is looked through in lists and mappings, and in no other objects.
        """
        found, states = self._along(names)
        return found or self._inside(value, [*names], states, set())

    def begun_by(self, names: Sequence[Name]) -> str:
        """Return the pattern of a value that may be inside the one with this path; "" when no pattern begins so."""
        states = self._along(names)[1]
        return next((self._patterns[number].text for number, _ in sorted(states)), "")

    def without(self, names: Sequence[Name], value: Any) -> Any:
        """Return a value without what is never shipped; itself where nothing is left out, None where all is."""
        found, states = self._along(names)
        if found:
            return None
        return self._pruned(value, states, {}) if self._inside(value, [*names], states, set()) else value

    def held_by(
        self, values: Mapping[str, Any], inside: Callable[[Any], Any], *, most: int, deepest: int
    ) -> Iterator[tuple[Found, Any]]:
        """Yield the plain values that are never shipped, of all that a page was given.

        Args:
            values: by name.
            inside: returns the list or mapping that stands for a value, None for a plain one.
            most: values that are looked at.
            deepest: levels of them.
        """
        left: deque[tuple[list[Name], Any, _States, Found | None]] = deque([([], values, _NOWHERE, None)])
        while left and most > 0:
            names, holder, states, around = left.popleft()
            for name, item in _items(holder):
                most -= 1
                after, met = (states, "") if around else self._step(states, name)
                path = [*names, name]
                found = around or (Found(written(path), met) if met else None)
                held = inside(item) if len(path) < deepest else None
                if held is not None:
                    left.append((path, held, after, found))
                elif found:
                    yield found, item
                if most <= 0:
                    break

    def _along(self, names: Sequence[Name]) -> tuple[Found | None, _States]:
        states = _NOWHERE
        for count, name in enumerate(names, 1):
            states, met = self._step(states, name)
            if met:
                return Found(written(names[:count]), met), states
        return None, states

    def _inside(self, value: Any, names: list[Name], states: _States, seen: set[_Seen]) -> Found | None:
        if len(names) > _DEEPEST or (id(value), states) in seen:
            return None
        for name, item in _items(value):
            after, met = self._step(states, name)
            if met:
                return Found(written([*names, name]), met)
            names.append(name)
            found = self._inside(item, names, after, seen)
            names.pop()
            if found:
                return found
        if isinstance(value, _HOLDERS):
            seen.add((id(value), states))  # it may be in there many times, or in itself
        return None

    def _pruned(self, value: Any, states: _States, made: dict[_Seen, Any]) -> Any:
        if not isinstance(value, _HOLDERS):
            return value
        if (id(value), states) not in made:
            made[id(value), states] = None  # where it is in itself
            kept: list[tuple[Name, Any]] = []
            for name, item in _items(value):
                after, met = self._step(states, name)
                if not met:
                    kept.append((name, self._pruned(item, after, made)))
            made[id(value), states] = dict(kept) if isinstance(value, Mapping) else [item for _, item in kept]
        return made[id(value), states]

    def _step(self, states: _States, name: Name) -> tuple[_States, str]:
        """Return what is met of the patterns behind one more name, and the pattern that is met whole, if one is."""
        key = 0 if isinstance(name, int) else name  # a place in a list begins no pattern
        known = self._begun.get(key) if not states else None
        if known is None:
            known = self._moved(states, name)
            if not states and len(self._begun) < _MOST_BEGUN:
                self._begun[key] = known
        return known

    def _moved(self, states: _States, name: Name) -> tuple[_States, str]:
        word = None if name is None else alike(str(name))
        is_place = isinstance(name, int)
        after = set(states) if is_place else set()  # such a place may be counted, or not
        begin = () if is_place else ((number, 0) for number in range(len(self._patterns)))
        for number, at in (*states, *begin):
            part = self._patterns[number].parts[at]
            if part is None:
                self._enter(after, number, at)
            elif word is None or part.fullmatch(word):
                self._enter(after, number, at + 1)
        met = min((number for number, at in after if at == len(self._patterns[number].parts)), default=None)
        return frozenset(after), "" if met is None else self._patterns[met].text

    def _enter(self, states: set[tuple[int, int]], number: int, at: int) -> None:
        states.add((number, at))
        parts = self._patterns[number].parts
        if at < len(parts) and parts[at] is None:
            self._enter(states, number, at + 1)


NOTHING: Final = NeverShip()


def _parts(text: str) -> tuple[re.Pattern[str] | None, ...]:
    """Return a pattern's parts, without wildcards before the first name and `**` behind the last, which add nothing."""
    parts = text.split(".")
    while parts[0] in (_ANY, _MANY):
        del parts[0]
    while parts[-1] == _MANY:
        del parts[-1]
    return tuple(None if part == _MANY else _name(part) for part in parts)


def _name(part: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(alike(piece)) for piece in part.split(_ANY)), re.DOTALL)


def _items(value: Any) -> Iterator[tuple[Name, Any]]:
    """Yield what a list or mapping holds, by name; of a named tuple, by the names of its fields."""
    if is_proxy(type(value)):
        value = stood_for(value)
    if isinstance(value, Mapping):
        yield from ((str(name), item) for name, item in value.items())
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", None)
        yield from zip(names, value, strict=False) if isinstance(names, tuple) else enumerate(value)


def written(names: Sequence[Name]) -> str:
    """Return a path as it is written, in one line and cut short."""
    text = "".join(
        f"[{'…' if name is None else name}]" if not isinstance(name, str) else f".{name}" for name in names
    ).removeprefix(".")
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
