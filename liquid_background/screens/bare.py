"""Answers without a screen: a line of text, or, where a browser shows it, a page with nothing but that line."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from markupsafe import Markup

from liquid_background.screens.guard import Arrival
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import HEADERS

BARE: Final = (
    ("content-security-policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    *HEADERS,
)
"""The headers of whatever says none of its own: pages have a policy that lets in the dashboard's own files."""
_PAGE: Final = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{message}</p>
</main>
</body>
</html>
""")


def line(arrival: Arrival, status: int, message: str, *headers: tuple[str, str]) -> ScreenAnswer:
    """Return an answer that says one thing."""
    if "text/html" in arrival.headers.get("accept", ""):
        kind, body = "html", str(_PAGE.format(title=f"{HTTPStatus(status).phrase} ({status})", message=message))
    else:
        kind, body = "plain", f"{message}\n"
    content_type = ("content-type", f"text/{kind}; charset=utf-8")
    return ScreenAnswer(status=status, headers=(content_type, *headers), body=body.encode("utf-8", "replace"))
