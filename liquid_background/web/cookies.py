"""The cookies of a dashboard that `poscli gui` has opened, which no page of a site may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

PREFIX: Final = "poscli-gui-"
"""How their names begin; what follows is one dashboard's own."""


def without_dashboards(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the headers of a request without those cookies, in whatever way somebody may take them apart.

    Args:
        headers: by names in lower case.
    """
    for name, value in headers:
        if name != "cookie" or PREFIX not in value.lower():
            yield name, value
        elif kept := ";".join(part for part in value.split(";") if PREFIX not in part.lower()).strip():
            yield name, kept
