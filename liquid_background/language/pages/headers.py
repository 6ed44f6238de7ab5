"""The headers of a page's answer, for each face that answers with pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liquid import Token
from liquid.exceptions import LiquidError

from liquid_background.errors import TagSyntaxError
from liquid_background.language.pages.answers import mistakes
from liquid_background.language.pages.files import PAGES
from liquid_background.language.pages.front_matter import key_token
from liquid_background.language.pages.keys import MEDIA_TYPES
from liquid_background.language.pages.loader import SiteLoader


def page_headers(loader: object, page: str, front_matter: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a page's answer, checked before it runs: a page that fails then sends no job.

    Raises:
        TagSyntaxError: when it cannot be answered so, at the line that says so.
    """
    for key, name, reason in mistakes(front_matter):
        token = _token(loader, f"{PAGES}/{page}", key, name)
        raise TagSyntaxError(f"the front matter's {reason}", token=token, template_name=f"{PAGES}/{page}")
    own: Mapping[str, str] = front_matter.get("response_headers") or {}
    headers = [(name.lower(), value.strip()) for name, value in own.items()]
    if "content-type" not in dict(headers):
        kind = MEDIA_TYPES[front_matter.get("format", "html")]
        headers.append(("content-type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind))
    return tuple(headers)


def _token(loader: object, template: str, key: str, name: str | None) -> Token | None:
    """Return where a page's file gives a key, or a name under it; None when that cannot be told any more."""
    if not isinstance(loader, SiteLoader):
        return None
    try:
        return key_token(loader.text(template), template, key, name)
    except LiquidError:  # it has gone or changed meanwhile
        return None
