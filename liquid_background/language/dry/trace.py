"""A trace: which effects a dry run came by, and what of it depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from liquid_background.language.dry.marks import Marks

MAX_EFFECTS: Final = 1_000
"""Effects of one run that are listed, each with its arguments; what comes behind counts as the last of them."""
_LONGEST: Final = 10_000  # characters of an argument, or of a tag's text, that are listed


@dataclass(frozen=True, slots=True)
class Effect:
    """A call of the application's code that a dry run came by, and did not make.

    Attributes:
        number: from 1, among the effects of its preview.
        kind: `filter`, `tag`, `action`, `function`, `graphql`.
        name: what templates, or jobs, call it.
        arguments: by name; those without one by "0", "1", …. Not masked.
        template: where it stands; "" when nothing tells.
        line: of the template; 0 when nothing tells.
        text: of a tag: what stands in its block, rendered.
        is_previewed: whether what the application gives for previews stood for it: then nothing depends on it.
    """

    number: int
    kind: str
    name: str
    arguments: Mapping[str, Any]
    template: str = ""
    line: int = 0
    text: str = ""
    is_previewed: bool = False


@dataclass(slots=True)
class _Frame:
    """What is being rendered: a node, with what it has read of effects itself."""

    passes_on: bool  # whether what it reads goes where marks are found again, and decides nothing
    place: tuple[str, int] = ("", 0)
    reads: set[int] = field(default_factory=set)


class Trace:
    """What one dry run depends on.

    A value that depends on an effect carries a mark. Where one decides what happens — in a condition, a loop, or a tag
    of which nobody knows what it does with it — all that comes behind depends on the effect.

    Args:
        marks: of the preview.
        first: number of the first effect.
    """

    def __init__(self, marks: Marks, first: int = 1) -> None:
        self.marks = marks
        self.effects: list[Effect] = []
        self.decided: frozenset[int] = frozenset()  # effects that all that comes now depends on
        self.valued: frozenset[int] = frozenset()  # effects of which a value was read
        self.worked_on: frozenset[int] = frozenset()  # effects of whose value a filter would make something
        self.left_out = 0  # effects that are not listed
        self.options_depend: frozenset[int] = frozenset()  # of the next job
        self.jobs: list[tuple[frozenset[int], str]] = []  # what each depends on, and the event that made it, in order
        self.events: dict[str, int] = {}  # that were triggered, each with how many consumers get it
        self.entry_depends: list[frozenset[int]] = []  # of the log entries
        self._first = first
        self._frames = [_Frame(True)]

    # What nodes say.

    @contextmanager
    def inside(self, *, passes_on: bool, place: tuple[str, int] | None = None) -> Iterator[set[int]]:
        """Have what is read inside be a node's own; yields the numbers of the effects that it read.

        Args:
            passes_on: whether it only passes on what it reads.
            place: template and line; those of what is around it when not given.
        """
        self._settle()
        frame = _Frame(passes_on, place or self._frames[-1].place)
        self._frames.append(frame)
        try:
            yield frame.reads
        finally:
            self._settle()
            self._frames.pop()

    def _settle(self) -> None:
        """Have what comes now depend on what the innermost node has read, when it does not just pass that on."""
        frame = self._frames[-1]
        if frame.reads and not frame.passes_on:
            self.decide(frame.reads)

    def note(self, numbers: Iterable[int]) -> None:
        """Note that the innermost node has read what depends on effects."""
        self._frames[-1].reads |= {*numbers}
        self.valued = self.valued.union(numbers)

    def noted(self, value: object) -> Any:
        """Return a value that was read."""
        self.note(self.marks.numbers(value))
        return value

    def decide(self, numbers: Iterable[int]) -> None:
        """Have all that comes now depend on effects."""
        self.decided = self.decided.union(numbers)

    # What is made.

    def effect(self, kind: str, name: str, arguments: Mapping[str, Any], *, previewed: bool = False) -> int:
        """List an effect, at the place of the innermost node; return its number."""
        if len(self.effects) >= MAX_EFFECTS:
            self.left_out += 1
            return self.effects[-1].number
        number = self._first + len(self.effects)
        shown = {key: _short(self.marks.shown(value)) for key, value in arguments.items()}
        self.effects.append(Effect(number, kind, name, shown, *self._frames[-1].place, is_previewed=previewed))
        return number

    def value_of(self, number: int, label: str) -> str:
        """Return what stands for the value of an effect, which is read here."""
        self.note((number,))
        return self.marks.mark(label, (number,))

    def tell_text(self, number: int, text: str) -> None:
        """Add the text that stands in a tag's block."""
        at = number - self._first
        self.effects[at] = replace(self.effects[at], text=_short(self.marks.shown(text)))

    def depends(self, *values: object) -> frozenset[int]:
        """Return the effects that values depend on which are made here and now."""
        return self.decided.union(*(self.marks.numbers(value) for value in values))


def _short(value: Any) -> Any:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value
