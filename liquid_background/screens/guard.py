"""What tells a request that the dashboard's own page made from one that another site had a browser make."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from liquid_background.screens.messages import Refused, ScreenRequest

_READING: Final = ("GET", "HEAD")
_OWN: Final = ("same-origin", "none")  # `none`: somebody typed the address, or opened a bookmark


def check_request(request: ScreenRequest) -> None:
    """Refuse a request that another site may have made.

    Raises:
        Refused: when it is none of the dashboard's own.
    """
    if request.method in _READING:
        return
    if request.method != "POST":
        raise Refused(405, "The dashboard answers GET and POST.")
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    if site and site not in _OWN:
        raise Refused(403, "Another site asked for this. Open the dashboard and do it there.")
    if not origin or origin == "null" or urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Refused(403, "Another site asked for this. Open the dashboard and do it there.")
