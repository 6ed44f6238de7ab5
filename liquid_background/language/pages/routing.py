"""Which page answers at a path: an index from slug and method to page, kept fresh."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic, thread_time
from typing import Any, Final

from liquid.exceptions import LiquidError

from liquid_background.jobs.log import printable
from liquid_background.language.pages.answers import reason_against_choice
from liquid_background.language.pages.files import (
    LONGEST_NAME,
    PAGES,
    TOO_FULL,
    Signature,
    is_settled,
    is_template_name,
    name_of,
    oddity,
    signature_of,
)
from liquid_background.language.pages.folders import Folder, list_folder
from liquid_background.language.pages.front_matter import front_matter_part, split_front_matter
from liquid_background.language.pages.links import Place, inside
from liquid_background.language.pages.reading import read_head
from liquid_background.language.pages.slugs import Conflict, Page, Slugs

logger = logging.getLogger(__name__)

_LOOK_AGAIN: Final = 1.0  # seconds after which all pages are looked at, whatever their folders say
_BUDGET: Final = 0.05  # seconds that a request spends on pages that it does not ask for
_REST: Final = 3  # a look that found no page, or took long, is followed by a pause this many times as long
_QUICK: Final = 0.01  # seconds of the processor, for a look that is followed by no pause
_TRIES: Final = 4  # pages that may come into question for one request, while files change
_LOOKS: Final = 64  # between two looks at the clock
_MANY_FOLDERS: Final = 1000  # of more, a request looks at those on its own way only


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was read."""

    seen: Signature | None
    settled: bool
    page: Page | None  # None when it is no template


