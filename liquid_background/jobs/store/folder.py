"""Whether the embedded store can write to its folder, now and for a while."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from liquid_background.basic_errors import StoreStartError
from liquid_background.jobs.store.ownership import OTHER_FOLDER, check_place
from liquid_background.jobs.store.verdict import Severity, Verdict, verdict_on

_LITTLE: Final = 100 * 1024 * 1024  # bytes: a rewrite of the append-only file needs as much as the data once more


def unusable_folder(data_dir: Path) -> list[Verdict]:
    """Return what keeps a store from running in this folder; nothing when it can."""
    return [verdict for verdict in folder_verdicts(data_dir) if verdict.severity is Severity.WRONG]


def folder_verdicts(data_dir: Path) -> list[Verdict]:
    """Return what keeps a store from writing to this folder, or to where it would be made; it writes nothing itself."""
    try:
        check_place(data_dir)
    except StoreStartError as error:
        return [verdict_on(error, "folder")]
    folder = next(each for each in (data_dir, *data_dir.absolute().parents) if each.is_dir())
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free >= _LITTLE:
        return []
    severity = Severity.WARNING if free else Severity.WRONG
    left = f"has only {free // 1024 // 1024} MB left" if free else "is full"
    found = f"the disk of the embedded store's folder, {data_dir}, {left}"
    return [Verdict("folder", severity, found, f"free some space, {OTHER_FOLDER}")]
