"""What a render is held to: its time, and how large its output, its variables and its values may grow."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from itertools import chain, islice
from math import inf
from sys import getsizeof
from time import monotonic
from typing import Any, Final

from liquid_background.errors import LimitReached

MAX_OUTPUT: Final = 10 * 1024 * 1024
"""Bytes that a page or a body may print, and that one value may take; `Environment.output_stream_limit` changes it."""
MAX_NAMESPACE: Final = 32 * 1024 * 1024
"""Bytes of what a template assigns and captures; `Environment.local_namespace_limit` changes it."""
MAX_TURNS: Final = 10_000_000
"""Turns that nested loops may multiply to; `Environment.loop_iteration_limit` changes it."""
MAX_RANGE: Final = 100_000
"""Numbers of a range that is a value; one that only a `for` counts through may have MAX_TURNS."""
MAX_JOBS: Final = 1_000
"""Jobs that one render or attempt may make."""
MAX_JOB_BYTES: Final = 16 * 1024 * 1024
"""Bytes that they may take together: the store takes them in one step, and does nothing else meanwhile."""
MAX_LINES: Final = 1_000
"""Lines that one render or attempt may log."""
MAX_LINE_BYTES: Final = 256 * 1024
"""Bytes that they may take together."""

_MOST_TURNS: Final = 32  # of a loop between two looks at the clock
_ITEM: Final = 8  # bytes of a list's item that is not text: a reference


class Deadline:
    """The end of a render's time; the contexts of one render share it. Until it is started there is none."""

    __slots__ = ("ends", "seconds")

    def __init__(self) -> None:
        self.seconds = self.ends = inf

    def start(self, seconds: float) -> None:
        """Give the render that many seconds from now."""
        self.seconds, self.ends = seconds, monotonic() + seconds

    def check(self) -> None:
        """Go on while there is time.

        Raises:
            LimitReached: when it is over.
        """
        if monotonic() > self.ends:
            raise LimitReached(f"rendering took over {self.seconds:g} s (setting page_timeout)", token=None)

    def paced(self, items: Iterator[Any]) -> Iterator[Any]:
        """Return a loop's items, with a look at the clock every few turns."""
        return items if self.ends == inf else chain.from_iterable(self._turns(items))

    def _turns(self, items: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
        count = 1
        while turns := tuple(islice(items, count)):
            self.check()
            yield turns
            count = min(2 * count, _MOST_TURNS)


class Text(StringIO):
    """What a render prints, up to so many bytes of UTF-8.

    Args:
        most: bytes; None for no limit.
    """

    def __init__(self, most: int | None) -> None:
        super().__init__()
        self._most: float = inf if most is None else most
        self.room = self._most  # that is left

    def write(self, text: str) -> int:
        """Take text.

        Raises:
            LimitReached: when it is too much; nothing of it is kept.
        """
        self.room -= len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if self.room < 0:
            message = f"the output is over {megabytes(self._most)} (Environment.output_stream_limit)"
            raise LimitReached(message, token=None)
        return super().write(text)

    def inner(self) -> Text:
        """Return the text of a `capture` inside, which may take what is left of this one."""
        text = Text(None)
        text._most, text.room = self._most, self.room
        return text


def weigh(value: object) -> int:
    """Return about how many bytes a template's value holds, without looking deep into it."""
    if isinstance(value, list | tuple):
        return _ITEM * len(value) + sum(map(getsizeof, [item for item in value if isinstance(item, str)]))
    if isinstance(value, dict):
        return _ITEM * len(value) + sum(map(getsizeof, [item for item in value.values() if isinstance(item, str)]))
    return getsizeof(value, _ITEM)


def megabytes(count: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 1024**2:g} MB" if count >= 1024**2 else f"{count:,.0f} bytes"
