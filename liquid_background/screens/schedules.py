"""Schedules: when they come, and what came of the last times."""

from __future__ import annotations

from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen


def show(screen: Screen) -> ScreenAnswer:
    """Show it."""
    return screen.page("schedules", "Schedules")
