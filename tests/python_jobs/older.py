"""The application as it was before tests.python_jobs.shop had functions: what an older worker runs."""

from __future__ import annotations

from liquid_background import Engine
from liquid_background.settings import load_settings

engine = Engine(settings=load_settings())
