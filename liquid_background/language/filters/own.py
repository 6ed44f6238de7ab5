"""Filters of ours in the places of python-liquid's."""

from __future__ import annotations

from liquid import Environment

from liquid_background.language.exposed import Exposure
from liquid_background.language.filters.exact import total
from liquid_background.language.filters.last import remove_last, replace_last
from liquid_background.language.filters.translation import add_translations
from liquid_background.language.filters.uniq import uniq
from liquid_background.language.filters.written import Json


def add_filters(env: Environment, exposure: Exposure, *, extra: bool) -> None:
    """Register those with bounds of their own, and `sum`, which knows decimals; of the extra ones `json`, which knows
    objects, and translations.
    """
    env.filters.update(uniq=uniq, sum=total, remove_last=remove_last, replace_last=replace_last)
    if extra:
        add_translations(env)
        env.filters["json"] = Json(exposure)
