"""Charts as inline SVG that the server draws, and the same numbers for a script that draws them better."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from liquid_background.screens.rendering import Exact

WIDTH: Final = 600
HEIGHT: Final = 100
_GAP: Final = 0.2  # of a bar's place


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One row of numbers, None where there is none."""

    label: str
    colour: Literal["good", "bad", "accent", "warn"]
    values: Sequence[float | None]


def chart(
    title: str, summary: str, times: Sequence[datetime], series: Sequence[Series], *, unit: str, bars: bool = True
) -> dict[str, Any]:
    """Return a chart for the template `chart`.

    Args:
        title: of what it is.
        summary: what it shows, for people who see none; also above it.
        times: when each moment begins, the oldest first.
        series: a number for each of them.
        unit: of the numbers, as it stands behind them: empty for counts.
        bars: whether they are bars on each other, as counts are; else lines.
    """
    stacks = zip(*(each.values for each in series), strict=True)
    sums = [sum(value or 0 for value in stack) if bars else max(value or 0 for value in stack) for stack in stacks]
    highest = max(sums, default=0)
    data = {
        "unit": unit,
        "times": [int(time.timestamp()) for time in times],
        "series": [
            {"label": each.label, "colour": each.colour, "values": [*map(_short, each.values)], "fill": bars}
            for each in series
        ],
    }
    paths, below = [], [0.0] * len(times)
    for each in series:
        drawn = _bars(each.values, below, highest) if bars else _line(each.values, highest)
        paths.append({"colour": each.colour, "path": drawn, "label": each.label})
    return {
        "title": title,
        "summary": summary,
        "data": Exact(json.dumps(data, separators=(",", ":"))),
        "width": WIDTH,
        "height": HEIGHT,
        "paths": paths,
        "is_line": not bars,
        "first": f"{times[0]:%H:%M} UTC" if times else "",
        "has_legend": len(series) > 1,
    }


def _short(value: float | None) -> float | None:
    return value if value is None else round(value, 1)


def _bars(values: Sequence[float | None], below: list[float], highest: float) -> str:
    """Return the path of bars, each on what is below it, which it adds to."""
    step, drawn = WIDTH / max(1, len(values)), []
    for at, value in enumerate(values):
        if value and highest:
            height, base = value / highest * HEIGHT, HEIGHT - below[at]
            left, right = (at + _GAP / 2) * step, (at + 1 - _GAP / 2) * step
            drawn.append(f"M{left:.1f} {base:.1f}V{base - height:.1f}H{right:.1f}V{base:.1f}z")
            below[at] += height
    return "".join(drawn)


def _line(values: Sequence[float | None], highest: float) -> str:
    """Return the path of a line that breaks where there is no number; one that stands alone is a short stroke."""
    step, drawn, is_open = WIDTH / max(1, len(values)), [], False
    for at, value in enumerate(values):
        if value is None or not highest:
            is_open = False
            continue
        y = HEIGHT - value / highest * (HEIGHT - 4) - 2
        x = (at + 0.5) * step
        alone = not is_open and (at + 1 == len(values) or values[at + 1] is None)
        drawn.append(
            f"M{x - step / 4:.1f} {y:.1f}h{step / 2:.1f}" if alone else f"{'L' if is_open else 'M'}{x:.1f} {y:.1f}"
        )
        is_open = not alone
    return "".join(drawn)
