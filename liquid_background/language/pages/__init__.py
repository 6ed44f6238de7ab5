"""The site's files: pages, partials, layouts and consumers, with their front matter."""

from liquid_background.language.limits import MAX_TEMPLATE
from liquid_background.language.pages.answers import (
    NO_HEADERS,
    ONE_OF,
    mistakes,
    reason_against,
    reason_against_choice,
)
from liquid_background.language.pages.consumers import is_event_name
from liquid_background.language.pages.files import (
    CONSUMERS,
    LAYOUTS,
    LONGEST_NAME,
    PAGES,
    PARTIALS,
    file_for,
    first_of_name,
    oddity,
    unusable_folders,
    walk,
)
from liquid_background.language.pages.front_matter import (
    NULLS,
    compose,
    is_canonical,
    key_token,
    offset_of,
    plain,
    read_options,
    split_front_matter,
)
from liquid_background.language.pages.headers import page_headers
from liquid_background.language.pages.keys import KEYS, MEDIA_TYPES, METHODS, NUMBERS, TEXTS
from liquid_background.language.pages.links import Place, inside
from liquid_background.language.pages.loader import SiteLoader, sites_of
from liquid_background.language.pages.lookup import find_layout, find_page, page_at
from liquid_background.language.pages.reading import read_text, text_of
from liquid_background.language.pages.slugs import Conflict, Page
from liquid_background.language.pages.starting import MOST_READING
from liquid_background.language.pages.unsaved import Texts, key_of, unsaved
from liquid_background.language.pages.writing import write_text

__all__ = [
    "CONSUMERS",
    "KEYS",
    "LAYOUTS",
    "LONGEST_NAME",
    "MAX_TEMPLATE",
    "MEDIA_TYPES",
    "METHODS",
    "MOST_READING",
    "NO_HEADERS",
    "NULLS",
    "NUMBERS",
    "ONE_OF",
    "PAGES",
    "PARTIALS",
    "TEXTS",
    "Conflict",
    "Page",
    "Place",
    "SiteLoader",
    "Texts",
    "compose",
    "file_for",
    "find_layout",
    "find_page",
    "first_of_name",
    "inside",
    "is_canonical",
    "is_event_name",
    "key_of",
    "key_token",
    "mistakes",
    "oddity",
    "offset_of",
    "page_at",
    "page_headers",
    "plain",
    "read_options",
    "read_text",
    "reason_against",
    "reason_against_choice",
    "sites_of",
    "split_front_matter",
    "text_of",
    "unsaved",
    "unusable_folders",
    "walk",
    "write_text",
]
