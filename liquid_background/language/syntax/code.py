"""Where in an application's own Python code an error was raised."""

from __future__ import annotations

import sysconfig
from pathlib import PurePath
from traceback import walk_tb
from types import FrameType
from typing import Final

_OURS: Final = ("liquid", "liquid_background")
"""Packages whose frames stand between a worker and the application's code."""
_PATHS: Final = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
_INSTALLED: Final = ("<", *(f"{path}/" for path in _PATHS if path))


def raised_at(error: BaseException, function: str) -> str:
    """Return the innermost line of the application's code that an error came through, such as `shop/crm.py:42`.

    It is named by its module, without the server's folders: template authors see it. It is empty when there is none.

    Args:
        error: as it was caught.
        function: `module:name` of the application's function that was called; its package may be an installed one.
    """
    found, package = "", function.partition(":")[0].partition(".")[0]
    for frame, line in walk_tb(error.__traceback__):
        if _is_of_application(frame, package):
            found = f"{_file_of(frame)}:{line}"
    return found


def _is_of_application(frame: FrameType, package: str) -> bool:
    top = str(frame.f_globals.get("__name__")).partition(".")[0]
    return top not in _OURS and (top == package or not frame.f_code.co_filename.startswith(_INSTALLED))


def _file_of(frame: FrameType) -> str:
    """Return as much of a file's path as its module's name says."""
    parts = PurePath(frame.f_code.co_filename).parts
    depth = str(frame.f_globals.get("__name__")).count(".") + 1
    if parts[-1] == "__init__.py":
        depth += 1
    return "/".join(parts[-depth:])
