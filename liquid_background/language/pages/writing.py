"""Writing a template's text over: in one step, and into the file that was read."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import Final

from liquid_background.errors import TemplateNotWritten
from liquid_background.language.pages.links import Place
from liquid_background.language.pages.reading import folder_of

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_text(place: Place, before: str, after: str, name: str) -> None:
    """Write a template's text over; whoever reads it meanwhile has all of the old one, or all of the new one.

    Its mode, its owner where that may be given away, and a byte order mark stay. Line ends are part of the text.

    Args:
        place: where it was found, with its links followed.
        before: the text that it must have still.
        after: the new text.
        name: what people call it, for errors.

    Raises:
        TemplateNotWritten: when it has another text by now, or cannot be written; then it is as it was.
    """
    file = os.path.basename(place.within)
    try:
        with folder_of(place) as folder:
            old, state = _read(file, folder, name)
            mark = b"\xef\xbb\xbf" if old.startswith(b"\xef\xbb\xbf") else b""
            if old != mark + before.encode():
                raise TemplateNotWritten(f"{name}: it has changed meanwhile; nothing was written: run again")
            _replace(file, folder, mark + after.encode(), state)
    except OSError as error:
        raise TemplateNotWritten(f"{name}: it cannot be written: {error.strerror}") from error


def _read(file: str, folder: int, name: str) -> tuple[bytes, os.stat_result]:
    descriptor = os.open(file, _OLD, dir_fd=folder)
    with open(descriptor, "rb") as opened:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise TemplateNotWritten(f"{name}: it is no regular file any more; nothing was written")
        if not os.access(file, os.W_OK, dir_fd=folder):
            raise TemplateNotWritten(f"{name}: it may not be written: its mode is {stat.S_IMODE(state.st_mode):04o}")
        return opened.read(), state


def _replace(file: str, folder: int, data: bytes, state: os.stat_result) -> None:
    """Put a new file in the place of one; its name starts with a dot, so that nobody takes it for a template."""
    new = f".{secrets.token_hex(8)}.poscli"
    descriptor = os.open(new, _NEW, 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            with suppress(OSError):  # only root may give files away
                os.fchown(descriptor, state.st_uid, state.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(state.st_mode))
            os.fsync(descriptor)
        os.rename(new, file, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(new, dir_fd=folder)
        raise
