"""The article before a name in a message, "a Customer", "an Author", numbers of things, sizes, names spelt alike."""

from __future__ import annotations

import re
from typing import Final

_SPELT_WITH_VOWEL: Final = frozenset("AEFHILMNORSX")  # letters whose own names begin with a vowel: an SQL query
_VOWEL: Final = re.compile(
    r"(?!eu|ewe|one|once|uni(?!n|m)|us[aeu]|ut[ei]|ubi|ura|uke)[aeiou]|hour|honou?r|honest|heir", re.IGNORECASE
)


def a(name: str) -> str:
    """Return a name, such as that of a class, with its article, as it is spoken: a User, an Order, an HTTPError."""
    word = name.lstrip("_")
    vowel = word[0] in _SPELT_WITH_VOWEL if word[:2].isupper() else _VOWEL.match(word)
    return f"{'an' if vowel else 'a'} {name}"


def counted(count: int, thing: str, things: str = "") -> str:
    """Return a number of things: "1 job", "1,204 jobs", "2 entries"."""
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def kilobytes(size: int) -> str:
    """Return a number of bytes, rounded up: what is over a limit of whole kilobytes is not told to have as many."""
    return f"{-(-size // 1024)} KB"


def alike(name: str) -> str:
    """Return a name without what people spell differently: API-Key, apiKey, api_key."""
    return name.casefold().replace("_", "").replace("-", "")
