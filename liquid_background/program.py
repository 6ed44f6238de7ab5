"""The program `poscli`, as it is installed: for frameworks whose own program has commands of ours."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final

from liquid_background.errors import SettingsError

_APP: Final = "LIQUID_BACKGROUND_APP"
_COMMAND: Final = re.compile(r"\bposcli (\w+)\b(?!:)")  # but not the label in front of an error
_TAKE_APP: Final = ("check", "dev", "doctor", "render", "serve", "status")


def renaming(names: Mapping[str, str], app: str, start: str = "") -> Callable[[str], str]:
    """Return what gives a text with commands of `poscli` the names by which the user of a framework can run them.

    Args:
        names: what the commands are called that the framework's program has.
        app: names the application's engine, for those that it does not have.
        start: what stands before those.
    """

    def named(match: re.Match[str]) -> str:
        command = match[1]
        if command in names:
            return names[command]
        return f"{start}{match[0]} --app {app}" if command in _TAKE_APP else match[0]

    return lambda text: _COMMAND.sub(named, text)


def run_program(arguments: Sequence[str], app: str, rename: Callable[[str], str] | None = None) -> int:
    """Run a command of `poscli` in this process, and return its exit code.

    Imports point down, and the program stands above all frameworks: it is asked for where it is installed.

    Args:
        arguments: what stands behind `poscli`.
        app: names the application's engine, as the setting APP does; an option `--app` counts before it.
        rename: gives what it says the names that its commands have here; see `renaming`.

    Raises:
        SettingsError: when the program is not installed.
    """
    found = [each for each in entry_points(group="console_scripts", name="poscli") if each.dist is not None]
    if not found:
        raise SettingsError("the program poscli is not installed beside liquid_background: install the package")
    before = os.environ.get(_APP), sys.stdin, sys.stdout, sys.stderr, warnings.showwarning
    os.environ[_APP] = app
    try:
        found[0].load()(arguments, rename)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(bool(left.code))
    finally:
        name, sys.stdin, sys.stdout, sys.stderr, warnings.showwarning = before
        os.environ.pop(_APP)
        if name is not None:
            os.environ[_APP] = name
    return 0
