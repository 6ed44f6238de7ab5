"""The setting MODULES: where the applications of a project define jobs and tasks. Read when Django starts, so light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.conf import settings as project

NAME: Final = "LIQUID_BACKGROUND"
MODULES: Final = "MODULES"
DEFAULT_MODULES: Final = ("jobs", "tasks")


def modules() -> tuple[str, ...]:
    """Return the names of the modules that are imported of each application; the default, if what is said is wrong."""
    given = getattr(project, NAME, None)
    said = given.get(MODULES, DEFAULT_MODULES) if isinstance(given, Mapping) else DEFAULT_MODULES
    return tuple(said) if are_names(said) else DEFAULT_MODULES


def are_names(said: object) -> bool:
    """Return whether a setting is a list of names."""
    return isinstance(said, Iterable) and not isinstance(said, str) and all(isinstance(name, str) for name in said)
