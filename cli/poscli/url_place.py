"""Where the URL of the store was given, for messages that say to correct it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from liquid_background.basic_errors import SettingsError
from poscli.loader import load

_VARIABLES: Final = ("LIQUID_BACKGROUND_REDIS_URL", "REDIS_URL")
_NAMED: Final = re.compile(r"\bLIQUID_BACKGROUND_REDIS_URL\b(?: or REDIS_URL\b)?")


def with_place(text: str) -> str:
    """Return a text in which the variable of the URL stands as the place that has it; as it is where none has."""
    if _VARIABLES[0] not in text:
        return text
    place = _place()
    return _NAMED.sub(lambda _: place, text) if place else text


def _place() -> str:
    for name in _VARIABLES:
        if os.environ.get(name):
            return name
    try:
        line = load("liquid_background.pyproject:line_of_key")(Path(), "redis_url")
    except (SettingsError, OSError):
        return ""
    return f"redis_url in pyproject.toml:{line}" if line else ""
