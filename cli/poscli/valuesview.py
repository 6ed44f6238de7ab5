"""What `poscli check --values` prints: what each job of a template is handed, and what stays behind."""

from __future__ import annotations

import json
from dataclasses import asdict

from liquid_background.jobs.log import printable, steady
from liquid_background.lint import Handing, Value
from poscli.terminal import styled

_INDENT = "    "


def describe(handing: Handing) -> str:
    """Return one job's values as lines to read."""
    runs = f" runs {', '.join(map(printable, handing.runs))}" if handing.runs else ""
    name = f" {printable(handing.name)}" if handing.name else ""
    head = f"{steady(handing.path)}:{handing.line}:{handing.column}: {handing.kind}{styled(name, bold=True)}{runs}"
    rows = [(value.kind, _given(value), _from(value)) for value in handing.values]
    rows += [
        ("stays behind", each.name, f"line {each.line}{f' of {each.template}' if each.template else ''}: {each.why}")
        for each in handing.behind
    ]
    if not rows:
        return f"{head}\n{_INDENT}nothing is handed over, and nothing stays behind"
    shown = [(kind, printable(what), printable(why)) for kind, what, why in rows]
    widths = [max(len(row[at]) for row in shown) for at in (0, 1)]
    lines = [
        f"{_INDENT}{styled(f'{kind:<{widths[0]}}', fg=_colour(kind))}  {what:<{min(widths[1], _WIDEST)}}  {why}"
        for kind, what, why in shown
    ]
    return "\n".join([head, *lines])


_WIDEST = 50  # columns of what is handed over, before the next one


def _colour(kind: str) -> str:
    return "yellow" if kind == "stays behind" else "cyan"


def _given(value: Value) -> str:
    return value.written if value.kind in ("handed over", "name", "line") else f"{value.name}: {value.written}"


def _from(value: Value) -> str:
    parts = [f"{value.comes_from}, line {value.line}"]
    if value.made_of:
        parts.append(f"made of {', '.join(value.made_of)}")
    if value.never_ship:
        parts.append(f"refused: NEVER_SHIP has {value.never_ship}")
    if value.may_hold:
        parts.append(f"refused where it holds {value.may_hold} (NEVER_SHIP)")
    return "; ".join(parts)


def as_json(handing: Handing) -> str:
    """Return one job's values as an object in one line."""
    return json.dumps(asdict(handing))
