"""What is wrong with settings, in words for whoever gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from liquid_background.allowed import allowed, shortened
from liquid_background.pyproject import TABLE

PREFIX: Final = "LIQUID_BACKGROUND_"
"""Of the variables that settings are read from."""
_SECRET: Final = frozenset(("redis_url", "signing_key"))  # no error shows what was given


def explained(
    fields: Mapping[str, FieldInfo], error: ValidationError, given: Mapping[str, Any], place: str = ""
) -> str:
    """Return what pydantic found, each with its setting, what may stand there, and where to set it.

    Args:
        fields: all settings.
        error: what was found.
        given: the settings that were given as arguments.
        place: where those were given; empty for Python's own arguments.
    """
    return "; ".join(_explain(fields, item, given, place) for item in error.errors())


def _explain(fields: Mapping[str, FieldInfo], item: Any, given: Mapping[str, Any], place: str) -> str:
    name = str(item["loc"][0] if item["loc"] else "settings").lower().removeprefix(PREFIX.lower())
    variable = PREFIX + name.upper()
    where = f"{variable} in {place}" if place and name in given else f"an argument, {variable} or in [{TABLE}]"
    if item["type"] == "value_error":
        message = str(item["msg"]).removeprefix("Value error, ")
    elif name in _SECRET:
        message = f"it must be {allowed(fields[name])}"
    else:
        message = f"{shortened(item['input'])} cannot be; it must be {allowed(fields[name])}"
    return f"setting {name}: {message} (set it as {where})"
