"""What tells a request that the dashboard's own page made from one that another site had a browser make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from liquid_background.errors import SettingsError
from liquid_background.screens.messages import Refused

_READING: Final = ("GET", "HEAD")
_ALLOWED: Final = (("allow", "GET, HEAD, POST"),)
_OWN: Final = ("same-origin", "none")  # `none`: somebody typed the address, or opened a bookmark
_LONGEST_PATH: Final = 2_000  # characters
_LONGEST_QUERY: Final = 16_384
_NO_TEXT: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # in a path: no screen has such a one
_HOST: Final = r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:/@?#,\s]+)(?::(?P<port>[0-9]{1,5}))?"
_ORIGIN: Final = re.compile(rf"(?P<scheme>https?)://{_HOST}", re.ASCII | re.IGNORECASE)
_PORTS: Final = {"http": "80", "https": "443"}
_ANOTHER_SITE: Final = "Another site asked for this. Open the dashboard and do it there."
_NOT_OURS: Final = (
    "Another site asked for this, or the dashboard does not know its own address: behind a proxy, whoever runs it "
    "gives trusted_origins, such as ['https://ops.example']."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as it came, whatever server it came to: nothing of it is checked."""

    method: str
    path: str  # decoded, below the place where the dashboard is mounted
    root: str = ""  # that place, as it stands in URLs, without a slash at its end
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # by names in lower case; several of one name with a comma
    scheme: str = "http"
    host: str = ""  # that the request names

    @property
    def is_navigation(self) -> bool:
        """Whether a browser opens it as a page of its own; a client that does not say is taken for one that does."""
        mode, destination = (self.headers.get(name, "") for name in ("sec-fetch-mode", "sec-fetch-dest"))
        return mode in ("", "navigate") and destination in ("", "document")


class Guard:
    """Refuses what another site may have made a browser ask.

    Args:
        trusted_origins: the addresses at which browsers find the dashboard, such as "https://ops.example". Without
            any, it is the scheme and the host of each request, as its server knows them.

    Raises:
        SettingsError: when one of them is no origin.
    """

    def __init__(self, trusted_origins: Iterable[str] | None = None) -> None:
        if isinstance(trusted_origins, str):
            raise SettingsError(f"trusted_origins is a list: give [{trusted_origins!r}]")
        self._trusted = None if trusted_origins is None else frozenset(map(_trusted, trusted_origins))

    def check(self, arrival: Arrival) -> None:
        """Refuse a request that is none of the dashboard's own.

        A link from elsewhere may lead to a screen; no other site may embed or read one, or post to it.

        Raises:
            Refused: saying why.
        """
        _check_head(arrival)
        site = arrival.headers.get("sec-fetch-site", "")
        if arrival.method in _READING:
            if site and site not in _OWN and not (arrival.is_navigation and "sec-fetch-mode" in arrival.headers):
                raise Refused(403, _ANOTHER_SITE)
            return
        if site and site not in _OWN:
            raise Refused(403, _ANOTHER_SITE)
        if not self._is_own(arrival):
            raise Refused(403, _NOT_OURS)

    def _is_own(self, arrival: Arrival) -> bool:
        sent = _origin(arrival.headers.get("origin", ""))  # `null`, and nothing at all, are none
        if sent is None:
            return False
        return sent == _origin(f"{arrival.scheme}://{arrival.host}") if self._trusted is None else sent in self._trusted


def _check_head(arrival: Arrival) -> None:
    if arrival.method not in (*_READING, "POST"):
        raise Refused(405, "The dashboard answers GET, HEAD and POST.", _ALLOWED)
    if len(arrival.path) > _LONGEST_PATH or len(arrival.query) > _LONGEST_QUERY:
        raise Refused(414, "The address is too long.")
    if _NO_TEXT.search(arrival.path):
        raise Refused(400, "The path holds what is no text.")
    if _origin(f"http://{arrival.host}") is None:
        raise Refused(400, "The request names no host, or none that can be.")


def _origin(text: str) -> str | None:
    """Return an origin in the one way to write it; None for what is none."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    scheme, host = found["scheme"].lower(), found["host"].lower()
    return f"{scheme}://{host}:{int(found['port'] or _PORTS[scheme])}"


def _trusted(text: object) -> str:
    found = _origin(text) if isinstance(text, str) and "*" not in text else None
    if found is None:
        raise SettingsError(
            f"trusted_origins has {text!r:.200}: give scheme, host and port as a browser has them, without a path or "
            "a *, such as 'https://ops.example'"
        )
    return found
