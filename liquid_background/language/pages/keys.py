"""The keys that mean something in front matter, and what their values may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from liquid_background.language.syntax import OPTIONS

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html",
    "json": "application/json",
    "xml": "application/xml",
    "txt": "text/plain",
    "csv": "text/csv",
    "css": "text/css",
    "js": "text/javascript",
}
"""What the format of a page may be, and the media type that it is served with."""


@dataclass(frozen=True, slots=True)
class Key:
    """One name that means something in front matter."""

    name: str
    of: str  # which templates it is for
    says: str
    is_text: bool = False  # and no list or mapping


KEYS: Final[Mapping[str, Key]] = {
    key.name: key
    for key in (
        Key("slug", "pages", "the path at which the page answers; without it, its name, and `/` for `index`", True),
        Key("method", "pages", f"{', '.join(METHODS[:-1])} or {METHODS[-1]}; without it, any", True),
        Key("layout", "pages", "the template in `layouts/` around it; `false` or nothing: none", True),
        Key("format", "pages", f"the media type, one of {', '.join(MEDIA_TYPES)}; without it, html", True),
        Key("response_headers", "pages", "headers of the answer"),
        Key("metadata", "any", "values of your own: `{{ page.metadata.title }}`; of a consumer its options, too"),
        Key("schedule", "partials, pages", "when it runs, and how"),
        *(Key(option.name, "consumers", f"{option.says} ({option.allowed})") for option in OPTIONS.values()),
    )
}
"""What front matter may say; other keys are kept and mean nothing here."""

TEXTS: Final = frozenset(key.name for key in KEYS.values() if key.is_text)
"""Keys whose values are text, and no list or mapping."""
_OF_SCHEDULES: Final = ("retries", "timeout", "max_concurrency")  # the room that reads them stands above this one
NUMBERS: Final = frozenset((*(option.name for option in OPTIONS.values() if option.numeric), *_OF_SCHEDULES))
"""Names, at any level, whose values are numbers."""
