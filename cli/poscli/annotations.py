"""What a check found, as commands of GitHub's workflows: each becomes an annotation at its line of a pull request."""

from __future__ import annotations

import os
from typing import Final

from liquid_background.jobs.log import printable_once
from liquid_background.lint import Finding, Severity

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}
_ESCAPED: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_ESCAPED_IN_PROPERTIES: Final = {**_ESCAPED, ":": "%3A", ",": "%2C"}


def annotation(item: Finding) -> str:
    """Return a finding as the line that has GitHub show it; whatever is in it cannot begin another command."""
    place = {"file": in_repository(item.path), "line": str(item.line), "col": str(item.column + 1)}
    if item.width:
        place |= {"endLine": str(item.line), "endColumn": str(item.column + 1 + item.width)}
    properties = {**place, "title": f"poscli check: {item.rule.name}"}
    given = ",".join(f"{name}={_escaped(value, _ESCAPED_IN_PROPERTIES)}" for name, value in properties.items())
    message = _escaped(f"{item.message}\n{item.fix}" if item.fix else item.message, _ESCAPED)
    return f"::{_LEVELS[item.rule.severity]} {given}::{message}"


def in_repository(path: str) -> str:
    """Return a path as the repository has it: from where GitHub has checked it out, elsewhere from where we are.

    What lies outside stays an absolute path.
    """
    root = os.path.realpath(os.environ.get("GITHUB_WORKSPACE") or os.getcwd())
    here = os.path.abspath(path)
    real = os.path.join(os.path.realpath(os.path.dirname(here)), os.path.basename(here))
    within = os.path.relpath(real, root)
    return real if within.split(os.sep)[0] == os.pardir else within


def _escaped(text: str, table: dict[str, str]) -> str:
    """Return text as a command takes it; what else a terminal would take for more than text is shown escaped."""
    return "".join(table.get(character) or printable_once(character) for character in text)
