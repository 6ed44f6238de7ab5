"""Pages by their slugs: which of them answers a request, and which would answer the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from liquid_background.language.pages.files import ending_rank


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a site, as far as its front matter tells."""

    name: str
    path: str
    front_matter: Mapping[str, Any]  # empty when it cannot be read: the page says so when it is asked for
    block: str = ""  # the text of it that was read

    @property
    def _own(self) -> str:
        return "" if self.name == "index" else self.name

    @property
    def slug(self) -> str:
        """The path at which it answers, without the slashes around it."""
        slug = self.front_matter.get("slug")
        return self._own if slug is None else str(slug).strip("/")

    @property
    def method(self) -> str:
        """The method to which it answers, "" for any."""
        return str(self.front_matter.get("method") or "").upper()

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """Its place among pages with one slug: a page's own name before another's slug, a method before any."""
        return self.slug != self._own, not self.method, self.name

    def answers(self, method: str) -> bool:
        """Return whether it answers to a method."""
        return self.method in ("", method)


class Slugs:
    """Pages by their slugs; of two files of one name only the first is a page."""

    def __init__(self) -> None:
        self._names: dict[str, list[Page]] = {}
        self._slugs: dict[str, list[Page]] = {}

    def find(self, path: str, method: str) -> Page | None:
        """Return the page that answers a request."""
        return next((page for page in self._slugs.get(path, ()) if page.answers(method)), None)

    def replace(self, old: Page | None, new: Page | None) -> None:
        """Take a page out, and another one in its place."""
        for name in {page.name for page in (old, new) if page is not None}:
            self._rename(name, old, new)

    def _rename(self, name: str, old: Page | None, new: Page | None) -> None:
        files = self._names.get(name, [])
        first = files[0] if files else None
        files = [page for page in files if page is not old]
        if new is not None:
            files = sorted([*files, new], key=lambda page: ending_rank(page.path))
        if files:
            self._names[name] = files
        else:
            self._names.pop(name, None)
        if first is not None and first not in files[:1]:
            self._slugs[first.slug].remove(first)
            if not self._slugs[first.slug]:
                del self._slugs[first.slug]
        if files and files[0] is not first:
            self._slugs.setdefault(files[0].slug, []).append(files[0])
            self._slugs[files[0].slug].sort(key=lambda page: page.rank)

    def conflicts(self) -> list[tuple[Page, Page]]:
        """Return the pairs of pages that would answer one request, the one that does so first."""
        hidden = [(files[0], other) for _, files in sorted(self._names.items()) for other in files[1:]]
        pairs = [pair for _, pages in sorted(self._slugs.items()) for pair in combinations(pages, 2)]
        return [*hidden, *((first, other) for first, other in pairs if _meet(first, other))]


def _meet(page: Page, other: Page) -> bool:
    return page.answers(other.method) or other.answers(page.method)