class Routes:
    """The pages of a site by their slugs.

    A page that is new, gone or replaced is seen by the next request, and so is a change of the page that answers, but
    for a moment after front matter that took long. One that is written over with another slug is seen by the next
    request that no other page answers, but for a moment after a look at all of them; and by all requests within a
    second. Where thousands of pages change at once, a request looks at as many as its time allows, and the next one
    goes on. Reading front matter never parses the page.

    Args:
        root: the site's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._top = os.path.join(self._root, PAGES)
        self._lock = Lock()
        self._slugs = Slugs()
        self._folders: dict[str, Folder] = {}
        self._files: dict[str, SeenFile] = {}
        self._to_list: dict[str, None] = {self._top: None}  # folders
        self._to_see: dict[str, None] = {}  # files
        self._unsettled: set[str] = set()  # files that could have changed without a sign since they were read
        self._look_at = 0.0
        self._work_at = 0.0
        self._rest_until = 0.0
        self._see_at = 0.0

    def read(self, seconds: float = inf) -> int:
        """Read all pages, so that requests that come behind find them; return how many there was no time for.

        Args:
            seconds: after which requests read what is left, each a part of it.
        """
        with self._lock:
            self._look_at_all()
            self._work(monotonic() + seconds)
            return len(self._to_list) + len(self._to_see)

    def find(self, path: str, method: str) -> Page | None:
        """Return the page that answers a request, None when there is none.

        Args:
            path: without the slashes around it; one that is longer than any template's name finds no page.
            method: of the request.
        """
        if len(path) > LONGEST_NAME:
            return None
        wanted = "GET" if method == "HEAD" else method
        with self._lock:
            started = monotonic()
            ends = started + _BUDGET if self._folders else inf
            if started >= self._work_at:
                self._keep_fresh(path, started, ends)
            page = self._current(path, wanted)
            if page is None and started >= self._rest_until:
                if not self._is_behind:
                    self._look_at_all()
                self._work(ends)
                now = monotonic()
                self._rest_until = now + _REST * (now - started)
                page = self._current(path, wanted)
            return page

    def conflicts(self) -> list[Conflict]:
        """Return the pages that others answer before, each once."""
        self.read()
        with self._lock:
            return self._slugs.conflicts()

    @property
    def _is_behind(self) -> bool:
        return bool(self._to_list or self._to_see)

    def _keep_fresh(self, path: str, started: float, ends: float) -> None:
        """Look at what may have changed; after a long look others get as much time, whoever keeps changing pages."""
        worked = thread_time()
        if started >= self._look_at and not self._is_behind:
            self._look_at_all()
        self._mark(path)
        self._work(ends)
        now, worked = monotonic(), thread_time() - worked
        if now > ends or (worked > _QUICK and ends != inf):  # the first look is all that there is to wait for
            self._work_at = now + (now - started)

    def _mark(self, path: str) -> None:
        """Note the folders that have changed, and the files that could have since they were read."""
        folders: Iterable[str] = self._folders
        if len(self._folders) > _MANY_FOLDERS:
            folders = [*self._way(path)]
        for folder in folders:
            known = self._folders[folder]
            if not known.settled or signature_of(folder) != known.seen:
                self._to_list[folder] = None
        for each in self._unsettled:
            self._to_see.setdefault(each)

    def _way(self, path: str) -> Iterator[str]:
        """Yield the folders that are known on the way to a path, from the top down."""
        here = self._top
        for part in path.split("/"):
            if here not in self._folders:
                return
            yield here
            here = os.path.join(here, part)

    def _look_at_all(self) -> None:
        self._to_list |= dict.fromkeys(self._folders)
        self._to_see |= dict.fromkeys(self._files)
        self._look_at = monotonic() + _LOOK_AGAIN

    def _work(self, ends: float) -> None:
        """List the folders and see the files that wait for it, for as long as there is time."""
        looks = 0
        while self._is_behind:
            if self._to_list:
                self._list(self._to_list.popitem()[0])
                read = True
            else:
                read = self._see(self._to_see.popitem()[0])
            looks += 1
            if (read or looks % _LOOKS == 0) and monotonic() >= ends:
                return

    def _current(self, path: str, method: str) -> Page | None:
        """Return the page that answers as things are now; those that come into question are looked at."""
        is_behind = self._is_behind or monotonic() < self._work_at
        for own in (path or "index", f"{path or 'index'}.html"):
            place = os.path.join(self._top, f"{own}.liquid")
            folder = self._folders.get(os.path.dirname(place))
            is_unlisted = folder is not None and (is_behind or folder.is_full)
            if folder is not None and is_unlisted and is_template_name(own) and os.path.exists(place):
                folder.files.setdefault(place, 0)  # no file's inode: it is seen again when the folder is listed
                self._see_asked(place)
        page = self._slugs.find(path, method)
        for _ in range(_TRIES):
            if page is None:
                return None
            self._see_asked(page.path)
            found, page = page, self._slugs.find(path, method)
            if found is page:
                break
        return page

    def _see_asked(self, path: str) -> None:
        """Read a file that is asked for; after one that took long others get their time, and it stands as it was."""
        if monotonic() < self._see_at:
            return
        worked = thread_time()
        self._see(path)
        worked = thread_time() - worked
        if worked > _QUICK:
            self._see_at = monotonic() + _REST * worked

    def _list(self, folder: str) -> None:
        """List a folder: what is new there is to be seen, and what is gone is forgotten."""
        known = self._folders.get(folder)
        parent = self._folders.get(os.path.dirname(folder))
        if known is None and folder != self._top and (parent is None or folder not in parent.folders):
            return  # it was forgotten meanwhile
        seen = signature_of(folder)  # before the look: a change during it shows afterwards
        if known is not None and known.settled and known.seen == seen:
            return
        allowed = folder != self._top or inside(folder, self._root) is not None
        listed = list_folder(folder, self._top, seen) if allowed else Folder(seen, is_settled(seen))
        self._folders[folder] = listed
        if listed.is_full and not (known is not None and known.is_full):
            shown = printable(folder[len(self._root) + 1 :])
            logger.error("%s: %s is not looked at; pages among it answer at their names only", shown, TOO_FULL)
        old = known or Folder(None, settled=True)
        for path in old.files.keys() - listed.files.keys():
            self._forget(path)
        self._forget_folders(old.folders - listed.folders)
        if _device(old.seen) != _device(seen):
            old.files.clear()  # which has the same inodes for other files
        self._to_see |= dict.fromkeys(path for path, inode in listed.files.items() if old.files.get(path) != inode)
        self._to_list |= dict.fromkeys(listed.folders - old.folders)

    def _forget_folders(self, folders: set[str]) -> None:
        left = [*folders]
        while left:
            known = self._folders.pop(left.pop(), None)
            if known is not None:
                left += known.folders
                for path in known.files:
                    self._forget(path)

    def _forget(self, path: str) -> None:
        known = self._files.pop(path, None)
        self._to_see.pop(path, None)
        self._unsettled.discard(path)
        if known is not None:
            self._slugs.replace(known.page, None)

    def _see(self, path: str) -> bool:
        """Read a file unless it is the one that was read; return whether that was done."""
        known = self._files.get(path)
        seen = signature_of(path)
        if known is not None and known.settled and known.seen == seen:
            return False
        settled = is_settled(seen)  # before it is read: a change meanwhile shows afterwards
        old = known.page if known is not None else None
        place = None if oddity(path, self._root) else inside(path, self._root)
        page = self._page(path, place, old) if place is not None else None
        self._files[path] = SeenFile(seen, settled, page)
        if settled:
            self._unsettled.discard(path)
        else:
            self._unsettled.add(path)
        if page is not old:
            self._slugs.replace(old, page)
        return True

    def _head(self, place: Place, name: str) -> str:
        return read_head(place, name)

    def _page(self, path: str, place: Place, known: Page | None) -> Page:
        name = name_of(path[len(self._top) + 1 :])
        matter: dict[str, Any] = {}
        digest = b""
        with suppress(LiquidError):
            text = self._head(place, f"{PAGES}/{name}")
            digest = _digest(front_matter_part(text))
            if known is not None and known.digest == digest:
                return known
            matter, _, _ = split_front_matter(text, f"{PAGES}/{name}")
            if reason_against_choice("method", matter.get("method", "GET")):
                matter = {}  # which method was meant is not known: it takes no request from another page
        page = Page(name, path, matter, digest)
        return known if known == page and known is not None else page


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _device(seen: Signature | None) -> int | None:
    return seen[1] if seen is not None else None
