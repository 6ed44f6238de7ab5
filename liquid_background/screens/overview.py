"""The first screen: what is going on, what is wrong, how much is done."""

from __future__ import annotations

from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen


def show(screen: Screen) -> ScreenAnswer:
    """Show the overview."""
    return screen.page("overview", "Overview")
