"""What a check found, as lines: for people, and as one JSON object each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from liquid_background.jobs.log import printable, steady
from liquid_background.lint import Edit, Finding, Mending, Severity
from liquid_background.wording import counted
from poscli.terminal import fitted, styled

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}


def finding_line(item: Finding, style: str, *, mended: bool = False) -> str:
    """Return a finding as text, with what to write in a second line, or as a JSON object in one."""
    if style == "json":
        return json.dumps(_values(item) | ({"mended": True} if mended else {}))
    severity = str(item.rule.severity)
    word = styled("mended", fg="green") if mended else styled(severity, fg=_COLOURS[item.rule.severity])
    place = f"{steady(item.path)}:{item.line}:{item.column + 1}"
    line = f"{place}: {word}: {printable(item.message)} [{item.rule.name}]"
    return fitted(f"{line}\n    {printable(item.fix)}" if item.fix and not mended else line)


def has_errors(found: Iterable[Finding]) -> bool:
    """Return whether a check with these findings failed."""
    return any(item.rule.severity is Severity.ERROR for item in found)


def summary(found: Sequence[Finding], files: int) -> str:
    """Return the last line of a check."""
    return f"{_counts(found) or 'nothing wrong'} in {counted(files, 'file')}"


def summary_of_mending(mending: Mending, files: int, done: str = "mended") -> str:
    """Return the last line of a check that mends."""
    count = sum(len(each.findings) for each in mending.mended)
    if not count:
        return f"nothing {done}; {summary(mending.left, files)}"
    where = counted(len(mending.mended), "file")
    return f"{count:,} {done} in {where}; {_counts(mending.left) or 'nothing wrong'} left in {counted(files, 'file')}"


def _counts(found: Iterable[Finding]) -> str:
    counts = Counter(item.rule.severity for item in found)
    return ", ".join(counted(counts[severity], str(severity)) for severity in Severity if counts[severity])


def _values(item: Finding) -> dict[str, Any]:
    return {
        "path": item.path,
        "line": item.line,
        "column": item.column + 1,
        "severity": str(item.rule.severity),
        "rule": item.rule.name,
        "message": item.message,
        "fix": item.fix,
        "width": item.width,
        "edits": [*map(_edit, item.edits)],
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {
        "line": edit.line,
        "column": edit.column + 1,
        "end_line": edit.end_line,
        "end_column": edit.end_column + 1,
        "text": edit.text,
    }
