"""The filters of the dialect, by their names in templates."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid_background.platformos.filters import arrays, codes, hashes, numbers, texts, times
from liquid_background.platformos.filters.hooks import UNANSWERED

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **hashes.FILTERS,
    **arrays.FILTERS,
    **texts.FILTERS,
    **times.FILTERS,
    **numbers.FILTERS,
    **codes.FILTERS,
    **UNANSWERED,
}

__all__ = ["FILTERS"]
