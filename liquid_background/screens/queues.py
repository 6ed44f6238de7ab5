"""Queues and groups: how deep, how old, what limits them, who holds the slots."""

from __future__ import annotations

from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.screen import Screen


def show(screen: Screen) -> ScreenAnswer:
    """Show it."""
    return screen.page("queues", "Queues and groups")
