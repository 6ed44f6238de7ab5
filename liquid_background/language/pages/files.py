"""The template files of a site as they really are: which are templates, where, and whether they have changed."""

from __future__ import annotations

import errno
import os
import stat
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from liquid_background.language.pages.links import TOO_FAR, inside, lead

PAGES: Final = "pages"
PARTIALS: Final = "partials"
LAYOUTS: Final = "layouts"
CONSUMERS: Final = "consumers"
FOLDERS: Final = (PAGES, PARTIALS, LAYOUTS, CONSUMERS)
"""The folders of a site that templates are in."""
ENDINGS: Final = (".liquid", ".html.liquid", "")
"""What a template's file adds to its name; of several files of one name the first is the template."""

_LONGEST_PART: Final = 255  # bytes of a name between two slashes, on the file systems of today
LONGEST_NAME: Final = 1_000
"""Characters of a template's name, folders included."""
_DEEPEST: Final = 100  # parts of it
MOST_ENTRIES: Final = 20_000
"""Files and folders in one folder that are looked at: whoever adds one has all of them listed anew."""
TOO_FULL: Final = f"what stands behind the first {MOST_ENTRIES:,} files and folders of this folder"
_TOO_DEEP: Final = f"a folder with {_DEEPEST - 1} around it: nobody looks into it"
_TICK: Final = 50_000_000  # ns in which a file may change again without its times changing
_COARSE_TICK: Final = 2_000_000_000  # … on a file system that keeps whole seconds

Signature: TypeAlias = tuple[int, ...]
"""What tells one state of a file from the next."""

_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a walk came by."""

    path: str
    name: str  # its place under where the walk began, with its ending
    signature: Signature | None
    odd: str = ""  # why it is no template


@dataclass(slots=True)
class Walk:
    """What stands under a folder: the files whose names end as templates' do, and the folders looked into."""

    files: list[Found] = field(default_factory=list)
    folders: list[tuple[str, Signature | None]] = field(default_factory=list)

    @property
    def templates(self) -> Iterator[Found]:
        """The files that are templates."""
        return (found for found in self.files if not found.odd)


def unusable_folders(root: str) -> dict[str, str]:
    """Return which folders of a site hold no templates for anybody, by path, and why.

    Of them only `root` must be there; where it is one of them, nothing is said of those in it.
    """
    reason = _reason_against_folder(root)
    if reason:
        return {root: reason}
    inner = [os.path.join(root, name) for name in FOLDERS if os.path.lexists(os.path.join(root, name))]
    reasons = ((path, _reason_against_folder(path, root)) for path in inner)
    return {path: reason for path, reason in reasons if reason}


def _reason_against_folder(path: str, root: str = "") -> str:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            with os.scandir(path):
                os.stat(os.path.join(path, "."))  # one may be listed, and what is in it not looked at
            found = lead(path, root) if root else ""
            return f"is {found}" if found and isinstance(found, str) else ""
    except FileNotFoundError:
        return "is a link that leads nowhere" if os.path.lexists(path) else "is not there"
    except (OSError, ValueError) as error:
        is_circle = isinstance(error, OSError) and error.errno == errno.ELOOP
        return "is a link in a circle" if is_circle else _reason(error, "listed")
    return f"is {_KINDS.get(stat.S_IFMT(mode), 'a file')}, and no folder"


def is_template_name(name: str) -> bool:
    """Return whether a template may be called so: a way down from a folder, past nothing hidden."""
    if len(name) > LONGEST_NAME:
        return False
    path = PurePosixPath(name)
    if not 0 < len(path.parts) <= _DEEPEST or path.is_absolute():
        return False
    return not any(_odd_name(part) for part in path.parts)


def may_hold_templates(folder: str) -> bool:
    """Return whether there may be templates in a folder, which is named by its place in one of the site's."""
    return is_template_name(folder) and folder.count("/") + 1 < _DEEPEST


def file_for(name: str) -> str | None:
    """Return the file that would be the template of a name, below its folder; None when no file can have that name."""
    file = f"{PurePosixPath(name)}.liquid"
    return file if is_template_name(name) and is_template_name(file) else None


def _odd_name(part: str) -> str:
    if part.startswith("."):
        return "its name starts with a dot"
    if not (part.isascii() and part.isprintable()):
        categories = {unicodedata.category(character) for character in part}
        if "Cs" in categories:
            return "its name is not UTF-8"
        if categories & {"Cc", "Zl", "Zp"}:
            return "its name holds a control character"
    return "its name is too long" if len(part.encode()) > _LONGEST_PART else ""


def name_of(place: str) -> str:
    """Return the name that people use for a file: its place, without the ending."""
    return place.removesuffix(".liquid").removesuffix(".html")


def ending_rank(path: str) -> int:
    """Return which of a template's endings a file has."""
    return ENDINGS.index(".html.liquid") if path.endswith(".html.liquid") else ENDINGS.index(".liquid")


def first_of_name(path: str) -> str:
    """Return the file beside another one that is read in its place, since both have one name; "" when there is none."""
    plain = f"{path.removesuffix('.html.liquid')}.liquid"
    return plain if path.endswith(".html.liquid") and os.path.lexists(plain) else ""


