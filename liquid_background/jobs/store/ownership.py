"""What belongs to the embedded store belongs to its user: a link, what is somebody else's or open to others is refused.

Otherwise others could take the jobs through a socket of theirs, have a file overwritten through a link, or write jobs.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from liquid_background.errors import StoreStartError

OTHER_FOLDER: Final = "or set LIQUID_BACKGROUND_DATA_DIR to another folder"


def check_folder(folder: Path) -> None:
    """Accept the store's folder, or that there is none yet.

    Raises:
        StoreStartError: when it is a link, somebody else's, no folder, or one in which others may replace files.
    """
    facts = _look(folder)
    if facts is not None:
        _check(folder, facts)
        if not stat.S_ISDIR(facts.st_mode):
            raise _refused(folder, "is not a folder", "move it away")
        return
    for parent in folder.absolute().parents:
        if parent.is_dir():
            return
        if parent.exists() or parent.is_symlink():
            raise _refused(folder, f"is to be in {parent}, which is not a folder", "move that away")


def check_place(folder: Path) -> None:
    """Accept the store's folder, or a place where it can be made: for a look that makes nothing.

    Raises:
        StoreStartError: as `check_folder` does, or when the folder cannot be made or written to.
    """
    check_folder(folder)
    there = next((each for each in (folder, *folder.absolute().parents) if each.is_dir()), folder)
    with explained(folder):
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{there} may not be written to")


def check_own(path: Path) -> None:
    """Accept what is this user's own, or that there is nothing.

    Raises:
        StoreStartError: when it is a link, somebody else's, or what others may write to.
    """
    facts = _look(path)
    if facts is not None:
        _check(path, facts)


def make_private(folder: Path) -> None:
    """Make the folder for sockets under /tmp, where others may have made it before.

    Raises:
        StoreStartError: as `check_private` does, or when it cannot be made.
    """
    with explained(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)


def check_private(folder: Path) -> None:
    """Accept a folder that only this user can read, or that there is none yet.

    Raises:
        StoreStartError: when others could pose as the store there.
    """
    facts = _look(folder)
    if facts is None:
        return
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise StoreStartError(
            f"{folder} is not a private folder of this user: remove it, or set LIQUID_BACKGROUND_DATA_DIR "
            "to a shorter path, which needs no socket there"
        )


def open_own(path: Path, flags: int) -> int:
    """Return the descriptor of a plain file that is this user's own.

    Raises:
        StoreStartError: when it is a link, somebody else's, or something else.
        OSError: when it cannot be opened.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _refused(path, "is a link", "remove it") from error
    try:
        facts = os.fstat(descriptor)
        _check(path, facts)
        if not stat.S_ISREG(facts.st_mode):
            raise _refused(path, "is not a plain file", "remove it")
    except StoreStartError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Have an OSError name the store's folder and what to do.

    Raises:
        StoreStartError: for each OSError.
    """
    try:
        yield
    except OSError as error:
        raise StoreStartError(
            f"cannot write to the store's folder {folder}: {error.strerror}; make it writable, {OTHER_FOLDER}"
        ) from error


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refused(path, f"cannot be examined ({error.strerror})", "see to its rights") from error


def _check(path: Path, facts: os.stat_result) -> None:
    if stat.S_ISLNK(facts.st_mode):
        raise _refused(path, "is a link", "remove it")
    if facts.st_uid != os.geteuid():
        raise _refused(path, f"belongs to user {facts.st_uid}, not to this one ({os.geteuid()})", "run as that user")
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        raise _refused(path, "has a second name, by a hard link", "remove it")
    shared = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # In a sticky folder, as /tmp, others cannot replace what is not theirs; a socket's rights are its server's affair.
    if shared and not facts.st_mode & stat.S_ISVTX and (stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode)):
        whose = "anyone" if shared & stat.S_IWOTH else f"everyone in group {facts.st_gid}"
        raise _refused(path, f"may be written to by {whose}", f"run chmod go-w {shlex.quote(str(path))}")


def _refused(path: Path, why: str, advice: str) -> StoreStartError:
    return StoreStartError(f"the embedded store does not use {path}, which {why}: {advice}, {OTHER_FOLDER}")
