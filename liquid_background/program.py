"""The program `poscli`, as it is installed: for frameworks whose own program has commands of ours."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Final

from liquid_background.errors import SettingsError

_APP: Final = "LIQUID_BACKGROUND_APP"


def run_program(arguments: Sequence[str], app: str) -> int:
    """Run a command of `poscli` in this process, and return its exit code.

    Imports point down, and the program stands above all frameworks: it is asked for where it is installed.

    Args:
        arguments: what stands behind `poscli`.
        app: names the application's engine, as the setting APP does; an option `--app` counts before it.

    Raises:
        SettingsError: when the program is not installed.
    """
    found = [each for each in entry_points(group="console_scripts", name="poscli") if each.dist is not None]
    if not found:
        raise SettingsError("the program poscli is not installed beside liquid_background: install the package")
    before = os.environ.get(_APP), sys.stdin, sys.stdout, sys.stderr, warnings.showwarning
    os.environ[_APP] = app
    try:
        found[0].load()(arguments)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(bool(left.code))
    finally:
        name, sys.stdin, sys.stdout, sys.stderr, warnings.showwarning = before
        os.environ.pop(_APP)
        if name is not None:
            os.environ[_APP] = name
    return 0
