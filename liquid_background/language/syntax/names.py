"""Names that no template can have: what a file system refuses as a name is not found, as any other wrong name."""

from __future__ import annotations

import errno
import re
from typing import Final

REFUSALS: Final = (OSError, RuntimeError, ValueError)
"""What loaders that read files raise for such names, and for other reasons, too."""

_NUMBERS: Final = frozenset((errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ))
_IMPOSSIBLE: Final = re.compile("[\0\ud800-\udfff]")


def is_impossible(name: str, error: Exception) -> bool:
    """Return whether an error says that a name is too long, leads in a circle, or holds a NUL or a lone surrogate."""
    if isinstance(error, OSError):
        return error.errno in _NUMBERS
    if isinstance(error, RuntimeError):
        return str(error).startswith("Symlink loop")  # pathlib's, before Python 3.13
    return _IMPOSSIBLE.search(name) is not None
