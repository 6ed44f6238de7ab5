"""The settings in a pyproject.toml: its table, or in one line why that cannot be read."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from liquid_background.basic_errors import SettingsError

FILE: Final = "pyproject.toml"
TABLE: Final = "tool.liquid_background"

_OPEN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a named pipe opens at once, and is no file
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_KINDS: Final = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
_TYPES: Final = {list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}


def read_table(folder: Path) -> dict[str, Any]:
    """Return the table of the settings in a folder's pyproject.toml; an empty one when there is no such file or table.

    Raises:
        SettingsError: naming the file, and the line of what is no TOML.
    """
    file = folder / FILE
    found: Any = _parse(_read(file), file)
    way = TABLE.split(".")
    for count, name in enumerate(way, 1):
        found = found.get(name, {})
        if not isinstance(found, dict):
            kind = _TYPES.get(type(found), "a date")
            raise SettingsError(f"{file}: {'.'.join(way[:count])} is {kind}; settings are lines below [{TABLE}]")
    return dict(found)


def line_of_key(folder: Path, key: str) -> int | None:
    """Return the line of a folder's pyproject.toml that gives a setting, as far as that can be told."""
    header = re.compile(rf"\s*{re.escape(f'[{TABLE}]')}")
    given = re.compile(rf"""\s*(["']?){re.escape(key)}\1\s*[=.]""")
    is_inside = False
    for number, line in enumerate(_read(folder / FILE).decode("utf-8-sig", "replace").splitlines(), 1):
        is_inside = is_inside or header.match(line) is not None
        if is_inside and given.match(line):
            return number
    return None


def _read(file: Path) -> bytes:
    """Return what a file holds; nothing when there is none."""
    try:
        descriptor = os.open(file, _OPEN)
    except FileNotFoundError:
        if file.is_symlink():
            raise _unreadable(file, "is a link that leads nowhere") from None
        return b""
    except OSError as error:
        reason = "is a link in a circle" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise _unreadable(file, reason) from error
    try:
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind != stat.S_IFREG:
            raise _unreadable(file, f"is {_KINDS.get(kind, 'a device')}, and no file")
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read()
    finally:
        os.close(descriptor)


def _unreadable(file: Path, reason: str) -> SettingsError:
    return SettingsError(f"{file} {reason}; settings are read from it: mend it, or take it away")


def _parse(content: bytes, file: Path) -> dict[str, Any]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}:{line}: is not UTF-8 text; write it anew as UTF-8") from error
    try:
        return _loaded(text)
    except RecursionError as error:
        raise SettingsError(f"{file}: is nested too deep; settings are lines below [{TABLE}]") from error
    except ValueError as error:  # a number of thousands of digits, too
        raise SettingsError(_not_toml(str(error), text, file)) from error


@lru_cache(maxsize=1)
def _loaded(text: str) -> dict[str, Any]:
    """Return what a text says; the last one is kept, since an application's tests make engine after engine from it."""
    return tomllib.loads(text)


def _not_toml(message: str, text: str, file: Path) -> str:
    found = _PLACE.search(message)
    what = message[: found.start()] if found else message.partition(";")[0]
    if found is None:
        place = ""
    elif found[1]:
        place = f":{found[1]}:{found[2]}"
    else:
        place = f":{text.rstrip().count(chr(10)) + 1}"
    return f"{file}{place}: is not TOML: {what[:1].lower()}{what[1:]}; correct it there"
