"""Regular expressions of untrusted authors: asked whether they are found, in steps that grow with the text alone.

Python's own take a time that doubles with each character for some expressions, and nothing can end that. Here all ways
through an expression are gone at once, so each character of the text costs as many steps as the expression has parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, TypeAlias

_reader: Final[Any] = vars(re)["_parser"]  # which reads an expression to a tree; no stub has it
_MAX_PATTERN: Final = 500  # characters of an expression
_MAX_STATES: Final = 2_000  # that it is made into
_MAX_PARTS: Final = 20_000  # that it is read as: one of nothing is repeated into no state
_MAX_STEPS: Final = 2_000_000
"""Looks of a state at a character, about: half a second."""
_MOST_KEPT: Final = 32  # each takes up to half a megabyte
_DIGIT, _SPACE, _WORD = (re.compile(part) for part in (r"\d", r"\s", r"\w"))
_CATEGORIES: Final[dict[str, Callable[[str], bool]]] = {
    "CATEGORY_DIGIT": lambda one: _DIGIT.match(one) is not None,
    "CATEGORY_NOT_DIGIT": lambda one: _DIGIT.match(one) is None,
    "CATEGORY_SPACE": lambda one: _SPACE.match(one) is not None,
    "CATEGORY_NOT_SPACE": lambda one: _SPACE.match(one) is None,
    "CATEGORY_WORD": lambda one: _WORD.match(one) is not None,
    "CATEGORY_NOT_WORD": lambda one: _WORD.match(one) is None,
}
_PLACE_SIZE: Final = 4  # in looks: a boundary has two characters
_REPEATS: Final = frozenset(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"))

Test: TypeAlias = Callable[[str], bool]
Place: TypeAlias = Callable[[str, int], bool]


class Pattern:
    """An expression, as states with ways between them.

    A state is a test of one character with the state behind it, a place in the text with that, or a fork.

    Raises:
        ValueError: saying why it cannot be one.
    """

    def __init__(self, text: str) -> None:
        if len(text) > _MAX_PATTERN:
            raise ValueError(f"it has {len(text):,} characters; at most {_MAX_PATTERN} are allowed")
        try:
            tree = _reader.parse(text)
        except re.error as error:
            raise ValueError(str(error)) from None
        except (RecursionError, OverflowError):
            raise ValueError("it is nested too deep, or repeats something too often") from None
        self._ignores_case = bool(tree.state.flags & re.IGNORECASE)
        self._dot_is_all = bool(tree.state.flags & re.DOTALL)
        self._lines = bool(tree.state.flags & re.MULTILINE)
        self._states: list[tuple[Test | Place | None, bool, tuple[int, ...]]] = [(None, False, ())]  # 0: it is found
        self._parts = 0
        self._ranges = 0  # of all states: a set looks at one after the other, and a fork has many ways
        self._sets: dict[int, tuple[Test, int]] = {}  # by where they stand: one that is repeated is made once
        self._start = self._sequence(tree, 0)
        self._sets.clear()

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Return the pattern of an expression, which is kept."""
        return _kept(text)

    def is_in(self, text: str) -> bool:
        """Return whether it is found in a text.

        Raises:
            ValueError: when that would take too many steps.
        """
        if len(text) * (len(self._states) + self._ranges) > _MAX_STEPS:
            raise ValueError(f"it is too much for {len(text):,} characters of text")
        now: set[int] = set()
        for at in range(len(text) + 1):
            into: set[int] = set()
            if self._reach(now | {self._start}, text, at, into):
                return True
            if at == len(text):
                break
            one = text[at]
            now = {ways[0] for test, is_test, ways in map(self._states.__getitem__, into) if is_test and test(one)}  # type: ignore[call-arg, misc]
        return False

    def _reach(self, states: Iterable[int], text: str, at: int, into: set[int]) -> bool:
        """Follow all ways that need no character; return whether one ends."""
        left = [*states]
        while left:
            state = left.pop()
            if not state:
                return True
            if state in into:
                continue
            into.add(state)
            test, is_test, ways = self._states[state]
            if not is_test and (test is None or test(text, at)):  # type: ignore[call-arg]
                left.extend(ways)
        return False

    def _add(self, test: Test | Place | None, is_test: bool, *ways: int) -> int:
        if len(self._states) >= _MAX_STATES:
            raise ValueError("it repeats too much")
        self._states.append((test, is_test, ways))
        return len(self._states) - 1

    def _sequence(self, parts: Any, behind: int) -> int:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise ValueError("it repeats too much")
        for part in reversed([*parts]):
            behind = self._part(str(part[0]), part[1], behind)
        return behind

    def _part(self, kind: str, value: Any, behind: int) -> int:
        if kind in _REPEATS:
            least, most, repeated = value
            return self._repeat(least, most, repeated, behind)
        if kind == "SUBPATTERN":
            _, added, removed, inner = value
            if added or removed:
                raise ValueError("flags such as i hold for the whole of it: write (?i) at its start")
            return self._sequence(inner, behind)
        if kind == "ATOMIC_GROUP":
            return self._sequence(value, behind)
        if kind == "BRANCH":
            ways = [self._sequence(branch, behind) for branch in value[1]]
            self._ranges += len(ways)
            return self._add(None, False, *ways)
        if kind == "AT":
            self._ranges += _PLACE_SIZE
            return self._add(self._place(str(value)), False, behind)
        return self._add(self._test(kind, value), True, behind)

    def _repeat(self, least: int, most: Any, part: Any, behind: int) -> int:
        end = behind
        if str(most) == "MAXREPEAT":
            fork = self._add(None, False)
            self._states[fork] = (None, False, (self._sequence(part, fork), behind))
            behind = fork
        else:
            if int(most) > _MAX_STATES:
                raise ValueError("it repeats too much")
            for _ in range(int(most) - least):
                behind = self._add(None, False, self._sequence(part, behind), end)
        if least > _MAX_STATES:
            raise ValueError("it repeats too much")
        for _ in range(least):
            behind = self._sequence(part, behind)
        return behind

    def _place(self, kind: str) -> Place:
        match kind:
            case "AT_BEGINNING":
                return (lambda text, at: at == 0 or text[at - 1] == "\n") if self._lines else (lambda _, at: at == 0)
            case "AT_BEGINNING_STRING":
                return lambda _, at: at == 0
            case "AT_END":
                lines = self._lines
                return lambda text, at: at == len(text) or (text[at] == "\n" and (lines or at == len(text) - 1))
            case "AT_END_STRING":
                return lambda text, at: at == len(text)
            case "AT_BOUNDARY":
                return _is_boundary
            case "AT_NON_BOUNDARY":
                return lambda text, at: not _is_boundary(text, at)
        raise ValueError(f"{kind} is not taken here")

    def _test(self, kind: str, value: Any) -> Test:
        test = self._exact_test(kind, value)
        if self._ignores_case:
            self._ranges += 2  # it is asked three times
            test = _of_any_case(test)
        if kind == "NOT_LITERAL" or (kind == "IN" and str(value[0][0]) == "NEGATE"):
            return lambda one: not test(one)  # none of either case
        return test

    def _exact_test(self, kind: str, value: Any) -> Test:
        match kind:
            case "LITERAL" | "NOT_LITERAL":
                return chr(value).__eq__
            case "ANY":
                return (lambda _: True) if self._dot_is_all else "\n".__ne__
            case "RANGE":
                low, high = map(chr, value)
                return lambda one: low <= one <= high
            case "CATEGORY":
                return _CATEGORIES[str(value)]
            case "IN":
                test, ranges = self._sets.get(id(value)) or self._sets.setdefault(id(value), self._set(value))
                self._ranges += ranges
                return test
        raise ValueError("it looks around or back, which is not taken here")

    def _set(self, value: Any) -> tuple[Test, int]:
        """Return the test of a set, without its ^, and how many ranges there are in it."""
        members = [(str(kind), item) for kind, item in value if str(kind) != "NEGATE"]
        alone = frozenset(chr(item) for kind, item in members if kind == "LITERAL")
        tests = [self._exact_test(kind, item) for kind, item in members if kind != "LITERAL"]
        return (lambda one: one in alone or any(test(one) for test in tests)), len(tests)


def _of_any_case(test: Test) -> Test:
    return lambda one: test(one) or test(one.lower()[:1]) or test(one.upper()[:1])


def _is_boundary(text: str, at: int) -> bool:
    before = at > 0 and _WORD.match(text[at - 1]) is not None
    behind = at < len(text) and _WORD.match(text[at]) is not None
    return before is not behind


_kept: Final = lru_cache(maxsize=_MOST_KEPT)(Pattern)
