"""The check of what NEVER_SHIP names: which tags would be refused in a render, as far as that can be known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from liquid import Node
from liquid.builtin.expressions import Path

from liquid_background.language.syntax import line_of, unfiltered
from liquid_background.lint.finding import Finding, Severity, finding
from liquid_background.lint.origins import Origins, Passed, Passing
from liquid_background.lint.partials import Partials
from liquid_background.withheld import Found, NeverShip

_FIX: Final = "pass its id, or assign a part of it before the tag, such as `| slice: -4` makes, and pass that"


def check_shipped(partials: Partials, path: str, nodes: Iterable[Node]) -> Iterator[Finding]:
    """Yield where a template hands over what is never shipped, and where a value may hold that.

    Args:
        partials: of the check, with the environment whose setting counts.
        path: of the file.
        nodes: of the file.
    """
    never_ship = partials.environment.never_ship
    told: dict[Finding, None] = {}  # what a nested block is given, the one around it is handed: at the same place
    for passing in Origins(partials).passings(nodes) if never_ship else ():
        for passed in passing.passed:
            found = shipped(never_ship, passed)
            may_hold = "" if found else may_ship(never_ship, passed)
            if found or may_hold:
                told[_finding(path, passing, passed, found, may_hold)] = None
    yield from told


def shipped(never_ship: NeverShip, passed: Passed) -> Found | None:
    """Return what is never shipped of a value that a tag passes on, by its paths and by those it stands for."""
    for names in (*passed.origins, passed.names):
        known = names[: names.index(None)] if None in names else names
        found = never_ship.at(known)
        if found:
            return found
    return None


def may_ship(never_ship: NeverShip, passed: Passed) -> str:
    """Return the pattern of what may be inside a value that is passed on whole; "" for none."""
    if not isinstance(unfiltered(passed.expression), Path) or passed.kind in ("option", "name"):  # of texts and numbers
        return ""
    return next(filter(None, map(never_ship.begun_by, (*passed.origins, passed.names))), "")


def _finding(path: str, passing: Passing, passed: Passed, found: Found | None, may_hold: str) -> Finding:
    what = f"`{passed.expression}`"
    if found:
        same = found.path == str(passed.expression)
        stands = "" if same else f", which is `{found.path}` here,"
        message = f"{what}{stands} is never shipped, as NEVER_SHIP has {found.pattern}"
    else:
        message = f"{what} is refused where it holds what NEVER_SHIP has as {may_hold}"
    token = passed.expression.token
    if passing.way_in is not None:
        message = f"{message} ({passing.template}:{line_of(token)})"
        token = passing.way_in.token
    told = finding(path, token, "never-ship", message, _FIX)
    return told if found else replace(told, rule=replace(told.rule, severity=Severity.WARNING))
