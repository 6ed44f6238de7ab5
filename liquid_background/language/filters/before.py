"""What is asked of a filter's values before it runs, by the filter's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import getsizeof
from typing import Final

from liquid import Environment, RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import int_arg

from liquid_background.jobs.sizes import FLAT, ITEM, flat_length, megabytes, text_size
from liquid_background.language.filters.result import MAX_VALUE, check_size, check_text, refuse

MAX_UNIQ: Final = 10_000
"""Items for `uniq`, which may have to compare each with each."""
MAX_COMPARED: Final = 3 * MAX_VALUE
"""Characters of the lists and objects that `uniq` may have to look through."""
MAX_ITEMS: Final = 500_000
"""Items for filters that look at each of them."""
MAX_CODED: Final = 1_000_000
"""Characters for filters that look at each of them."""
MAX_NUMBERS: Final = 2_000_000
"""Characters in which `sort_numeric` looks for numbers."""
MAX_SQUISHED: Final = 2_000_000
"""Characters for `squish`, which looks at each blank."""
MAX_NEWLINES: Final = 1_000_000
"""Line ends for `strip_newlines`, which takes each out by itself."""
MAX_WORDS: Final = 150_000
"""Words for `truncatewords`, which counts them all."""
MAX_DATE: Final = 1_000
"""Characters of a date or number, and of the format to show it in."""
MAX_INDENT: Final = 100
"""Blanks a level of `json`."""

_WIDEST: Final = 4  # bytes of a character
_SHORT_TEXT: Final = 1_000  # characters: of a longer one, what a text takes beside them makes no difference
_HTML: Final = {"&": 4, "<": 3, ">": 3, '"': 5, "'": 5}  # characters more for each
_SCRIPT: Final = dict.fromkeys([*"\\'\"><&=-;`\u2028\u2029", *map(chr, range(32))], 5)
_PIECE: Final = 64  # bytes that a short string takes
_MOST_STEPS: Final = 300_000_000  # characters that `strip_html` may look at

FLATTENING: Final = frozenset(
    {"compact", "concat", "find", "find_index", "has", "index", "map", "reject", "reverse", "sort", "sort_natural"}
    | {"sort_numeric", "sum", "uniq", "where"}
)
"""Filters that make a list flat and pass what is in it on."""
MAKE_TEXT_OF_ITEMS: Final = frozenset(("sort_natural", "sort_numeric"))
"""Those of them that make text of each item, too."""
AS_IT_IS: Final = frozenset(("default", "first", "last", "size"))
"""Filters that take a list without the lists in it made flat; all others make text of it."""
PASS_LISTS: Final = frozenset(("slice",))
"""Filters that make text of all but a list."""
TAKE_LISTS: Final = AS_IT_IS | {"concat"}
"""Filters whose arguments may be lists; all others make text of them, at least for an error."""

_CHEAP: Final = frozenset(("concat", "index", "reverse", "uniq"))  # a step in C for each item, or a limit of its own


def check_flat(env: Environment, name: str, left: object) -> None:
    """Accept a list that a filter is about to make flat.

    Raises:
        LimitReached: when it has too many items.
    """
    if not isinstance(left, (list, tuple)):
        return
    most = max(MAX_VALUE, env.output_stream_limit or 0) // ITEM
    length = flat_length(left, most)
    if length > len(left):
        check_size(env, name, length * ITEM)
    if length > MAX_ITEMS and name not in _CHEAP:
        refuse(f"{name} is given {length:,} items; it takes at most {MAX_ITEMS:,}")


def _width(text: str) -> int:
    """Return how many bytes each character of a text takes in memory, or something more."""
    if text.isascii():
        return 1
    if len(text) < _SHORT_TEXT:
        return 2 if max(text) <= "\uffff" else _WIDEST
    return min(_WIDEST, getsizeof(text) // len(text))


# Each reads what it asks about by the filter's own names; what a filter does not take, it refuses itself.


def _replace(env: Environment, left: object, seq: object = "", sub: object = "", *_: object, **__: object) -> None:
    text, found, put = str(left), str(seq), str(sub)
    if len(put) > len(found) and (len(text) + 1) * len(put) * _WIDEST > MAX_VALUE:
        length = len(text) + text.count(found) * (len(put) - len(found))
        check_size(env, "replace", length * max(_width(text), _width(put)))


def _join(env: Environment, left: object, separator: object = " ", *_: object, **__: object) -> None:
    if isinstance(left, list | tuple | range):
        between = str(separator)
        check_size(env, "join", len(left) * len(between) * _width(between))


def _map(env: Environment, left: object, key: object = "", *_: object, **__: object) -> None:
    if type(key) not in FLAT and isinstance(left, list | tuple):  # it makes text of the key for each item
        check_size(env, "map", text_size(key, MAX_VALUE) * flat_length(left, MAX_ITEMS))


def _concat(_env: Environment, _left: object, second_array: object = (), *_: object, **__: object) -> None:
    if not isinstance(second_array, list | tuple):  # whose error python-liquid cannot make
        raise FilterArgumentError(f"concat expected an array, found {type(second_array).__name__}", token=None)


def _written_out(name: str, each: Mapping[str, int]) -> Callable[..., None]:
    """Return a check of a filter that puts more characters in the place of each of some."""
    fits = MAX_VALUE // _WIDEST // (1 + max(each.values()))

    def check(env: Environment, left: object, *_: object, **__: object) -> None:
        text = left if type(left) is str else str(left)
        if len(text) > fits:
            length = len(text) + sum(text.count(character) * more for character, more in each.items())
            check_size(env, name, length * _width(text))

    return check


def _strip_newlines(_env: Environment, left: object, *_: object, **__: object) -> None:
    text = str(left)
    if len(text) > MAX_NEWLINES and text.count("\n") > MAX_NEWLINES:
        refuse(f"strip_newlines is given over {MAX_NEWLINES:,} lines")


def _split(env: Environment, left: object, sep: object = "", *_: object, **__: object) -> None:
    text, at = str(left), str(sep)
    if len(text) * _PIECE > MAX_VALUE:
        pieces = _words(text, MAX_VALUE // _PIECE) if at == " " else text.count(at) if at else len(text)
        check_size(env, "split", len(text) + pieces * _PIECE)


def _words(text: str, most: int) -> int:
    return len(text.split(None, most))


def _truncatewords(_env: Environment, left: object, *_: object, **__: object) -> None:
    text = str(left)
    if len(text) > MAX_WORDS and _words(text, MAX_WORDS) > MAX_WORDS:
        refuse(f"truncatewords is given over {MAX_WORDS:,} words")


def _uniq(_env: Environment, left: object, *_: object, **__: object) -> None:
    length = (
        len(left) if isinstance(left, range) else flat_length(left, MAX_UNIQ) if isinstance(left, list | tuple) else 0
    )
    if length > MAX_UNIQ:
        refuse(f"uniq is given over {MAX_UNIQ:,} items, the most that it takes")
    if text_size(left, MAX_COMPARED) > MAX_COMPARED:
        refuse(f"uniq is given items that take over {megabytes(MAX_COMPARED)} as text")


def _sort_numeric(_env: Environment, left: object, *_: object, **__: object) -> None:
    size = len(left) if isinstance(left, str) else text_size(left, MAX_NUMBERS)
    if size > MAX_NUMBERS:
        refuse(f"sort_numeric is given over {MAX_NUMBERS:,} characters, the most that it takes")


def _short(name: str, most: int) -> Callable[..., None]:
    def check(_env: Environment, left: object, *_: object, **__: object) -> None:
        length = len(str(left))
        if length > most:
            refuse(f"{name} is given {length:,} characters; it takes at most {most:,}")

    return check


def _strip_html(_env: Environment, left: object, *_: object, **__: object) -> None:
    text = str(left)
    if text.count("<") * len(text) > _MOST_STEPS:
        refuse(f"strip_html is given {text.count('<'):,} tags in {megabytes(len(text))}, which would take it too long")


def _shown(name: str) -> Callable[..., None]:
    def check(_env: Environment, *given: object, **named: object) -> None:
        for each in (*given, *named.values()):
            if isinstance(each, str) and len(each) > MAX_DATE:
                refuse(f"{name} is given {len(each):,} characters; it takes at most {MAX_DATE:,}")

    return check


def _json(_env: Environment, _left: object, indent: object = None, *_: object, **__: object) -> None:
    if isinstance(indent, str | int) and int_arg(indent, 0) > MAX_INDENT:
        refuse(f"json is asked to indent by {indent!s:.20}; it does at most {MAX_INDENT}")


_FORMATTING: Final = (
    "currency",
    "datetime",
    "decimal",
    "money",
    "money_with_currency",
    "money_without_currency",
    "money_without_trailing_zeros",
    "unit",
)
_FORMATS: Final = (
    "currency_code",
    "currency_format",
    "datetime_format",
    "decimal_format",
    "input_locale",
    "input_timezone",
    "locale",
    "timezone",
    "unit_format",
    "unit_length",
)
"""Variables that say how those filters show dates and numbers."""

BEFORE: Final[Mapping[str, Callable[..., None]]] = {
    "replace": _replace,
    "join": _join,
    "map": _map,
    "split": _split,
    "truncatewords": _truncatewords,
    "uniq": _uniq,
    "sort_numeric": _sort_numeric,
    "strip_html": _strip_html,
    "json": _json,
    "concat": _concat,
    "strip_newlines": _strip_newlines,
    "squish": _short("squish", MAX_SQUISHED),
    "newline_to_br": _written_out("newline_to_br", {"\n": len("<br />")}),
    "escapejs": _written_out("escapejs", _SCRIPT),
    **{name: _written_out(name, _HTML) for name in ("escape", "script_tag", "stylesheet_tag")},
    **{name: _short(name, MAX_CODED) for name in ("escape_once", "url_decode", "url_encode")},
    **{name: _shown(name) for name in ("date", *_FORMATTING)},
}
"""What is asked of the values before a filter of python-liquid's own runs, by its name."""


def check_formats(name: str, context: RenderContext) -> None:
    """Accept the variables that say how a filter shows dates and numbers.

    Raises:
        LimitReached: when one is too long.
        NotExposed: when one is an object whose text is not exposed: a filter shows what it cannot use.
    """
    if name in _FORMATTING:
        for variable in _FORMATS:
            value = context.resolve(variable, default=None)
            check_text(context.env, name, value, f"the variable {variable}")
            BEFORE[name](context.env, value)
