"""The application as it was before tests.functions.shop had functions: what a worker runs that is not deployed yet."""

from __future__ import annotations

from liquid_background import Engine
from liquid_background.settings import load_settings

engine = Engine(settings=load_settings())
