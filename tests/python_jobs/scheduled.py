"""An application with a schedule of each minute."""

from __future__ import annotations

from liquid_background import Engine
from liquid_background.settings import load_settings

engine = Engine(settings=load_settings())


@engine.action
def tick() -> str:
    """Return a word."""
    return "tick"


engine.schedule("* * * * *", "tick")
