"""Which pages are generated: two as a whole, and in the others what stands between two markers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docgen.api import api_page
from docgen.commands import commands_page
from docgen.tables import TABLES

ROOT: Final = Path(__file__).parents[1]
WHOLE: Final[Mapping[str, Callable[[], str]]] = {"docs/cli.md": commands_page, "docs/api.md": api_page}

_MARKED: Final = re.compile(
    r"(?P<start><!-- table: (?P<name>[\w ]+), by `make docs` -->\n)(?P<table>.*?)<!-- end -->", re.S
)
_ANY_MARKER: Final = re.compile(r"<!-- (?:table:|end -->)")


def generated_pages() -> dict[Path, str]:
    """Return each page that has generated parts, as it should be."""
    pages = {ROOT / name: make() for name, make in WHOLE.items()}
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if path not in pages and _ANY_MARKER.search(text):
            pages[path] = fill(text, path.name)
    return pages


def fill(text: str, page: str) -> str:
    """Return a page with its tables made anew.

    Raises:
        ValueError: when a marker has no end, or names no table.
    """

    def make(match: re.Match[str]) -> str:
        if match["name"] not in TABLES:
            raise ValueError(f"{page}: no table is called {match['name']!r}; tables are {', '.join(TABLES)}")
        return f"{match['start']}{TABLES[match['name']]()}<!-- end -->"

    rest = _MARKED.sub("", text)
    if _ANY_MARKER.search(rest):
        raise ValueError(f"{page}: a table has one marker only; write both, as in the other pages")
    return _MARKED.sub(make, text)
