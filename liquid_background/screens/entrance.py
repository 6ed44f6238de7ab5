"""The way in and out that all faces share: who asks is checked before a screen answers, and what goes out is safe."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from liquid_background.engine import Engine
from liquid_background.errors import NotSignedIn
from liquid_background.jobs.log import printable
from liquid_background.screens.access import Permission, Visitor, visitor_of
from liquid_background.screens.bare import BARE, line
from liquid_background.screens.guard import Arrival, Guard
from liquid_background.screens.live import Feed
from liquid_background.screens.messages import MAX_FIELDS, Fields, Refused, ScreenAnswer, ScreenRequest
from liquid_background.screens.routing import Screens

logger = logging.getLogger(__name__)

MAX_FORM: Final = 1024 * 1024  # bytes of a form: the values of a job that is edited take up to 100 KB
_FORM: Final = "application/x-www-form-urlencoded"
_NO_HEADER: Final = re.compile("[^\t\x20-\x7e\x80-\xff]")
_IN_URLS: Final = "/:?#[]@!$&'()*+,;=%"


class Entrance:
    """Where every request comes in, and every answer goes out. A face calls, in this order:

    1. `check`, before the host's code hears of the request;
    2. `admit`, with what the host's `authorize` answered and whom it named;
    3. `answer`, with the body of a POST;
    4. `turned_away`, with whatever one of these or the host's code raised;
    5. `dressed`, with the answer, in any case.

    Args:
        screens: answer those who may come in.
        trusted_origins: the addresses at which browsers find the dashboard; see `Guard`.
    """

    def __init__(self, screens: Screens, *, trusted_origins: Iterable[str] | None = None) -> None:
        self._screens = screens
        self._guard = Guard(trusted_origins)

    def check(self, arrival: Arrival) -> None:
        """Refuse what another site may have made a browser ask.

        Raises:
            Refused: saying why.
        """
        self._guard.check(arrival)

    def admit(self, permission: Permission, name: object) -> Visitor:
        """Return who asks.

        Raises:
            Refused: when they may see nothing.
            SettingsError: when the answer of `authorize` is none.
        """
        visitor = visitor_of(permission, name)
        if visitor is None:
            raise Refused(403, "You may not see this: whoever runs this dashboard decides that.")
        return visitor

    def answer(self, arrival: Arrival, visitor: Visitor, body: bytes = b"") -> ScreenAnswer:
        """Return what a screen answers.

        Raises:
            Refused: when the query or the form cannot be read.
        """
        return self._screens.answer(_request(arrival, visitor, body))

    def feed(self, arrival: Arrival, visitor: Visitor) -> Feed | ScreenAnswer:
        """Return what tells an open page of what changes, for a face that can stream it.

        Raises:
            Refused: when the query cannot be read.
        """
        return self._screens.feed(_request(arrival, visitor), arrival.headers.get("last-event-id", ""))

    def turned_away(self, arrival: Arrival, error: BaseException) -> ScreenAnswer:
        """Return the answer to a request that no screen has answered."""
        if isinstance(error, Refused):
            return line(arrival, error.status, error.message, *error.headers)
        if isinstance(error, NotSignedIn):
            return _sign_in(arrival, error)
        # What the host's code raises may hold its secrets, and is not for whoever asks.
        logger.error("error at %s of the dashboard", printable(arrival.path[:200]) or "/", exc_info=error)
        return line(arrival, 500, "The dashboard has an error, which is in the log of its server.")

    def dressed(self, arrival: Arrival, answer: ScreenAnswer) -> ScreenAnswer:
        """Return an answer with the headers that each one has, and without a body where none is asked for."""
        said = {name for name, _ in answer.headers}
        # The host may make one of what was asked for: a line break in it would begin another header.
        own = ((name, _NO_HEADER.sub("?", value)) for name, value in answer.headers)
        headers = (*own, *((name, value) for name, value in BARE if name not in said))
        length = ("content-length", str(len(answer.body)))
        return replace(answer, headers=(*headers, length), body=b"" if arrival.method == "HEAD" else answer.body)


class Entrances:
    """The entrances of a dashboard that learns with each request whose jobs it shows: one for each engine, kept.

    Args:
        templates: as of `Screens`.
        trusted_origins: as of `Guard`.
    """

    def __init__(self, *, templates: Mapping[str, str] | None, trusted_origins: Iterable[str] | None) -> None:
        is_as_given = trusted_origins is None or isinstance(trusted_origins, str)  # the guard refuses a text
        self._origins = trusted_origins if is_as_given else tuple(trusted_origins or ())
        self._templates = templates
        self._known: dict[Engine, Entrance] = {}

    def of(self, engine: Engine) -> Entrance:
        """Return that of an engine.

        Raises:
            SettingsError: when there is no template of such a name, or an origin is none.
        """
        found = self._known.get(engine)
        if found is None:
            made = Entrance(Screens(engine, templates=self._templates), trusted_origins=self._origins)
            found = self._known.setdefault(engine, made)  # of two threads that meet here, one's is kept
        return found


def too_large() -> Refused:
    """Return what to raise for a form that is over MAX_FORM."""
    return Refused(413, f"The form is over {MAX_FORM // 1024} KB.")


def _sign_in(arrival: Arrival, error: NotSignedIn) -> ScreenAnswer:
    if error.location and arrival.method != "POST" and arrival.is_navigation:
        return line(arrival, 303, str(error), ("location", quote(error.location, _IN_URLS, errors="replace")))
    return line(arrival, 401, str(error), *([("www-authenticate", error.challenge)] if error.challenge else []))


def _request(arrival: Arrival, visitor: Visitor, body: bytes = b"") -> ScreenRequest:
    return ScreenRequest(
        method=arrival.method,
        path=arrival.path.strip("/"),
        query=_fields(arrival.query, "query"),
        form=_form(arrival, body) if body else Fields(),
        headers=arrival.headers,
        root=re.sub("^/{2,}", "/", arrival.root),  # a URL that begins with two leads to another host
        visitor=visitor,
    )


def _form(arrival: Arrival, body: bytes) -> Fields:
    if len(body) > MAX_FORM:
        raise too_large()
    if arrival.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refused(415, f"Forms are taken as {_FORM}.")
    return _fields(body.decode("utf-8", "replace"), "form")


def _fields(text: str, what: str) -> Fields:
    try:
        return Fields.parse(text)
    except ValueError:
        raise Refused(400, f"The {what} has more than {MAX_FIELDS:,} fields.") from None
