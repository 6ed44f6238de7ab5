"""The Python that is written for a template: its lines, their tokens, and the values that they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from liquid import Token

MAX_LINES: Final = 5_000
"""Lines of Python for a template, of which CPython takes some 10 µs and 100 bytes for each."""
_DEEPEST: Final = 90  # blocks in each other; Python takes 100 levels of indentation
_LONGEST: Final = 500  # characters of a text that stands in the source; a longer one is a value with a name
_SMALL: Final = 1 << 63  # from which on a number is a value with a name: Python reads none of over 4,300 digits


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression has become.

    Attributes:
        python: the Python for its value: a local variable, a literal, or something as cheap.
        kind: its type where that is sure: str, int, float, bool, NoneType, or "".
    """

    python: str
    kind: str = ""


class TooMuch(Exception):
    """Raised when a template would become more Python than it is worth."""


class Source:
    """Python source as it is written.

    Whatever comes from a template reaches it by `repr`, or as a value with a made name.

    Args:
        awaits: whether the function is to be `async`.
        autoescape: whether what is printed is escaped.
    """

    def __init__(self, *, awaits: bool, autoescape: bool) -> None:
        self.awaits = awaits
        self.autoescape = autoescape
        self.calls = 0  # of tags and filters that may change the context, since that was last asked about
        self.lines: list[str] = []
        self.tokens: list[Token | None] = []  # by line
        self.values: dict[str, Any] = {}  # by the names that the source has for them
        self._names: dict[int, str] = {}  # by the identity of the value
        self._made = 0
        self._depth = 0
        self._token: Token | None = None

    def line(self, text: str) -> None:
        """Write a line.

        Raises:
            TooMuch: when there are too many, or they are in too many blocks.
        """
        if len(self.lines) >= MAX_LINES:
            raise TooMuch(f"it would be over {MAX_LINES:,} lines of Python")
        if self._depth > _DEEPEST:
            raise TooMuch(f"it would be over {_DEEPEST} blocks of Python in each other")
        self.lines.append(" " * self._depth + text)
        self.tokens.append(self._token)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write a compound statement, whose body is written meanwhile."""
        self.line(head)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def at(self, token: Token) -> Iterator[None]:
        """Have lines stand for a token."""
        outer, self._token = self._token, token
        try:
            yield
        finally:
            self._token = outer

    def fresh(self, letter: str = "v") -> str:
        """Return a new name for a local variable."""
        self._made += 1
        return f"{letter}{self._made}"

    def value(self, value: object) -> str:
        """Return the name of a value that the source needs."""
        name = self._names.get(id(value))
        if name is None:
            self._made += 1
            name = self._names[id(value)] = f"K{self._made}"
            self.values[name] = value
        return name

    def text(self, text: str) -> str:
        """Return what stands for a text."""
        return repr(text) if type(text) is str and len(text) <= _LONGEST else self.value(text)

    def number(self, number: int) -> str:
        """Return what stands for a whole number."""
        return f"({number})" if type(number) is int and -_SMALL < number < _SMALL else self.value(number)

    def later(self) -> int:
        """Leave room for a line that is known later; return its place."""
        self.line("pass")
        return len(self.lines) - 1

    def fill(self, place: int, text: str) -> None:
        """Write a line into the room that was left for it."""
        line = self.lines[place]
        self.lines[place] = line[: len(line) - len("pass")] + text
