"""Filters of ours in the places of python-liquid's."""

from __future__ import annotations

from liquid import Environment

from liquid_background.language.exposed import Exposure
from liquid_background.language.filters.translation import add_translations
from liquid_background.language.filters.uniq import uniq
from liquid_background.language.filters.written import Json


def add_filters(env: Environment, exposure: Exposure, *, extra: bool) -> None:
    """Register them: `uniq`, and with the extra ones those that translate, and `json`, which knows objects."""
    env.filters["uniq"] = uniq
    if extra:
        add_translations(env)
        env.filters["json"] = Json(exposure)
