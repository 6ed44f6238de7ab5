"""One job: its attempts, source, values, log and family."""

from __future__ import annotations

from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen


def show(screen: Screen) -> ScreenAnswer:
    """Show it."""
    return screen.page("job", "Job")
