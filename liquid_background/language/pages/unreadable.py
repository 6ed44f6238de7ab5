"""Why front matter is no YAML: in plain words, and where that begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

import yaml

from liquid_background.language.syntax import show

_CLOSERS: Final = {"[": "]", "{": "}"}
_DEEPEST: Final = 20  # brackets in each other, in which PyYAML becomes slow
_MOST_TOKENS: Final = 2000  # that are looked through for a bracket; 500 values are no more
_FOUND: Final = re.compile(r"(?:found|got) (?:character )?'(<[^>]*>|[^']*)'")
_COLON: Final = re.compile(r":[ \t]")
_END: Final = re.compile(r"^\.\.\.", re.MULTILINE)

_IN_QUOTES: Final = "put the value in quotes"
_NO_NAME: Final = "a line without `: ` is no `name: value`"
_DEPTH: Final = "the line is indented otherwise than those that it belongs to: start them all in one column"
_BEHIND_END: Final = "text stands behind `...`: take that line out"
_REASONS: Final = {
    "sequence entries are not allowed here": "a list cannot start behind a name: put each `- ` on a line of its own",
    "while scanning a block scalar": "behind `|` or `>` nothing else may stand in the line",
    "expected a single document in the stream": _BEHIND_END,
}
"""What PyYAML says, as its problem or context, and what that means."""

Reason: TypeAlias = tuple[str, int]
"""What is wrong, and the index in the block where that begins."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where PyYAML could not go on, and what it said."""

    block: str
    problem: str
    context: str
    at: int
    began: int  # where the construct begins that it was in

    @property
    def found(self) -> str:
        """What stood where something else was expected; "" when that is not what it said."""
        match = _FOUND.search(self.problem)
        return match[1] if match else ""

    @property
    def before(self) -> str:
        """The line up to there."""
        return self.block[self.block.rfind("\n", 0, self.at) + 1 : self.at]


def reason_against_block(error: yaml.MarkedYAMLError, block: str) -> Reason:
    """Return what is wrong with a block that PyYAML could not read, and the index where that begins.

    Where something is not closed, that is where it was opened: PyYAML notices at the block's end.
    """
    mark = error.problem_mark or error.context_mark
    at = int(mark.index) if mark else 0
    if type(error) is yaml.MarkedYAMLError:  # what our own loader refuses
        return error.problem or "", at
    began = int(error.context_mark.index) if error.context_mark else at
    stop = _Stop(block, error.problem or "", error.context or "", at, began)
    found = next(filter(None, (look(stop) for look in _LOOKS)), None)
    return found or (f"it cannot be read from here on: {_IN_QUOTES}", min(at, max(len(block.rstrip()) - 1, 0)))


def _quote(stop: _Stop) -> Reason | None:
    if not stop.context.endswith("quoted scalar"):
        return None
    if "escape" in stop.problem:
        return "a backslash in double quotes starts no escape here: put the value in single quotes", stop.at
    return f"the quote {stop.block[stop.began]} is not closed", stop.began


def _tab(stop: _Stop) -> Reason | None:
    start = stop.at - len(stop.before)
    indent = stop.block[start : len(stop.block) - len(stop.block[start:].lstrip(" \t"))]
    if "\t" in indent:
        return "the line is indented by a tab: use spaces", start + indent.index("\t")
    return ("a tab cannot stand before a value: use a space", stop.at) if stop.found == r"\t" else None


def _known(stop: _Stop) -> Reason | None:
    if stop.problem == "expected '<document start>', but found '<block mapping start>'":
        return (_BEHIND_END, stop.at) if _END.search(stop.block, 0, stop.at) else None
    reason = _REASONS.get(stop.problem) or _REASONS.get(stop.context)
    return (reason, stop.at) if reason else None


def _colon(stop: _Stop) -> Reason | None:
    if stop.problem == "could not find expected ':'":
        return _NO_NAME, stop.began
    if stop.problem != "mapping values are not allowed here":
        return None
    if _COLON.search(stop.before) or not stop.before.strip():
        return f"the value holds a `: ` of its own: {_IN_QUOTES}", stop.at
    start = stop.at - len(stop.before.lstrip())
    above = stop.block[: stop.at - len(stop.before)].rstrip()
    line = above[above.rfind("\n") + 1 :]
    if _COLON.search(line):
        return _DEPTH, start
    return _NO_NAME, len(above) - len(line.lstrip())


def _bracket(stop: _Stop) -> Reason | None:
    opener = _unclosed(stop.block, stop.at)
    if opener is None:
        return None
    bracket = stop.block[opener]
    return f"`{bracket}` is not closed: `{_CLOSERS[bracket]}` is missing", opener


def _unclosed(block: str, at: int) -> int | None:
    """Return where a bracket stands that is open at a place, and never closed by its like."""
    opened: list[int] = []
    with suppress(yaml.YAMLError):
        for token in islice(yaml.scan(block, Loader=yaml.BaseLoader), _MOST_TOKENS):
            index = int(token.start_mark.index)
            if isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
                opened.append(index)
                if len(opened) > _DEEPEST:
                    return None
            elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken) and opened:
                if _CLOSERS[block[opened[-1]]] != block[index]:
                    break
                opened.pop()
    return opened[-1] if opened and opened[-1] <= at else None


def _behind_value(stop: _Stop) -> Reason | None:
    if stop.found == "<scalar>":
        quote = _quoted_before(stop.block, stop.at)
        if quote is None:
            return f"text stands behind the end of a value: {_IN_QUOTES}", stop.at
        return "text stands behind the closing quote of this value: is a quote missing, or one too many?", quote
    if stop.found in _CLOSERS.values() and "node content" not in stop.problem:
        return f"`{stop.found}` closes nothing: take it out, or {_IN_QUOTES}", stop.at
    if stop.found == "," and "<block end>" in stop.problem:
        return f"text stands behind the end of a value: {_IN_QUOTES}", stop.at
    return None


def _quoted_before(block: str, at: int) -> int | None:
    """Return where the value begins that ends before a place, if it is in quotes."""
    last = None
    with suppress(yaml.YAMLError):
        for token in yaml.scan(block[:at], Loader=yaml.BaseLoader):
            last = token if isinstance(token, yaml.ScalarToken) else last
    return int(last.start_mark.index) if last is not None and not last.plain else None


def _token(stop: _Stop) -> Reason | None:
    if "',' or" in stop.problem:
        return "a `,` is missing here, or quotes around a value", stop.at
    if stop.found.startswith("<block") or stop.found in ("-", "?"):
        return _DEPTH, stop.at
    if stop.found and not stop.found.startswith("<"):
        return f"a value cannot start with {show(stop.found)}: put it in quotes", stop.at
    return None


_LOOKS: Final[tuple[Callable[[_Stop], Reason | None], ...]] = (
    *(_quote, _tab, _known, _colon),
    *(_bracket, _behind_value, _token),
)
"""What tells what is wrong, the most telling first."""
