"""The text of a template's file: of the one at the place where it was looked at, whoever switches links meanwhile."""

from __future__ import annotations

import codecs
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from liquid import Token
from liquid.exceptions import TemplateNotFoundError

from liquid_background.errors import TagSyntaxError
from liquid_background.language.limits import MAX_TEMPLATE
from liquid_background.language.pages.links import Place
from liquid_background.wording import kilobytes

_HEAD: Final = 64 * 1024  # bytes in which the longest front matter ends
_DECODER: Final = codecs.getincrementaldecoder("utf-8-sig")  # which keeps a character that is cut at the end for later
_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC  # one may be passed and not listed
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a named pipe opens at once, and is no file
_CHANGED: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP))  # it has gone, or is a link by now


def read_text(place: Place, name: str) -> str:
    """Return a template's text; a byte order mark is no part of it.

    Args:
        place: where it was found, with its links followed.
        name: what people call it, for errors.

    Raises:
        TagSyntaxError: when it cannot be read, is too large, or not UTF-8.
        TemplateNotFoundError: when it has gone, is no regular file, or a link has come to stand on the way to it.
    """
    return _decode(_read(place, name, MAX_TEMPLATE + 1)[0], name, final=True)


def read_head(place: Place, name: str) -> str:
    """Return the beginning of a template's text, in which its front matter ends, or all of a short one.

    Raises:
        TagSyntaxError: as `read_text` does.
        TemplateNotFoundError: as `read_text` does.
    """
    data, size = _read(place, name, _HEAD)
    return _decode(data, name, final=size <= len(data))


def _read(place: Place, name: str, most: int) -> tuple[bytes, int]:
    """Return (the first bytes of a file, its size)."""
    try:
        descriptor = _open(place)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise TemplateNotFoundError(name)
        with open(descriptor, "rb") as file:
            data = file.read(most)
    except OSError as error:
        if error.errno in _CHANGED:
            raise TemplateNotFoundError(name) from error
        raise _unreadable(f"the file cannot be read: {error.strerror}", name) from error
    size = max(found.st_size, len(data))
    _check_size(size, name)
    return data, size


def text_of(data: bytes, name: str) -> str:
    """Return the text of a template's bytes that were not read here, as `read_text` would.

    Raises:
        TagSyntaxError: when they are too many, or not UTF-8.
    """
    _check_size(len(data), name)
    return _decode(data, name, final=True)


def _check_size(size: int, name: str) -> None:
    if size > MAX_TEMPLATE:
        limit = f"a template may have {MAX_TEMPLATE // 1024} KB"
        raise _unreadable(f"the file has {kilobytes(size)}; {limit}", name)


def _open(place: Place) -> int:
    with folder_of(place) as folder:
        return os.open(os.path.basename(place.within), _FILE | os.O_NOFOLLOW, dir_fd=folder)


@contextmanager
def folder_of(place: Place) -> Iterator[int]:
    """Open the folder of a file, following no link from the site's on: those that it may have were followed before.

    Raises:
        OSError: when one has come to stand on the way.
    """
    here = os.open(place.real[: -len(place.within)], _FOLDER)
    try:
        for folder in place.within.split("/")[:-1]:
            above, here = here, os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(above)
        yield here
    finally:
        os.close(here)


def _decode(data: bytes, name: str, *, final: bool) -> str:
    try:
        return _DECODER().decode(data, final)
    except UnicodeDecodeError as error:
        raise _unreadable("the file is not UTF-8 text", name) from error


def _unreadable(message: str, name: str) -> TagSyntaxError:
    return TagSyntaxError(message, token=Token("", "", 0, "(the file)"), template_name=name)
