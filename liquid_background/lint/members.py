"""Which paths of a template have members there: what a page may not be able to hand over whole."""

from __future__ import annotations

import re
from typing import Final

from liquid.builtin.expressions import Path

SEGMENT: Final = re.compile(r"\s*\.\s*[\w-]+\??|\s*\[(?:[^\[\]'\"]|'[^']*'|\"[^\"]*\"|\[[^\[\]]*\])*\]")
_WORD: Final = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_QUOTED_SEGMENT: Final = re.compile(r"\['([A-Za-z_][\w-]*)'\]", re.ASCII)
_PATH: Final = re.compile(rf"(?<![\w.'\"-]){_WORD.pattern}(?:{SEGMENT.pattern})+", re.ASCII)
_DEEPEST: Final = 20  # segments of a path that are looked at


def members_in(source: str) -> frozenset[str]:
    """Return the paths in a text that stand before a member of theirs: of `a.b.c` these are `a` and `a.b`."""
    found: set[str] = set()
    for path in _PATH.finditer(source):
        end, left = _WORD.match(source, path.start()), _DEEPEST
        while end is not None and end.end() < path.end() and left:
            found.add(plain_path(source[path.start() : end.end()]))
            end, left = SEGMENT.match(source, end.end()), left - 1
    return frozenset(found)


def written(path: Path) -> str:
    """Return a path as python-liquid writes it; of one whose brackets go deeper than Python's stack, its root."""
    try:
        return str(path)
    except RecursionError:
        return f"{path.path[0]}[…]"


def plain_path(path: str) -> str:
    """Return a path as python-liquid writes it."""
    return _QUOTED_SEGMENT.sub(r".\1", re.sub(r"\s", "", path).replace('"', "'"))
