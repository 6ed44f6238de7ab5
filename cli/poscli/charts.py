"""Small charts for a terminal: one row of bars, in ASCII where the terminal is not UTF-8."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Final

from poscli.terminal import has_colour, styled

_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = "_.:-=+*#"


def columns(counts: Sequence[tuple[int, int]]) -> str:
    """Return a bar for each pair of good and bad ones, red where there are bad ones; nothing without a terminal.

    What is wider than the terminal is added up, several to a bar.
    """
    if not sys.stdout.isatty() or not counts:
        return ""
    width = max(1, shutil.get_terminal_size().columns - 1)
    each = -(-len(counts) // width)
    groups = [counts[start : start + each] for start in range(0, len(counts), each)]
    sums = [(sum(good for good, _ in group), sum(bad for _, bad in group)) for group in groups]
    bars = sparkline([good + bad for good, bad in sums])
    if not has_colour():
        return bars
    return "".join(styled(bar, fg="red") if bad else bar for bar, (_, bad) in zip(bars, sums, strict=True))


def sparkline(counts: Sequence[int]) -> str:
    """Return a bar for each count, as high as it is beside the highest; the lowest is for none."""
    return drawn(plain_sparkline(counts))


def plain_sparkline(counts: Sequence[int]) -> str:
    """Return the same in ASCII, for a table that measures its cells; `drawn` makes blocks of it."""
    most = max(counts, default=0)
    return "".join(_ASCII[-(-each * (len(_ASCII) - 1) // most) if most else 0] for each in counts)


def drawn(bars: str) -> str:
    """Return bars as blocks where the output takes them."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return bars.translate(str.maketrans(_ASCII, _BARS)) if is_utf8 else bars
