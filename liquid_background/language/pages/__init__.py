"""The site's files: pages, partials, layouts and consumers, with their front matter."""

from liquid_background.language.limits import MAX_TEMPLATE
from liquid_background.language.pages.files import (
    CONSUMERS,
    LAYOUTS,
    PAGES,
    PARTIALS,
    Place,
    file_for,
    inside,
    oddity,
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
from liquid_background.language.pages.headers import reason_against
from liquid_background.language.pages.keys import KEYS, MEDIA_TYPES, METHODS, NUMBERS, TEXTS
from liquid_background.language.pages.loader import SiteLoader, is_event_name, sites_of
from liquid_background.language.pages.lookup import find_layout, find_page, page_at
from liquid_background.language.pages.reading import read_text
from liquid_background.language.pages.slugs import Page

__all__ = [
    "CONSUMERS",
    "KEYS",
    "LAYOUTS",
    "MAX_TEMPLATE",
    "MEDIA_TYPES",
    "METHODS",
    "NULLS",
    "NUMBERS",
    "PAGES",
    "PARTIALS",
    "TEXTS",
    "Page",
    "Place",
    "SiteLoader",
    "compose",
    "file_for",
    "find_layout",
    "find_page",
    "inside",
    "is_canonical",
    "is_event_name",
    "key_token",
    "oddity",
    "offset_of",
    "page_at",
    "plain",
    "read_options",
    "read_text",
    "reason_against",
    "sites_of",
    "split_front_matter",
    "walk",
]
