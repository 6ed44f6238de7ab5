"""Source names: what their jobs have come to, how long they wait and run."""

from __future__ import annotations

from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen


def show(screen: Screen) -> ScreenAnswer:
    """Show it."""
    return screen.page("names", "Source names")
