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


def reason_against(name: str, value: str) -> str | None:
    """Return what is wrong with a header, to stand behind its name; None when it can be sent."""
    if not _NAME.fullmatch(name):
        return "is not a header's name: letters, digits and - make one"
    if name.lower().replace("_", "-") in _SERVERS_OWN:  # which a server in front may take for the same
        return "is the server's own: take it out"
    if _CONTROL.search(value):
        return "has a line break or control character in its value: write it on one line"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"is {show(value)}, which a header cannot hold: percent-encode what is not Latin-1"
    return None
