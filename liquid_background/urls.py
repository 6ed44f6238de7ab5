"""How the URL of a store is shown: without whatever may be a piece of a password."""

from __future__ import annotations

import re

_USER = re.compile(r"[\w.-]*", re.ASCII)
_HOST = r"(?:[\w.-]+|\[[\w:.]+\])(?::\d+)?"
_PLACE = re.compile(rf"(?:{_HOST}(?:,{_HOST})*)?(?:/[^#]*)?", re.ASCII)


def mask_url(url: str) -> str:
    """Return a URL, even a malformed one, as it may be shown: `***` for all that may be a piece of a password.

    That is what stands before the last @, even with a / or a # in it; a user without a password, which most often is
    a password without its colon; and whatever does not read as hosts, ports and a path.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return "***"
    login, at, place = rest.rpartition("@")
    user, _, password = login.partition(":")
    shown = user if _USER.fullmatch(user) else ""
    login = f"{shown}:***@" if password else "***@" if at else ""
    place, option, _ = place.partition("?")
    return f"{scheme}://{login}{place if _PLACE.fullmatch(place) else '***'}{'?***' if option else ''}"
