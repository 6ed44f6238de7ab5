"""Which page answers at a path: an index from slug and method to page, kept fresh."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

from liquid.exceptions import LiquidError

from liquid_background.language.pages.files import (
    PAGES,
    Found,
    Signature,
    ending_rank,
    is_settled,
    name_of,
    read_head,
    signature_of,
    walk,
)
from liquid_background.language.pages.front_matter import split_front_matter

_LOOK_AGAIN: Final = 1.0  # seconds after which all pages are looked at, whatever their folders say
_REST: Final = 3  # a look that found no page is followed by a pause this many times as long


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a site, as far as its front matter tells."""

    name: str
    path: str
    front_matter: Mapping[str, Any]  # empty when it cannot be read: the page says so when it is asked for
    seen: Signature | None
    settled: bool

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

    def is_current(self) -> bool:
        """Return whether its file is the one that was read."""
        return self.settled and signature_of(self.path) == self.seen


class Routes:
    """The pages of a site by their slugs.

    A page that is new, gone or replaced is seen by the next request, and so is a change of the page that answers. One
    that is written over with another slug is seen by the next request that no other page answers, but for a moment
    after a look at all of them; and by all requests within a second. Reading front matter never parses the page.

    Args:
        root: the site's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._lock = Lock()
        self._pages: dict[str, Page] = {}  # by their files
        self._slugs: dict[str, list[Page]] = {}
        self._hidden: list[tuple[Page, Page]] = []  # pages of one name, the one that is read first
        self._folders: list[tuple[str, Signature | None]] = []
        self._files: list[tuple[str, Signature | None]] = []
        self._settled = False  # whether a change would show in what is known of folders and files
        self._look_at = 0.0
        self._rest_until = 0.0

    def find(self, path: str, method: str) -> Page | None:
        """Return the page that answers a request, None when there is none."""
        wanted = "GET" if method == "HEAD" else method
        with self._lock:
            if any(signature_of(folder) != seen for folder, seen in self._folders):
                self._read()
            elif monotonic() >= self._look_at:
                self._look()
            page = self._choose(path, wanted)
            if page is not None and not page.is_current():
                self._read()
            elif page is None and monotonic() >= self._rest_until:
                self._look()
            return self._choose(path, wanted)

    def conflicts(self) -> list[tuple[Page, Page]]:
        """Return the pairs of pages that would answer one request, the one that does so first."""
        with self._lock:
            self._read()
            pairs = [pair for pages in self._slugs.values() for pair in combinations(pages, 2)]
            return [*self._hidden, *((first, other) for first, other in pairs if _meet(first, other))]

    def _choose(self, path: str, method: str) -> Page | None:
        return next((page for page in self._slugs.get(path, ()) if page.answers(method)), None)

    def _look(self) -> None:
        """Look at all files, and read what has changed."""
        started = monotonic()
        if not self._settled or any(signature_of(path) != seen for path, seen in self._files):
            self._read()
        now = monotonic()
        self._look_at = now + _LOOK_AGAIN
        self._rest_until = now + _REST * (now - started)

    def _read(self) -> None:
        """List the pages anew, and read the front matter of those that have changed."""
        found = walk(os.path.join(self._root, PAGES), self._root)
        pages = {each.path: self._page(each) for each in found.templates}
        if len(pages) != len(self._pages) or any(self._pages.get(path) is not page for path, page in pages.items()):
            self._pages = pages
            self._index()
        self._folders = found.folders
        self._files = [(each.path, each.signature) for each in found.files]
        self._settled = all(is_settled(seen) for _, seen in found.folders) and all(
            page.settled for page in pages.values()
        )

    def _page(self, found: Found) -> Page:
        known = self._pages.get(found.path)
        if known is not None and known.settled and known.seen == found.signature:
            return known
        name = name_of(found.name)
        settled = is_settled(found.signature)
        try:
            matter, _, _ = split_front_matter(read_head(found.path, f"{PAGES}/{name}"), f"{PAGES}/{name}")
        except LiquidError:
            matter = {}
        return Page(name, found.path, matter, found.signature, settled)

    def _index(self) -> None:
        names: dict[str, Page] = {}
        self._hidden = []
        for page in sorted(self._pages.values(), key=lambda each: ending_rank(each.path)):
            first = names.setdefault(page.name, page)
            if first is not page:
                self._hidden.append((first, page))
        self._slugs = {}
        for page in sorted(names.values(), key=lambda each: each.rank):
            self._slugs.setdefault(page.slug, []).append(page)


def _meet(page: Page, other: Page) -> bool:
    return page.answers(other.method) or other.answers(page.method)