def signature_of(path: str) -> Signature | None:
    """Return the state of the file that a path leads to, through links; None when it leads to none."""
    try:
        return _signature(os.stat(path))
    except (OSError, ValueError):
        return None


def _signature(found: os.stat_result) -> Signature:
    return (found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def changed_at(path: str) -> int:
    """Return when a file, or a link itself, last changed its state, which nobody can set; now when it has gone."""
    try:
        return os.lstat(path).st_ctime_ns
    except (OSError, ValueError):
        return time.time_ns()


def is_regular(signature: Signature | None) -> bool:
    """Return whether a signature is that of a regular file."""
    return signature is not None and stat.S_ISREG(signature[0])


def is_settled(signature: Signature | None) -> bool:
    """Return whether a file has stood unchanged for long enough that a further change will show in its times."""
    if signature is None:
        return True
    changed = signature[-1]
    return abs(time.time_ns() - changed) > (_TICK if changed % 1_000_000_000 else _COARSE_TICK)


def walk(folder: str, root: str, *, deep: bool = True) -> Walk:
    """Look at all files under a folder of a site, in the order of their paths; links to folders are not followed.

    Args:
        folder: where to begin.
        root: the site; what a link names must be inside.
        deep: whether to look into its folders, too.
    """
    found = Walk()
    pending = [folder] if folder == root or inside(folder, root) else []
    if not pending:
        found.folders.append((folder, signature_of(folder)))
    while pending:
        here = pending.pop()
        found.folders.append((here, signature_of(here)))  # before the look: a change during it shows afterwards
        try:
            with os.scandir(here) as entries:
                for count, entry in enumerate(entries):
                    if count == MOST_ENTRIES:
                        found.files.append(Found(here, _under(here, folder), signature_of(here), TOO_FULL))
                        break
                    if deep and entry.is_dir(follow_symlinks=False) and not _odd_name(entry.name):
                        if not _is_too_deep(entry.path, root):
                            pending.append(entry.path)
                        else:
                            found.files.append(Found(entry.path, _under(entry.path, folder), None, _TOO_DEEP))
                    if entry.name.endswith(".liquid") or _is_skipped_folder(entry):
                        found.files.append(_look(entry, folder, root))
        except OSError as error:
            found.files.append(Found(here, _under(here, folder), signature_of(here), _reason(error, "listed")))
    found.files.sort(key=lambda each: each.path.replace("/", "\0"))
    return found


def _is_skipped_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder that a walk does not look into, though somebody may expect it to."""
    try:
        return not entry.name.startswith(".") and entry.is_dir() and (entry.is_symlink() or bool(_odd_name(entry.name)))
    except OSError:
        return False


def _look(entry: os.DirEntry[str], folder: str, root: str) -> Found:
    signature, odd = _state(entry.path, entry.name, root, link=entry.is_symlink())
    return Found(entry.path, _under(entry.path, folder), signature, odd)


def _under(path: str, folder: str) -> str:
    return path[len(folder) :].strip("/")


def oddity(path: str, root: str) -> str:
    """Return why a file is no template, "" when it is one.

    Args:
        path: the file.
        root: the site; "" for a file that belongs to none.
    """
    return _state(path, os.path.basename(path), root, link=os.path.islink(path))[1]


def _state(path: str, name: str, root: str, *, link: bool) -> tuple[Signature | None, str]:
    """Return the state of a file, and why it is no template."""
    led = lead(path, root) if link and root else None
    if led == TOO_FAR:
        return None, TOO_FAR
    try:
        signature, odd = _signature(os.stat(path)), ""
    except FileNotFoundError:
        signature, odd = None, "a link that leads nowhere"
    except (OSError, ValueError) as error:
        signature, odd = None, _reason(error, "looked at")
    odd = _odd_name(name) or odd
    if odd or signature is None:
        return signature, odd
    if stat.S_ISDIR(signature[0]) and (reason := _reason_against_looking(path, "" if link else root)):
        return signature, reason
    if not stat.S_ISREG(signature[0]):
        kind = _KINDS.get(stat.S_IFMT(signature[0]), "no file")
        return signature, f"a link to {kind}" if link else kind
    return signature, led if isinstance(led, str) else ""


def _reason_against_looking(folder: str, root: str) -> str:
    """Return why not all that is in a folder is looked at."""
    if root and _is_too_deep(folder, root):
        return _TOO_DEEP
    try:
        if os.access(folder, os.R_OK | os.X_OK):
            with os.scandir(folder) as entries:
                return TOO_FULL if next(islice(entries, MOST_ENTRIES, None), None) else ""
    except OSError:
        pass
    return "a folder that cannot be listed"


def _is_too_deep(folder: str, root: str) -> bool:
    return _under(folder, root).count("/") >= _DEEPEST  # with the folder of the site that it is in


def _reason(error: Exception, what: str) -> str:
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "links in a circle"
    return f"cannot be {what}: {error.strerror if isinstance(error, OSError) else error}"
