"""Filters of texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from liquid import Environment
from markupsafe import Markup, escape

from liquid_background.language.filters.result import refuse
from liquid_background.platformos.filters.plain import MAX_CHARACTERS, Filter, as_object, as_text, pure, wrong
from liquid_background.platformos.pattern import Pattern

_DASHES: Final = re.compile(r"-{2,}")
_IN_SLUGS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_WORDS: Final = re.compile(r"[_\s-]+")
_EMAIL: Final = re.compile(r"[^@\s\"(),:;<>\[\\\]]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z]{2,63}")
_PLAIN_LETTERS: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe", "þ": "th"})


class _Slugs(dict[int, str]):
    """What characters are in slugs, by their code: each is looked at for itself.

    Python sorts the accents behind a letter in a time that grows with the square of their number, and nothing ends it.
    """

    def __missing__(self, code: int) -> str:
        parts = [part for part in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(part)]
        made = self[code] = _DASHES.sub("-", "".join(part if part in _IN_SLUGS else "-" for part in parts))
        return made


_IN_SCRIPTS: Final = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "", "`": "\\`", "$": "\\$"}
    | {"<": "\\x3c", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def html_safe(left: object, *, environment: Environment) -> Any:
    """Return text as HTML that is printed as it is, where others are escaped."""
    text = _html(left, environment=environment)
    return Markup(text) if environment.autoescape else text


html_safe.with_environment = True  # type: ignore[attr-defined]
html_safe.measured = True  # type: ignore[attr-defined]


@pure
def _html(left: object) -> str:
    return as_text("html_safe", left)


@pure
def raw_escape_string(left: object) -> str:
    """Return text with the characters of HTML escaped, once more where they are already."""
    return str(escape(str(as_text("raw_escape_string", left))))


@pure
def slugify(left: object) -> str:
    """Return text in small letters without accents, with - for all that is no letter, digit or _."""
    text = as_text("slugify", left).lower().translate(_PLAIN_LETTERS).translate(_Slugs())
    return _DASHES.sub("-", text).strip("-")


@pure
def humanize(left: object) -> str:
    """Return a name as people write it: words in small letters, the first one with a capital."""
    text = as_text("humanize", left).removesuffix("_id")
    return _WORDS.sub(" ", text).strip().capitalize()


@pure
def titleize(left: object) -> str:
    """Return a name as a title: each word with a capital."""
    words = _WORDS.sub(" ", as_text("titleize", left)).split()
    return " ".join(word[:1].upper() + word[1:] for word in words)


@pure
def start_with(left: object, *beginnings: object) -> bool:
    """Return whether text begins with one of some."""
    return as_text("start_with", left).startswith(tuple(as_text("start_with", each) for each in _each(beginnings)))


@pure
def end_with(left: object, *endings: object) -> bool:
    """Return whether text ends with one of some."""
    return as_text("end_with", left).endswith(tuple(as_text("end_with", each) for each in _each(endings)))


def _each(given: tuple[object, ...]) -> list[object]:
    return [item for each in given for item in (each if isinstance(each, list) else [each])]


@pure
def matches(left: object, pattern: object) -> bool:
    """Return whether a regular expression is found in text, in a time that no expression can stretch."""
    text = as_text("matches", pattern)
    try:
        return Pattern.of(text).is_in(as_text("matches", left))
    except ValueError as reason:
        wrong("matches", f"cannot use this expression: {reason}")


@pure
def is_email_valid(left: object) -> bool:
    """Return whether text looks like an address."""
    text = as_text("is_email_valid", left)
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


@pure
def querify(left: object) -> str:
    """Return an object as the query of a URL; lists and objects in it as `name[]=…` and `name[key]=…`."""
    return urlencode([*_pairs("", as_object("querify", left))], errors="surrogatepass")


def _pairs(name: str, value: object) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    size = 0
    left: list[Iterator[tuple[str, object]]] = [iter([(name, value)])]  # a name is made when its turn comes
    while left:
        pair = next(left[-1], None)
        if pair is None:
            left.pop()
            continue
        name, value = pair
        size += len(name)
        if isinstance(value, dict):
            left.append(_members(name, value))
        elif isinstance(value, list | tuple):
            left.append(_items(name, value))
        else:
            found.append((name, as_text("querify", value)))
            size += len(found[-1][1])
        if size > MAX_CHARACTERS:
            refuse(f"querify makes over {MAX_CHARACTERS:,} characters")
    return found


def _members(name: str, value: dict[Any, Any]) -> Iterator[tuple[str, object]]:
    return ((f"{name}[{key}]" if name else str(key), item) for key, item in value.items())


def _items(name: str, value: Iterable[object]) -> Iterator[tuple[str, object]]:
    return ((f"{name}[]", item) for item in value)


@pure
def escape_javascript(left: object) -> str:
    """Return text that may stand between quotes in a script."""
    return as_text("escape_javascript", left).translate(_IN_SCRIPTS)


@pure
def nl2br(left: object) -> str:
    """Return text with `<br />` at the end of each line."""
    return re.sub(r"\r?\n", "<br />\n", as_text("nl2br", left))


FILTERS: Final[Mapping[str, Filter]] = {
    "html_safe": html_safe,
    "raw_escape_string": raw_escape_string,
    "slugify": slugify,
    "parameterize": slugify,
    "humanize": humanize,
    "titleize": titleize,
    "start_with": start_with,
    "end_with": end_with,
    "matches": matches,
    "is_email_valid": is_email_valid,
    "querify": querify,
    "escape_javascript": escape_javascript,
    "nl2br": nl2br,
    "new_line_to_br": nl2br,
}
