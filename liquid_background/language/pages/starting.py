"""The front matter of pages and partials that may have a schedule, read within a time when a worker starts."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Final

from liquid.exceptions import LiquidError, TemplateNotFoundError

from liquid_background.jobs.log import printable
from liquid_background.language.pages.files import PAGES, PARTIALS, TOO_FULL, changed_at, name_of, walk
from liquid_background.language.pages.front_matter import front_matter_part, split_front_matter
from liquid_background.language.syntax import locate, what_was_wrong

logger = logging.getLogger(__name__)

_KEY: Final = "schedule"
_ESCAPE: Final = "\\"  # by which YAML's double quotes write any character

MOST_READING: Final = 10.0
"""Seconds in which front matter is read at a start: one author's files must not keep a worker or a site down."""


def front_matters(top: str, head: Callable[[str, str], str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the front matter of pages and partials that may have a schedule, by path, with the names that jobs know.

    What has stood there longest is read first, so that no new file takes the time of an older one. For what there is
    no time then, one line is logged.

    Args:
        top: the site's folder.
        head: reads the beginning of a template, by the name that jobs know and that for errors.
    """
    read: dict[str, dict[str, Any]] = {}
    places, left = sorted(_places(top)), 0
    ends = monotonic() + MOST_READING  # from here on: else many files would leave no time for the oldest
    for _, place in places:
        if place in read:
            continue
        if monotonic() >= ends:
            left += 1
        else:
            read[place] = _front_matter(head, place)
    if left:
        logger.error(
            "%d pages and partials are not read for schedules: the others, which have stood there longer, took %g s",
            *(left, MOST_READING),
        )
    yield from (
        (place.removeprefix(f"{PARTIALS}/"), matter) for place, matter in sorted(read.items(), key=_path) if matter
    )


def _path(read: tuple[str, dict[str, Any]]) -> str:
    return read[0]


def _places(top: str) -> Iterator[tuple[int, str]]:
    """Yield since when each page and partial has stood there, and its place in the site, without its ending."""
    for folder in (PAGES, PARTIALS):
        for found in walk(os.path.join(top, folder), top).files:
            place = f"{folder}/{name_of(found.name)}"
            if found.odd == TOO_FULL:
                logger.error("%s: %s is not looked at for schedules", printable(place), TOO_FULL)
            elif not found.odd:
                yield changed_at(found.path), place


def _front_matter(head: Callable[[str, str], str], place: str) -> dict[str, Any]:
    """Return the front matter of a page or partial, nothing when it has no schedule, or cannot be read."""
    try:
        text = head(place.removeprefix(f"{PARTIALS}/"), place)
        return split_front_matter(text, place)[0] if _may_schedule(text) else {}
    except TemplateNotFoundError:
        pass
    except LiquidError as error:
        reason = f"{place}:{locate(error)[1] or 1}: a schedule that it may have is not kept: {what_was_wrong(error)}"
        logger.error("%s", reason)
    return {}


def _may_schedule(text: str) -> bool:
    """Return whether front matter may name a schedule: reading it as YAML takes a hundred times as long as this."""
    part = front_matter_part(text)
    return _KEY in part or _ESCAPE in part
