"""A folder of pages as it was listed: the files that may be pages, and the folders in it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from liquid_background.language.pages.files import MOST_ENTRIES, Signature, is_settled, may_hold_templates


@dataclass(slots=True)
class Folder:
    """A folder as it was listed."""

    seen: Signature | None
    settled: bool
    files: dict[str, int] = field(default_factory=dict)  # inodes, by path
    folders: set[str] = field(default_factory=set)
    is_full: bool = False  # of more than are looked at


def list_folder(path: str, top: str, seen: Signature | None) -> Folder:
    """Look what stands in a folder; links to folders are not followed, and no file is looked at.

    Args:
        path: the folder.
        top: the folder of all pages.
        seen: its state before the look.
    """
    found = Folder(seen, is_settled(seen))
    with suppress(OSError), os.scandir(path) as entries:
        for count, entry in enumerate(entries):
            if count == MOST_ENTRIES:
                found.is_full = True
                break
            if entry.is_dir(follow_symlinks=False):
                if may_hold_templates(entry.path[len(top) + 1 :]):
                    found.folders.add(entry.path)
            elif entry.name.endswith(".liquid"):
                found.files[entry.path] = entry.inode()
    return found
