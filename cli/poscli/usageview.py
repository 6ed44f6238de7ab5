"""What jobs take in the store, as tables and as an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liquid_background.jobs.operating.usage import Space, Usage
from liquid_background.wording import counted
from poscli.tables import name_cell, table

_UNITS = ("B", "KB", "MB", "GB", "TB")


def amount(size: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def describe(usage: Usage) -> str:
    """Return it for reading."""
    found = [
        _tabled("KIND", "KEYS", usage.kinds, usage.bytes),
        _tabled("STATUS", "JOBS", {name: space for name, space in usage.states.items() if space.number}, usage.bytes),
        _tabled("SOURCE NAME", "JOBS", _named(usage.source_names), usage.bytes),
        _about(usage),
    ]
    return "\n\n".join(filter(None, found))


def _named(spaces: Mapping[str, Space]) -> dict[str, Space]:
    return {name_cell(name): space for name, space in spaces.items()}


def _tabled(heading: str, numbers: str, spaces: Mapping[str, Space], total: int) -> str:
    if not spaces:
        return ""
    rows = [
        (name, space.number, amount(space.bytes), f"{100 * space.bytes / max(1, total):.1f} %")
        for name, space in spaces.items()
    ]
    return table((heading, numbers, "SIZE", "SHARE"), rows)


def _about(usage: Usage) -> str:
    how = "as the server says" if usage.is_measured else "from lengths, since this user may not run MEMORY USAGE"
    parts = [f"{amount(usage.bytes)} in all: an estimate by {counted(usage.samples, 'weighed job')}, {how}"]
    if usage.looked_at < usage.keys:
        parts.append(f"only {usage.looked_at:,} of {usage.keys:,} keys were looked at for what is not of jobs")
    return "\n".join(parts)


def as_json(usage: Usage) -> dict[str, Any]:
    """Return it for programs."""
    return {
        "bytes": usage.bytes,
        "estimate": True,
        "samples": usage.samples,
        "measured": usage.is_measured,
        "keys_looked_at": usage.looked_at,
        "keys": usage.keys,
        "kinds": _spaces(usage.kinds),
        "states": _spaces(usage.states),
        "source_names": _spaces(usage.source_names),
    }


def _spaces(spaces: Mapping[str, Space]) -> dict[str, dict[str, int]]:
    return {name: {"number": space.number, "bytes": space.bytes} for name, space in spaces.items()}
