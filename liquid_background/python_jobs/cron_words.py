"""Cron expressions in words. A module of its own, since what says them takes long to load and workers need none."""

from __future__ import annotations

from typing import Final

from cron_descriptor import Options, get_description
from cron_descriptor.Exception import FormatError, MissingFieldError, WrongArgumentException

_IN_FIELDS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_WORDING: Final = Options()
_WORDING.use_24hour_time_format = True
_WORDING.locale_code = "en_US"


def in_words(cron: str) -> str:
    """Return what a cron expression says; itself, where there are no words for it."""
    try:
        words: str = get_description(_IN_FIELDS.get(cron.lower(), cron), _WORDING)
    except (FormatError, MissingFieldError, WrongArgumentException, ValueError, IndexError):
        return cron
    return words
