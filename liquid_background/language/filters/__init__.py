"""What is asked of filters: what would grow, or take longer and longer, is refused before it runs."""

from liquid_background.language.filters.before import check_formats
from liquid_background.language.filters.guard import guarded
from liquid_background.language.filters.made import made
from liquid_background.language.filters.own import add_filters
from liquid_background.language.filters.result import check_result, check_text, measure_text
from liquid_background.language.filters.translation import BoundedTranslateTag
from liquid_background.language.filters.written import Json

__all__ = [
    "BoundedTranslateTag",
    "Json",
    "add_filters",
    "check_formats",
    "check_result",
    "check_text",
    "guarded",
    "made",
    "measure_text",
]
