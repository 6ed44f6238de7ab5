"""The headers of a page's answer, and what its response_headers may say: for faces, and for the check of its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from liquid import Token
from liquid.exceptions import LiquidError

from liquid_background.errors import TagSyntaxError
from liquid_background.language.pages.files import PAGES
from liquid_background.language.pages.front_matter import key_token
from liquid_background.language.pages.keys import MEDIA_TYPES
from liquid_background.language.pages.loader import SiteLoader
from liquid_background.language.syntax import show

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SERVERS_OWN: Final = frozenset(
    (
        "connection",
        "content-length",
        "date",
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

_SENDS_A_FILE: Final = re.compile(r"x-(accel-[a-z-]+|sendfile[a-z-]*|lighttpd-[a-z-]+|litespeed-[a-z-]+)")
"""Headers by which nginx, Apache, lighttpd and LiteSpeed, in front of an application, send a file that it names."""


def reason_against(name: str, value: str) -> str | None:
    """Return what is wrong with a header, to stand behind its name; None when it can be sent."""
    if not _NAME.fullmatch(name):
        return "is not a header's name: letters, digits and - make one"
    plain_name = name.lower().replace("_", "-")  # a server in front may take one for the other
    if plain_name in _SERVERS_OWN:
        return "is the server's own: take it out"
    if _SENDS_A_FILE.fullmatch(plain_name):
        return "would have a server in front send a file of its machine: take it out"
    if _CONTROL.search(value):
        return "has a line break or control character in its value: write it on one line"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"is {show(value)}, which a header cannot hold: percent-encode what is not Latin-1"
    return None


def page_headers(loader: object, page: str, front_matter: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a page's answer, checked before it runs: a page that fails then sends no job.

    Raises:
        TagSyntaxError: when a header cannot be sent, at its line.
    """
    given = front_matter.get("response_headers")
    own = {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    for name, value in own.items():
        reason = reason_against(name, value)
        if reason:
            message = f"the front matter's response_headers: {show(name)} {reason}"
            token = _header_token(loader, f"{PAGES}/{page}", name)
            raise TagSyntaxError(message, token=token, template_name=f"{PAGES}/{page}")
    headers = [(name.lower(), value.strip()) for name, value in own.items()]
    if "content-type" not in dict(headers):
        kind = MEDIA_TYPES.get(str(front_matter.get("format") or "html"), "text/plain")
        headers.append(("content-type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind))
    return tuple(headers)


def _header_token(loader: object, template: str, name: str) -> Token | None:
    """Return where a page's file gives a header; None when that cannot be told any more."""
    if not isinstance(loader, SiteLoader):
        return None
    try:
        return key_token(loader.text(template), template, "response_headers", name)
    except LiquidError:  # it has gone or changed meanwhile
        return None
