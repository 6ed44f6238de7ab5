"""How the dashboard's templates write numbers, times and spans: their filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from liquid import Undefined
from markupsafe import Markup

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60))


def span(seconds: float | None) -> str:
    """Return a span in its largest unit: 3ms, 4s, 12m, 3h, 2d."""
    if seconds is None:
        return "-"
    if 0 < seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:.3g}s"


def milliseconds(value: float | None) -> str:
    """Return a span that is given in milliseconds."""
    return span(None if value is None else value / 1000)


def ago(time: datetime | None) -> Markup:
    """Return how long ago a time was, or in how long it comes, with the exact one for who points at it."""
    if time is None:
        return Markup("-")
    seconds = int((datetime.now(UTC) - time).total_seconds())
    words = f"in {span(-seconds)}" if seconds < -1 else "now" if seconds < 1 else f"{span(seconds)} ago"
    return _time(time, words)


def clock(time: datetime | None) -> Markup:
    """Return a time to the second, in UTC."""
    return Markup("-") if time is None else _time(time, f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}")


def _time(time: datetime, words: str) -> Markup:
    moment = time.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        moment.isoformat(timespec="seconds"), f"{moment:%Y-%m-%d %H:%M:%S}", words
    )


def number(value: float | None) -> str:
    """Return a number with its thousands apart."""
    return "-" if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """Return a share as a percentage."""
    return "-" if value is None else f"{100 * value:.3g}%"


def cut(text: object, most: int = 300) -> str:
    """Return a text that may be long as what fits a table, saying how much is missing."""
    whole = "" if text is None else str(text)
    left = len(whole) - most
    return whole if left <= 0 else f"{whole[:most]} … {left:,} more characters"


def _of_known(write: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that takes what a template does not know for nothing, as `None`."""
    return lambda value, *given: write(None if isinstance(value, Undefined) else value, *given)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "span": _of_known(span),
    "milliseconds": _of_known(milliseconds),
    "ago": _of_known(ago),
    "clock": _of_known(clock),
    "number": _of_known(number),
    "percent": _of_known(percent),
    "cut": cut,
}
