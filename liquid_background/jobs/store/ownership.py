"""What belongs to the embedded store belongs to its user: a link, what is somebody else's or open to others is refused.

Otherwise others could take the jobs through a socket of theirs, have a file overwritten through a link, or write jobs.
The folders above it, too, must be ones in which nobody but this user and root can put another folder in its place.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from liquid_background.basic_errors import StoreStartError

OTHER_FOLDER: Final = "or set LIQUID_BACKGROUND_DATA_DIR to another folder"
_MOST_LINKS: Final = 40  # on one path, as in the kernels
_MAPPED: Final = Path("/proc/self/uid_map")  # the users that there are in this container


def check_folder(folder: Path) -> None:
    """Accept the store's folder, or that there is none yet.

    Raises:
        StoreStartError: when it is a link, somebody else's, no folder, or one in which others may replace files; or
            when others may put something else in its place.
    """
    _check_way(folder)
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
            code = errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES
            raise OSError(code, os.strerror(code) if there == folder else f"{there}: {os.strerror(code)}")


def check_own(path: Path, *, is_folder: bool = False) -> None:
    """Accept what is this user's own, or that there is nothing.

    Raises:
        StoreStartError: when it is a link, somebody else's, what others may write to, or a folder in place of a file.
    """
    facts = _look(path)
    if facts is not None:
        _check(path, facts)
        if stat.S_ISDIR(facts.st_mode) != is_folder:
            raise _refused(path, "is not a folder" if is_folder else "is a folder", "move it away")


def make_folder(folder: Path) -> None:
    """Make the store's folder, and those above it that are missing: whatever the umask, none that others may write to.

    Raises:
        OSError: when one cannot be made.
    """
    missing = [each for each in folder.absolute().parents if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


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
            f"cannot write to the store's folder {folder} ({error.strerror}): make it writable, {OTHER_FOLDER}"
        ) from error


def _check_way(folder: Path) -> None:
    """Accept the folders and links that lead to the store's folder.

    Raises:
        StoreStartError: naming one through which others may put something else in its place.
    """
    for path, facts in _way(folder):
        reason = _reason_against(facts)
        if reason is not None:
            below = f"{folder}, which is below {path}, which"
            raise StoreStartError(f"the embedded store does not use {below} {reason[0]}: {reason[1]}, {OTHER_FOLDER}")


def _way(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield what stands above a folder, and on the way there through links, as far as there is anything."""
    here, links = Path("/"), 0
    left = [*reversed(folder.absolute().parent.parts)]
    while left and links <= _MOST_LINKS:
        part = left.pop()
        path = here.parent if part == ".." else here / part
        facts = _look(path)
        if facts is None:
            return
        yield path, facts
        if stat.S_ISLNK(facts.st_mode):
            links += 1
            with explained(folder):
                left += reversed(Path(os.readlink(path)).parts)
        else:
            here = path


def _reason_against(facts: os.stat_result) -> tuple[str, str] | None:
    """Return why others may exchange what stands in a folder or behind a link, and what to do; None when they can't."""
    # Root works in other users' folders, as in a container where a project is mounted: what is put in the place of its
    # own there is not root's, and refused.
    is_root_s_way = os.geteuid() == 0 and stat.S_ISDIR(facts.st_mode)
    if facts.st_uid not in (0, os.geteuid()) and not is_root_s_way and _is_a_user(facts.st_uid):
        return f"belongs to user {facts.st_uid}, neither root nor this one ({os.geteuid()})", "run as that user"
    is_sticky = facts.st_mode & stat.S_ISVTX
    if not stat.S_ISDIR(facts.st_mode) or is_sticky:
        return None
    if facts.st_mode & stat.S_IWOTH:
        return "may be written to by anyone", "run chmod o-w on that"
    if facts.st_mode & stat.S_IWGRP and not _is_alone(facts.st_uid, facts.st_gid):
        return f"may be written to by everyone in group {facts.st_gid}", "run chmod g-w on that"
    return None


def _is_a_user(number: int) -> bool:
    """Return whether a user of that number can be in this container; what stands for all others owns files only."""
    try:
        rows = [[int(word) for word in line.split()] for line in _MAPPED.read_text("ascii").splitlines()]
    except (OSError, ValueError):  # not Linux
        return True
    return any(first <= number < first + count for first, _, count in rows)


def _is_alone(user: int, group: int) -> bool:
    """Return whether a group is a user's own, as many systems give each user one: nobody else is in it."""
    try:
        owner, members = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:
        return False
    return owner.pw_gid == group and members.gr_name == owner.pw_name and not {*members.gr_mem} - {owner.pw_name}


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
