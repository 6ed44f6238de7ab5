"""Calls of `engine()` while Django still loads its applications: where they are, for a check, and what they lead to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from django.apps import apps

_OURS: Final = Path(__file__).parent
REMEDY: Final = "call engine() in jobs.py of the application, imported when all models are, or inside of a function"

places: list[str] = []
"""Where it was called so, in order."""


def note_early_call() -> None:
    """Keep the place of a call before all models are loaded: the line of the project's own."""
    if apps.models_ready:
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and _OURS in Path(frame.f_code.co_filename).parents:
        frame = frame.f_back
    places.append(f"{_shown(frame.f_code.co_filename)}:{frame.f_lineno}")


def _shown(file: str) -> str:
    try:
        return str(Path(file).relative_to(os.getcwd()))
    except ValueError:
        return file
