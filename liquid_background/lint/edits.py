"""What to write instead of a piece of a file, and texts in which that has been done."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from liquid import Token


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of a text, from its first character to behind its last one, and what to write instead.

    Lines are 1-based, columns 0-based, both in characters; only a newline ends a line. A piece without characters is a
    place to write at.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def replaced(source: str, start: int, written: str, text: str) -> tuple[Edit, ...]:
    """Return the edit that writes `text` instead of `written`; none when that does not stand at `start`."""
    if start < 0 or not source.startswith(written, start):
        return ()
    return (Edit(*place_of(source, start), *place_of(source, start + len(written)), text),)


def instead(token: Token, written: str, text: str) -> tuple[Edit, ...]:
    """Return the edit that writes `text` instead of `written`; none when that does not stand at a token."""
    return replaced(token.source, token.start_index, written, text)


def place_of(source: str, index: int) -> tuple[int, int]:
    """Return (line, column) of a character."""
    return source.count("\n", 0, index) + 1, index - (source.rfind("\n", 0, index) + 1)


def edited(text: str, edits: Together) -> str:
    """Return a text in which edits were made."""
    starts = _line_starts(text)
    pieces, done = [], 0
    for edit in edits:
        start = starts[edit.line - 1] + edit.column
        pieces += [text[done:start], edit.text]
        done = starts[edit.end_line - 1] + edit.end_column
    return "".join((*pieces, text[done:]))


class Together:
    """Edits that can be made together: no two of them write over the same characters."""

    def __init__(self) -> None:
        self._sorted: list[Edit] = []
        self._known: set[Edit] = set()

    def __iter__(self) -> Iterator[Edit]:
        return iter(self._sorted)

    def take(self, edits: Sequence[Edit]) -> bool:
        """Take edits in, all of them or none; return whether that could be done."""
        new = [edit for edit in edits if edit not in self._known]
        if any(self._is_in_the_way(edit) for edit in new):
            return False
        self._known.update(new)
        for edit in new:
            insort(self._sorted, edit, key=_piece)
        return True

    def _is_in_the_way(self, edit: Edit) -> bool:
        at = bisect_right(self._sorted, _piece(edit), key=_piece)
        before, behind = self._sorted[max(at - 1, 0) : at], self._sorted[at : at + 1]
        return any((other.end_line, other.end_column) > (edit.line, edit.column) for other in before) or any(
            (other.line, other.column) < (edit.end_line, edit.end_column) for other in behind
        )


def _piece(edit: Edit) -> tuple[int, int, int, int]:
    return edit.line, edit.column, edit.end_line, edit.end_column


def _line_starts(text: str) -> list[int]:
    starts = [0]
    while (newline := text.find("\n", starts[-1])) >= 0:
        starts.append(newline + 1)
    return starts
