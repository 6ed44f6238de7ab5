"""Which names are a body's own at the point that a walk over it has come to.

A walk goes once through a body, in order, and a scope goes with it: noting a name and asking for one take the same time
however many names there are and however deep the blocks stand in each other. So a scope is never copied. What is surely
assigned is taken back where a branch ends. What may be assigned keeps the moment at which it was: the branches that are
open hide what came between their start and the one that the walk is in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

ANYTHING: Final = "*"
"""Stands among names that may be assigned for all of them: behind an include, whose partial may assign any."""


class Scope:
    """The body's own names at one point.

    Args:
        parameters: of the body.
    """

    def __init__(self, parameters: frozenset[str]) -> None:
        self._parameters = parameters
        self._innermost = parameters  # of the innermost block
        self._bound: dict[str, int] = {}  # how many loops and nested blocks around the point bind a name
        self._sure: set[str] = set()
        self._made_sure: list[str] = []
        self._maybe: dict[str, int] = {}  # by name, when it was noted
        self._noted: list[tuple[str, int | None]] = []  # each with what stood there before
        self._now = 0
        self._opened: list[int] = []  # when the branches around the point began
        self._turned: list[int] = []  # when the one of them began that the point is in
        self.in_loop = False  # whose names are noted before it is walked through

    def is_own(self, name: str) -> bool:
        """Return whether a name is surely the body's own."""
        return name in self._sure or name in self._parameters or self._bound.get(name, 0) > 0

    def may_be_own(self, name: str) -> bool:
        """Return whether a name is the body's own on some way to here."""
        return self._is_noted(name) or self.is_own(name)

    def assign(self, name: str) -> None:
        """Note a name that is assigned here."""
        if name not in self._sure:
            self._sure.add(name)
            self._made_sure.append(name)
        self.may_assign(name)

    def may_assign(self, name: str) -> None:
        """Note a name that is assigned here on some way."""
        if not self._is_noted(name):
            self._now += 1
            self._noted.append((name, self._maybe.get(name)))
            self._maybe[name] = self._now

    @contextmanager
    def branches(self) -> Iterator[None]:
        """Go through branches that do not see each other's names; behind them each name may be assigned."""
        self._now += 1
        self._opened.append(self._now)
        self._turned.append(self._now)
        try:
            yield
        finally:
            self._opened.pop()
            self._turned.pop()

    @contextmanager
    def branch(self, bound: Iterable[str]) -> Iterator[None]:
        """Go through one of the branches, with the names that it binds."""
        self._now += 1
        self._turned[-1] = self._now
        names = [*bound]
        self._bind(names, 1)
        sure = len(self._made_sure)
        try:
            yield
        finally:
            self._bind(names, -1)
            self._forget_sure(sure)

    @contextmanager
    def block(self, parameters: Iterable[str]) -> Iterator[None]:
        """Go through a nested block, which is given what is named here; what it assigns is its own."""
        around, self._innermost = self._innermost, frozenset(parameters)
        self._bind(self._innermost, 1)
        sure, noted = len(self._made_sure), len(self._noted)
        in_loop, self.in_loop = self.in_loop, False
        try:
            yield
        finally:
            self._bind(self._innermost, -1)
            self._innermost = around
            self.in_loop = in_loop
            self._forget_sure(sure)
            self._forget_noted(noted)

    def of_macro(self, bound: Iterable[str]) -> Scope:
        """Return the scope of a macro: its arguments and the parameters, not what the body assigns around it."""
        scope = Scope(self._innermost)
        scope._bind(bound, 1)
        return scope

    def _bind(self, names: Iterable[str], times: int) -> None:
        for name in names:
            self._bound[name] = self._bound.get(name, 0) + times

    def _is_noted(self, name: str) -> bool:
        noted = self._maybe.get(name)
        if noted is None:
            return False
        around = bisect_right(self._opened, noted) - 1
        return around < 0 or noted >= self._turned[around]

    def _forget_sure(self, count: int) -> None:
        while len(self._made_sure) > count:
            self._sure.discard(self._made_sure.pop())

    def _forget_noted(self, count: int) -> None:
        while len(self._noted) > count:
            name, before = self._noted.pop()
            if before is None:
                del self._maybe[name]
            else:
                self._maybe[name] = before
