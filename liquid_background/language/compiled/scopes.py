"""Where the names of a template are found, as far as its text tells: the loops around a place, and all else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from liquid_background.language.compiled.source import Source


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop around the place that is written.

    Attributes:
        name: what the template calls the item.
        item: the local variable that has it.
        forloop: the local variable that has the loop's state.
    """

    name: str
    item: str
    forloop: str


class Scopes:
    """The loops around the place that is written, innermost last."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.loops: list[Loop] = []
        self.asked: dict[str, None] = {}  # the names that are looked up where no loop has them, in order

    @contextmanager
    def inside(self, loop: Loop) -> Iterator[None]:
        """Write what is inside a loop."""
        self.loops.append(loop)
        try:
            yield
        finally:
            self.loops.pop()

    def lookup(self, name: str) -> str:
        """Return Python for what a name stands for; MISS for nothing."""
        for loop in reversed(self.loops):
            if name == loop.name:
                return loop.item
            if name == "forloop":
                return loop.forloop
        self.asked[name] = None
        key = self._source.text(name)
        return f"F[{key}] if {key} in F else L[{key}] if {key} in L else G[{key}] if {key} in G else find(B, {key})"

    def look_again(self) -> None:
        """Write that what was found before is looked up again, where what was called has named other values so."""
        line = self._source.line
        with self._source.block("if watch.rebound:"):
            line(f"F = front_of(context, ASKED, {len(self.loops)})")
            for outwards, loop in enumerate(reversed(self.loops)):
                line(f"{loop.item} = context.scope._maps[{outwards}][{self._source.text(loop.name)}]")

    def forloop_of(self, name: str) -> str | None:
        """Return the local variable of the state of the innermost loop, if a name stands for that."""
        if name != "forloop" or not self.loops or self.loops[-1].name == name:
            return None
        return self.loops[-1].forloop
