"""Names that no template can have: what a file system refuses as a name is not found, as any other wrong name."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from liquid.exceptions import TemplateNotFoundError

_REFUSED: Final = frozenset((errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ))


@contextmanager
def impossible_not_found(name: str) -> Iterator[None]:
    """Have a loader not find a name that is too long, leads in a circle, or holds a NUL or a lone surrogate.

    Raises:
        TemplateNotFoundError: for such a name; other errors pass.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if not _is_impossible(error, name):
            raise
        raise TemplateNotFoundError(name, filename=name) from error


def _is_impossible(error: Exception, name: str) -> bool:
    if isinstance(error, OSError):
        return error.errno in _REFUSED
    if isinstance(error, RuntimeError):
        return str(error).startswith("Symlink loop")  # pathlib's, before Python 3.13
    return "\0" in name or (not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name))
