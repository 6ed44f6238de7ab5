"""The settings that say where the store is, read as `Settings` reads them, without what checks all the others.

That takes longer to import than a probe may take (`poscli health`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from liquid_background.basic_errors import SettingsError
from liquid_background.job import SITE
from liquid_background.pyproject import read_table

_PREFIX: Final = "LIQUID_BACKGROUND_"
_OTHER_NAMES: Final = {"redis_url": ("REDIS_URL",)}


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """As in `Settings`; nothing is checked but that it is text."""

    redis_url: str | None = field(repr=False)
    data_dir: Path
    app: str | None
    site: str = ""


def read_store_settings() -> StoreSettings:
    """Return the settings of the environment and of the working folder's pyproject.toml.

    Raises:
        SettingsError: when that file cannot be read, or one of them is no text.
    """
    variables = {name.upper(): value for name, value in os.environ.items() if value}
    table = read_table(Path.cwd())
    found: dict[str, str | None] = {}
    for name in ("redis_url", "data_dir", "app", "site"):
        names = (f"{_PREFIX}{name.upper()}", *_OTHER_NAMES.get(name, ()))
        value = next((variables[variable] for variable in names if variable in variables), table.get(name))
        if value is not None and not isinstance(value, str):
            raise SettingsError(
                f"setting {name}: it must be text (set it as an argument, {names[0]} or in pyproject.toml)"
            )
        found[name] = value
    site = found["site"] or ""
    if site and not SITE.fullmatch(site):
        raise SettingsError(
            f"setting site: it is not 1 to 40 letters, digits, - and _ (set it as an argument, {_PREFIX}SITE or in "
            "pyproject.toml)"
        )
    folder = Path(found["data_dir"] or ".liquid-background")
    return StoreSettings(found["redis_url"], folder, found["app"], site)
