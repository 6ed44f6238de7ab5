"""What a page's response_headers may say: for the page that is answered, and for the check of its file."""

from __future__ import annotations

import re
from typing import Final

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
