"""The check of templates again and again, as files change: `poscli check --watch`."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from liquid_background.language.pages import walk
from liquid_background.lint import Finding

_LOOK: Final = 0.3  # seconds between two looks at the files
_SHARE: Final = 10  # times that a look took which pass before the next one, so that thousands of files are no load


class Change(NamedTuple):
    """What a check found that the one before did not."""

    new: Sequence[Finding]
    gone: int  # findings of the one before
    found: Sequence[Finding]  # all
    files: int


class Rechecking:
    """Checks whenever a template changes, is new or gone.

    Args:
        roots: folders of sites, and files and folders that are to be checked.
        check: returns the findings, and the number of files.
    """

    def __init__(self, roots: Iterable[Path], check: Callable[[], tuple[Sequence[Finding], int]]) -> None:
        self._roots = [*dict.fromkeys(map(str, roots))]
        self._check = check

    def changes(self) -> Iterator[Change]:
        """Yield what the first check finds, and then what is new whenever findings come or go."""
        seen, known = self._look(), Counter[tuple[str, str, str]]()
        is_first = True
        while True:
            found, files = self._check()
            keys = Counter(item.key for item in found)
            new = [*_beyond(found, known)]
            gone = (known - keys).total()
            known = keys
            if new or gone or is_first:
                yield Change(new, gone, found, files)
            is_first = False
            seen = self._wait(seen)

    def _wait(self, seen: object) -> object:
        """Return how the files are once they are no longer as they were seen."""
        while True:
            started = time.monotonic()
            now = self._look()
            if now != seen:
                return now
            time.sleep(_LOOK + _SHARE * (time.monotonic() - started))

    def _look(self) -> object:
        return {root: _state(root) for root in self._roots}


def _state(root: str) -> object:
    """Return what is another once a template in a folder, or a file, has changed."""
    if os.path.isdir(root):
        return [(found.path, found.signature) for found in walk(root, root).files]
    try:
        state = os.stat(root)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _beyond(found: Iterable[Finding], known: Counter[tuple[str, str, str]]) -> Iterator[Finding]:
    left = known.copy()
    for item in found:
        if left[item.key]:
            left[item.key] -= 1
        else:
            yield item
