"""The dialect as one value, for the setting DIALECT and `Environment(dialect=…)`."""

from __future__ import annotations

from typing import Final

from liquid_background.language.dialect import Dialect
from liquid_background.platformos.filters import FILTERS
from liquid_background.platformos.filters.hooks import HOOKS, filters_of
from liquid_background.platformos.lookup import places
from liquid_background.platformos.options import RELAXED
from liquid_background.platformos.tags import HANDS_OVER, TAGS

PLATFORMOS: Final = Dialect(
    name="platformos",
    tags=TAGS,
    hands_over=HANDS_OVER,
    filters=FILTERS,
    hooks=HOOKS,
    hooked_filters=filters_of,
    options=RELAXED,
    breaks=True,
    lookup=places,
)
