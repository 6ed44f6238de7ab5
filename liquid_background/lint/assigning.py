"""The assigns at the start of a block by which its job gets what the block reads of the page."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from liquid.builtin.expressions import Path

from liquid_background.language.tags import BackgroundNode
from liquid_background.lazy import kept
from liquid_background.lint.edits import Edit, replaced
from liquid_background.lint.members import SEGMENT, plain_path, written
from liquid_background.lint.partials import read_by
from liquid_background.lint.run import Run

_WORD: Final = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_TRIES: Final = 9  # names that are looked at for one that is free


class Blank(NamedTuple):
    """A page path that a body reads where nothing is handed over."""

    path: Path
    covered: int  # its segments that the page can resolve: up to the first bracket that may be the body's
    turn: str = ""  # what each thing is called that is in it, where it is what a loop goes through

    @property
    def handed(self) -> Path:
        """The part of it that the page can hand over."""
        return (
            self.path if self.covered == len(self.path.path) else Path(self.path.token, self.path.path[: self.covered])
        )


class _Place(NamedTuple):
    """Where assigns are written."""

    line: int
    column: int
    is_line: bool = False  # of a `liquid` tag
    before: str = ""  # of such a line: what it is indented by
    behind: str = ""


class Assigning:
    """The assigns of one block.

    Args:
        run: the check.
        node: the block.
    """

    def __init__(self, run: Run, node: BackgroundNode) -> None:
        self._run = run
        self._node = node
        self._names: dict[str, str] = {}

    def name(self, blank: Blank) -> str:
        """Return the name to assign a path to: one that means nothing else in the block."""
        handed = blank.handed
        text = written(handed)
        if text not in self._names:
            name = re.sub(r"\W+", "_", "_".join(str(part) for part in handed.path if isinstance(part, str | int)))
            if len(handed.path) > 1 or text != name:
                name = self._free(name)
                self._taken.add(name)
            self._names[text] = name
        return self._names[text]

    def edits(self, blank: Blank) -> tuple[Edit, ...]:
        """Return what has the job get a value: an assign, and its name where the value is read.

        None when the value surely is one that has members, which a page may not be able to hand over: its members
        are what to hand over. So it is behind a bracket that may be the body's.
        """
        token, name, path = blank.path.token, self.name(blank), plain_path(written(blank.path))
        here = token.source[token.start_index : _end_of(blank.path)]
        members = self._run.members_of(token.source)
        is_whole = blank.covered == len(blank.path.path) and plain_path(here) == path
        if not is_whole or path in members or blank.turn in members:
            return ()
        assign = self._assign(name, here)
        read = replaced(token.source, token.start_index, here, name) if here != name else ()
        return (*assign, *read) if assign and (read or here == name) else ()

    def _assign(self, name: str, value: str) -> tuple[Edit, ...]:
        """Return the edit that writes an assign at the start of the body, where it prints nothing."""
        environment, place = self._run.environment, self._place
        if not place.is_line:
            text = f"{environment.tag_start_string} assign {name} = {value} {environment.tag_end_string}"
        elif "\n" not in value:
            text = f"{place.before}assign {name} = {value}{place.behind}"
        else:
            return ()
        return (Edit(place.line, place.column, place.line, place.column, text),)

    @kept
    def _place(self) -> _Place:
        """Where in the template the body starts."""
        body, whole = self._node.source, self._node.token.source
        assert body is not None
        if whole.startswith(body.text, _index_of(whole, body.line, body.column)):
            return _Place(body.line, body.column)
        line = body.line + 1  # lines of a `liquid` tag, which stand behind that one's opener in the body's text
        first = whole[_index_of(whole, line, 0) :].partition("\n")[0]
        indent = first[: len(first) - len(first.lstrip())]
        return _Place(line, 0, is_line=True, before=indent, behind="\r\n" if first.endswith("\r") else "\n")

    def _free(self, name: str) -> str:
        tries = (name, *(f"{name}_{number}" for number in range(2, _TRIES)))
        return next((each for each in tries if each not in self._taken), f"{name}_of_page")

    @kept
    def _taken(self) -> set[str]:
        """The names that mean something in the block, in a partial that it includes, or by one of the assigns."""
        body = self._node.source
        assert body is not None
        read = read_by(self._run.partials, self._node) or frozenset()
        return {*_WORD.findall(body.text), *read, *self._node.parameter_names()}


def _end_of(path: Path) -> int:
    """Return where in its source a path ends."""
    token = path.token
    at = token.start_index + len(token.value)
    for _ in path.path[1:]:
        found = SEGMENT.match(token.source, at)
        at = found.end() if found is not None else at
    return at


def _index_of(source: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = source.find("\n", start) + 1
    return start + column
