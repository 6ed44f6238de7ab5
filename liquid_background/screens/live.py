"""What changes on an open page: its live part when it is another one, and the entries that come to the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from liquid_background.errors import StoreUnavailable
from liquid_background.screens import logs
from liquid_background.screens.messages import Refused, ScreenAnswer, ScreenRequest, no_such_page
from liquid_background.screens.screen import Screen

LIVE: Final = "live"
"""The first segment of the path of what is told of a page, before the page's own path."""
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One message of an event stream."""

    html: str
    id: str = ""  # from which a stream goes on that broke off

    def __bytes__(self) -> bytes:
        """Return it as it is sent."""
        lines = [f"data: {line}" for line in self.html.splitlines()] or ["data:"]
        return "\n".join([*([f"id: {self.id}"] if self.id else []), *lines, "", ""]).encode("utf-8", "replace")


class Feed(Protocol):
    """Tells of one open page. `seconds` is how long to wait at least between two reads."""

    seconds: float

    def read(self) -> Sequence[Event]:
        """Return what is new since the last read; it may wait for the store, and is called in a thread."""


def is_live(method: str, path: str) -> bool:
    """Return whether a request is for the live part of a page."""
    return method == "GET" and path.strip("/").partition("/")[0] == LIVE


def page_of(request: ScreenRequest) -> ScreenRequest:
    """Return the request for the page that a request for its live part is about.

    Raises:
        Refused: when it is not a GET, or about what is no page.
    """
    if request.method != "GET":
        raise Refused(405, "Only the live part of a page that is read is told.")
    page = replace(request, path=request.path.partition("/")[2], is_live=True)
    if page.segments[:1] in ((LIVE,), ("assets",)):  # a live part has none: each in another would read it twice
        raise no_such_page()
    return page


class PartFeed:
    """The live part of a page, whenever it is another one than before."""

    seconds = 2.0

    def __init__(self, answer: Callable[[ScreenRequest], ScreenAnswer], request: ScreenRequest) -> None:
        self._answer = answer
        self._request = request
        self._last: bytes | None = None

    def read(self) -> Sequence[Event]:
        """Return the part if it has changed; nothing while the page can't be shown."""
        answer = self._answer(self._request)
        if answer.status != _OK or answer.body == self._last:
            return ()
        self._last = answer.body
        return [Event(answer.body.decode("utf-8"))]


class LogFeed:
    """The entries of the log as they come, newest first in each event.

    Args:
        screen: of the log's page.
        after: id of the entry behind which they begin.

    Raises:
        FilterError: when the query is none.
        StoreUnavailable: when the store cannot be reached.
    """

    seconds = 0.25  # a line is to be seen within a second

    def __init__(self, screen: Screen, after: str) -> None:
        query = screen.request.query
        self._screen = screen
        start = logs.entry_id_of(after) or logs.entry_id_of(query.one("after"))
        self._reader = screen.engine.log.reader(after=start, **logs.wanted_of(query))

    def read(self) -> Sequence[Event]:
        """Return the rows of the entries that have come."""
        try:
            found = self._reader.read()
        except StoreUnavailable:  # it goes on by id when the store is back
            return ()
        if not found:
            return ()
        screen = self._screen
        entries = logs.rows(screen, reversed(found))
        html = screen.pages.part(screen.request, "log_rows", {"entries": entries})
        return [Event(html, found[-1].id)]
