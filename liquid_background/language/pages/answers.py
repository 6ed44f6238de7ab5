"""What front matter may say of a page's answer: for the page that is answered, and for the check of its file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from liquid_background.language.pages.keys import MEDIA_TYPES, METHODS
from liquid_background.language.syntax import show

ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {"method": METHODS, "format": tuple(MEDIA_TYPES)}
"""Keys with values of which there are few."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SERVERS_OWN: Final = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "date",
        "host",
        "keep-alive",
        "proxy-connection",
        "server",
        "status",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers that frame a response, or say what the server says: a page that set one would break or forge that."""

_SENDS_A_FILE: Final = re.compile(
    r"x-(accel-[a-z-]+|sendfile[a-z-]*|lighttpd-[a-z-]+|litespeed-[a-z-]+|reproxy-[a-z-]+)"
)
"""Headers by which nginx, Apache, lighttpd, LiteSpeed, Perlbal and h2o, in front of an application, send a file or
fetch an address that it names."""


def mistakes(front_matter: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str]]:
    """Yield what a page cannot be answered with: the key, the name under it, and what is wrong."""
    for key in ONE_OF:
        reason = reason_against_choice(key, front_matter[key]) if key in front_matter else None
        if reason:
            yield key, None, reason
    headers = front_matter.get("response_headers", {})
    if not isinstance(headers, Mapping):
        yield "response_headers", None, NO_HEADERS
        return
    for name, value in headers.items():
        reason = reason_against(name, value)
        if reason:
            yield "response_headers", name, f"response_headers: {show(name)} {reason}"


NO_HEADERS: Final = "response_headers must be `name: value` lines of its own"


def reason_against_choice(key: str, value: str) -> str | None:
    """Return what is wrong with a method or format; None when it is one."""
    if (value.upper() if key == "method" else value) in ONE_OF[key]:
        return None
    return f"{key} is {show(value)}; it must be one of {', '.join(ONE_OF[key])}"


def reason_against(name: str, value: object) -> str | None:
    """Return what is wrong with a header, to stand behind its name; None when it can be sent."""
    if not _NAME.fullmatch(name):
        return "is not a header's name: letters, digits and - make one"
    plain_name = name.lower().replace("_", "-")  # a server in front may take one for the other
    if plain_name in _SERVERS_OWN:
        return "is the server's own: take it out"
    if _SENDS_A_FILE.fullmatch(plain_name):
        return "would have a server in front send a file of its machine: take it out"
    return _reason_against_text(value)


def _reason_against_text(value: object) -> str | None:
    if not isinstance(value, str):
        return "must be one line of Latin-1 text"
    if _CONTROL.search(value):
        return "has a line break or control character in its value: write it on one line"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"is {show(value)}, which a header cannot hold: percent-encode what is not Latin-1"
    return None
