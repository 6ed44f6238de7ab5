"""Where in a site a path leads, its links followed, within bounds: few links may lead through thousands of folders."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final, NamedTuple

MOST_STEPS: Final = 255
"""Folders, links and files that are passed on the way of one path; each costs a look."""
OUT: Final = "a link that leads out of the site"
TOO_FAR: Final = f"a link that leads through over {MOST_STEPS} folders and links"

_MOST_LINKS: Final = 40  # as Linux has it


class Place(NamedTuple):
    """Where in a site a path led, through links."""

    real: str
    within: str  # below the site's folder; of a file that belongs to none, its name


class _TooFar(Exception):
    """Raised when a way has no end within the bounds."""


def inside(path: str, root: str) -> Place | None:
    """Return where a path leads, its links followed; None when that is outside the folder `root`, nowhere or too far.

    The links of `root` are followed once, so that one that is switched meanwhile makes no difference.
    """
    found = lead(path, root)
    return found if isinstance(found, Place) else None


def lead(path: str, root: str) -> Place | str:
    """Return where a path leads, or why that is no place in the folder `root`."""
    try:
        top = os.path.realpath(root, strict=True)
        below = path.removeprefix(root.rstrip("/") + "/")
        real = _follow(os.getcwd(), path) if below == path else _follow(top, below)
    except _TooFar:
        return TOO_FAR
    except (OSError, ValueError) as error:
        is_circle = isinstance(error, OSError) and error.errno == errno.ELOOP
        return "links in a circle" if is_circle else "a link that leads nowhere"
    start = top.rstrip("/") + "/"
    return Place(real, real[len(start) :]) if real.startswith(start) else OUT


def _follow(folder: str, path: str) -> str:
    """Return where a path leads from a folder that holds no link.

    Raises:
        OSError: when it leads nowhere, or in a circle.
        _TooFar: when it has no end within the bounds.
    """
    here, links = ("/" if path.startswith("/") else folder), 0
    left = path.split("/")[::-1]
    for _ in range(MOST_STEPS):
        if not left:
            return here
        part = left.pop()
        there = os.path.join(here, part)
        if part == os.pardir:
            here = os.path.dirname(here)
        elif part not in ("", os.curdir):
            if stat.S_ISLNK(os.lstat(there).st_mode):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), there)
                target = os.readlink(there)
                here = "/" if target.startswith("/") else here
                left += target.split("/")[::-1]
            else:
                here = there
    if left:
        raise _TooFar
    return here
