"""Values as Python code, written as formatters leave it: one item a line, quoted so that any text is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from markupsafe import Markup

from liquid_background.errors import NotPlain
from liquid_background.wording import a

INDENT: Final = 4
_WIDTH: Final = 88  # characters of a line where a call with one text is written in three
_CALLS: Final[tuple[tuple[type, str, Callable[[Any], str]], ...]] = (  # a datetime is a date, a Markup a text
    (Markup, "Markup", str),
    (datetime, "datetime.datetime.fromisoformat", datetime.isoformat),
    (date, "datetime.date.fromisoformat", date.isoformat),
    (time, "datetime.time.fromisoformat", time.isoformat),
    (Decimal, "Decimal", str),
    (UUID, "UUID", str),
)
IMPORTS: Final[Mapping[str, str]] = {
    "datetime": "import datetime",
    "Decimal": "from decimal import Decimal",
    "UUID": "from uuid import UUID",
    "Markup": "from markupsafe import Markup",
}
"""What the calls need, by the name that they begin with."""


def text_as_code(text: str) -> str:
    """Return a text as a literal in one line, in double quotes unless it has more of these than of single ones."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    # `repr` escapes all that is not printed as it is; with both quotes in it, it takes single ones
    inside = repr(f"{text}'\"")[1:-1].removesuffix("\\'\"").replace("\\'", "'")
    parts = inside.split(quote)
    return quote + f"\\{quote}".join(parts) + quote


class Code:
    """Writes values; notes what they need to be imported."""

    def __init__(self) -> None:
        self.imports: set[str] = set()

    def of(self, value: Any, indent: int = 0, before: int = 0) -> str:
        """Return a value as code.

        Args:
            value: plain data, with the types that travel with jobs.
            indent: columns before the line in which it begins.
            before: columns that stand before it in that line, behind the indent.

        Raises:
            NotPlain: for anything else.
        """
        for kind, call, written in _CALLS:
            if isinstance(value, kind):
                return self._call(call, text_as_code(written(value)), indent, before)
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        if isinstance(value, str):
            return text_as_code(value)
        if isinstance(value, range):
            return f"range({value.start}, {value.stop}, {value.step})"
        if isinstance(value, Mapping):
            return self._lines("{}", [self._item(*each, indent + INDENT) for each in value.items()], indent)
        if isinstance(value, list | tuple):
            around = "()" if isinstance(value, tuple) else "[]"
            return self._lines(around, [self.of(item, indent + INDENT) for item in value], indent)
        raise NotPlain(f"is {a(type(value).__name__)}, not plain data")

    def _item(self, key: Any, value: Any, indent: int) -> str:
        name = f"{self.of(key, indent)}: "
        return name + self.of(value, indent, len(name))

    def _lines(self, around: str, items: Sequence[str], indent: int) -> str:
        if not items:
            return around
        margin = " " * indent
        return "".join([around[0], "\n", *(f"{margin}    {item},\n" for item in items), margin, around[1]])

    def _call(self, call: str, text: str, indent: int, before: int) -> str:
        self.imports.add(call.split(".", maxsplit=1)[0])
        if indent + before + len(call) + len(text) + len("(),") <= _WIDTH:
            return f"{call}({text})"
        margin = " " * indent
        return f"{call}(\n{margin}    {text},\n{margin})"
