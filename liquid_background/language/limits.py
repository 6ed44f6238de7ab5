"""What a render is held to: its time, and how large its output, its variables and its values may grow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import StringIO
from itertools import chain, islice
from math import inf
from time import monotonic
from typing import Any, Final

from liquid_background.errors import LimitReached, PageTimeout
from liquid_background.jobs.sizes import MAX_TEXT, megabytes

MAX_OUTPUT: Final = MAX_TEXT
"""Bytes that a page or a body may print, and that one value may take; `Environment.output_stream_limit` changes it."""
MAX_NAMESPACE: Final = 32 * 1024 * 1024
"""Bytes of what a template assigns and captures; `Environment.local_namespace_limit` changes it."""
MAX_TEMPLATE: Final = 256 * 1024
"""Bytes of a template: no clock is looked at while one is parsed, which takes seconds for 1 MB of `{{a}}`."""
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
MAX_EVENTS: Final = 1_000
"""Events of different names that one render or attempt may trigger."""
MAX_CONSUMERS: Final = 100
"""Consumers of one event that get it: their jobs are the page's, and each costs every render that triggers it."""
MAX_SCHEDULES: Final = 100
"""Schedules in the front matter of a site that are kept: each firing has a budget of its own."""
MAX_LINE_BYTES: Final = 256 * 1024
"""Bytes that they may take together."""
MAX_HELD: Final = 64 * 1024 * 1024
"""Bytes of the parsed templates that one render holds at the same time: none of them goes before it has been used."""

LIGHT: Final = 1024 * 1024
"""Bytes of a parsed template that no account is kept of: at most 30 are in use at once."""

_MOST_TURNS: Final = 32  # of a loop between two looks
_STEPS: Final = 64  # variables and filters between two looks; a large value counts as all of them
_HELD_BESIDE: Final = 4  # times the limit of the output: what blocks inside each other may hold together
_WIDEST: Final = 4  # bytes of a character in UTF-8
LARGE: Final = 1024
"""Characters or items of a value that takes so long to go through that the clock is looked at behind it."""


class Text(StringIO):
    """What a render prints. Written without a check, which would cost every page; a Watch looks at it now and then.

    Args:
        most: bytes of UTF-8; None for no limit.
        outer: the text that goes on when this one has ended, such as that around a `capture`.
    """

    def __init__(self, most: int | None, outer: Text | None = None) -> None:
        StringIO.__init__(self)
        self.most = inf if most is None else most
        self.outer = outer

    def getvalue(self) -> str:
        """Return the whole text.

        Raises:
            LimitReached: when it is too much.
        """
        text = StringIO.getvalue(self)
        if len(text) * _WIDEST > self.most:
            self.check(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))
        return text

    def check_whole(self) -> None:
        """Accept the whole text, before anything comes of it.

        Raises:
            LimitReached: when it is too much.
        """
        if self.tell() * _WIDEST > self.most:
            self.getvalue()

    def check(self, size: int) -> None:
        """Accept a size.

        Raises:
            LimitReached: when it is too much.
        """
        if size > self.most:
            message = f"the output is over {megabytes(self.most)} (Environment.output_stream_limit)"
            raise LimitReached(message, token=None)


class Watch:
    """Looks at the clock, and at what has been printed, as a render goes on; its contexts share it."""

    __slots__ = ("ends", "kept", "parents", "parsed", "passing", "seconds", "shared", "steps", "text")

    def __init__(self) -> None:
        self.seconds = self.ends = inf
        self.steps = _STEPS  # until the next look; contexts count them down
        self.parents = 0  # templates that are extended by those that are being rendered
        self.parsed: dict[str, int] = {}  # bytes of the templates that it holds, by their names
        self.kept: set[str] = set()  # those of them that it holds to its end
        self.passing = 0  # bytes of arguments that filters made, of the tags that are being rendered
        self.shared: Any = None  # what the tags of a dialect keep for the whole render
        self.text: Text | None = None  # the innermost one, or one that was

    def start(self, seconds: float) -> None:
        """Give the render that many seconds from now."""
        self.seconds, self.ends = seconds, monotonic() + seconds

    def look(self) -> None:
        """Go on while there is time, and room in what is printed.

        Raises:
            LimitReached: when there is not.
        """
        self.steps = _STEPS
        if self.ends != inf and monotonic() > self.ends:
            raise PageTimeout(f"rendering took over {self.seconds:g} s (LIQUID_BACKGROUND_PAGE_TIMEOUT)", token=None)
        text, held = self.text, 0
        while text is not None:
            size = text.tell()
            held += size
            text.check(max(size, held // _HELD_BESIDE))
            text = text.outer

    @contextmanager
    def holding(self, name: str, weight: int) -> Iterator[None]:
        """Keep account of a parsed template that is in use; one that is used in itself counts once.

        Raises:
            LimitReached: when all those that are in use take too much.
        """
        if name in self.parsed:
            yield
            return
        self._hold(name, weight)
        try:
            yield
        finally:
            if name not in self.kept:
                del self.parsed[name]

    def keep(self, name: str, weight: int) -> None:
        """Keep account of a parsed template of which the render keeps parts to its end, such as a macro.

        Raises:
            LimitReached: as `holding` does.
        """
        if name not in self.kept:
            self.kept.add(name)
            self._hold(name, weight)

    def _hold(self, name: str, weight: int) -> None:
        self.parsed[name] = weight
        if sum(self.parsed.values()) > MAX_HELD:
            message = f"the templates that are in use at once take over {megabytes(MAX_HELD)}, parsed"
            raise LimitReached(f"{message}: split them, or use fewer in each other; the limit is fixed", token=None)

    def paced(self, items: Iterator[Any], length: int) -> Iterator[Any]:
        """Return a loop's items, with a look every few turns; few turns count as steps."""
        self.steps -= min(length, _MOST_TURNS)
        return items if length <= _MOST_TURNS else chain.from_iterable(self._turns(items))

    def _turns(self, items: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
        while turns := tuple(islice(items, _MOST_TURNS)):
            self.look()
            yield turns


def nobody_looks() -> None:
    """Stand for a render's look at its clock where there is no render."""


def look(context: object) -> None:
    """Have a render look at its clock now."""
    watch = getattr(context, "watch", None)  # contexts of others have none
    if watch is not None:
        watch.look()


def hold(context: object, name: str, weight: int) -> AbstractContextManager[None]:
    """Have a render keep account of a parsed template that is in use."""
    watch = getattr(context, "watch", None)  # contexts of others have none
    return watch.holding(name, weight) if watch is not None else nullcontext()


def look_soon(context: object) -> None:
    """Have a render look at the clock at its next step: it has just gone through something large."""
    watch = getattr(context, "watch", None)  # contexts of others have none
    if watch is not None:
        watch.steps = -1
