"""Where an action leads back to: the page of the dashboard that its form stood on, and no other place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from liquid_background.screens.messages import Fields, ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

_LONGEST: Final = 4_000  # characters of a path with its query
_NO_SEGMENTS: Final = ("", ".", "..")


def back(screen: Screen, told: Mapping[str, str], *otherwise: str) -> ScreenAnswer:
    """Return the answer to an action: a redirect to the page that its form's `back` names, which tells what was done.

    Args:
        screen: the action.
        told: as `Screen.done` takes it.
        otherwise: the segments of the path that it leads to when `back` is no page of this dashboard.
    """
    segments, query = _place(screen.request.form.one("back"), screen.request.root) or (otherwise, Fields())
    return screen.done(*segments, told=told, query=query.but("done", "about"))


def page_before(screen: Screen) -> Exact | None:
    """Return the URL of the page that a form stood on; None when its `back` is no page of this dashboard."""
    place = _place(screen.request.form.one("back"), screen.request.root)
    return None if place is None else Exact(screen.url(*place[0], query=place[1].but("done", "about")))


def _place(given: str, root: str) -> tuple[tuple[str, ...], Fields] | None:
    """Return the segments and the query of a page; None for what is no path below the root."""
    path, _, query = given.partition("?")
    if len(given) > _LONGEST or not path.startswith(f"{root}/"):
        return None
    rest = path[len(root) + 1 :]
    segments = tuple(map(unquote, rest.split("/"))) if rest else ()
    if any(segment in _NO_SEGMENTS for segment in segments):  # //elsewhere.example, and what leads out of the dashboard
        return None
    try:
        return segments, Fields.parse(query)
    except ValueError:  # too many fields
        return None
