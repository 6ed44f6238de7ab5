"""Pages by their slugs: which of them answers a request, and which would answer the same one."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from liquid_background.language.pages.files import ending_rank


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a site, as far as its front matter tells."""

    name: str
    path: str
    front_matter: Mapping[str, Any]  # empty when it cannot be read: the page says so when it is asked for
    digest: bytes = b""  # of the text that it was read from

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


@dataclass(frozen=True, slots=True)
class Conflict:
    """A page whose requests, or some of them, go to others."""

    page: Page
    first: Page  # that answers them
    more: int = 0  # others that would answer before this page

    @property
    def is_hidden(self) -> bool:
        """Whether both are files of one name, of which only the first is a page."""
        return self.first.name == self.page.name


class Slugs:
    """Pages by their slugs; of two files of one name only the first is a page.

    However many pages have one slug, to find the one that answers and to replace one take the time of a few.
    """

    def __init__(self) -> None:
        self._names: dict[str, list[Page]] = {}
        self._slugs: dict[tuple[str, str], list[Page]] = {}  # by slug and method, "" for any; the first answers

    def find(self, path: str, method: str) -> Page | None:
        """Return the page that answers a request."""
        candidates = [pages[0] for key in {(path, method), (path, "")} if (pages := self._slugs.get(key))]
        return min(candidates, key=_rank, default=None)

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
            self._take_out(first)
        if files and files[0] is not first:
            insort(self._slugs.setdefault((files[0].slug, files[0].method), []), files[0], key=_rank)

    def _take_out(self, page: Page) -> None:
        key = page.slug, page.method
        pages = self._slugs[key]
        del pages[bisect_left(pages, page.rank, key=_rank)]  # which ends with the name: no two pages have one rank
        if not pages:
            del self._slugs[key]

    def conflicts(self) -> list[Conflict]:
        """Return the pages that others answer before, each once."""
        hidden = [Conflict(other, files[0]) for _, files in sorted(self._names.items()) for other in files[1:]]
        slugs: dict[str, list[Page]] = {}
        for (slug, _), pages in sorted(self._slugs.items()):
            slugs.setdefault(slug, []).extend(pages)
        return hidden + [conflict for pages in slugs.values() for conflict in _conflicts(sorted(pages, key=_rank))]


def _rank(page: Page) -> tuple[bool, bool, str]:
    return page.rank


def _conflicts(pages: Iterable[Page]) -> Iterator[Conflict]:
    """Yield which of the pages of one slug, in the order of their ranks, others of them answer before."""
    before: dict[str, list[Page]] = {}
    everything: list[Page] = []
    for page in pages:
        met = [everything] if not page.method else [before.get(page.method, []), before.get("", [])]
        firsts = [others[0] for others in met if others]
        if firsts:
            yield Conflict(page, min(firsts, key=_rank), sum(map(len, met)) - 1)
        everything.append(page)
        before.setdefault(page.method, []).append(page)
