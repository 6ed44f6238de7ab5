"""Hooks: the application's own code around what an engine and its workers do."""

from liquid_background.hooks.hooked import Hooked
from liquid_background.hooks.hooks import Hooks, hooks_of
from liquid_background.hooks.told import Attempt, Event, Failure

__all__ = ["Attempt", "Event", "Failure", "Hooked", "Hooks", "hooks_of"]
