"""What drawn templates are given: values of every kind that applications hand over, new for each render."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
from collections.abc import Iterator
from typing import Any

from liquid import Mode
from markupsafe import Markup

from liquid_background import Environment


class Drop:
    """Reads like a dictionary; some of it raises."""

    def __getitem__(self, key: Any) -> Any:
        if key == "boom":
            raise ValueError("the drop's own")
        if key == "typed":
            raise TypeError("the drop's own type")
        if key == "self":
            return self
        if key in ("x", 0):
            return "of the drop"
        raise KeyError(key)


class Awaited:
    """Is read in two ways, which tell which."""

    def __getitem__(self, key: Any) -> Any:
        return {"x": "read", "y": {"z": "read"}}[key]

    async def __getitem_async__(self, key: Any) -> Any:
        return {"x": "awaited", "y": {"z": "awaited"}, "only": [1]}[key]


class Stands:
    """Stands for another value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __liquid__(self) -> Any:
        return self.value

    def __str__(self) -> str:
        return "stands"

    def __repr__(self) -> str:  # without the place in memory, which would be a difference
        return "Stands"


class Safe:
    """Has its own HTML."""

    def __html__(self) -> str:
        return "<i>safe</i>"

    def __str__(self) -> str:
        return "<i>text</i>"


class Mute:
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text of it")


class Rows(dict[str, Any]):
    """A dictionary with values for names that it does not have."""

    def __missing__(self, key: str) -> str:
        return f"missing {key}"


class Texts(list[str]):
    """A list of a class of its own."""


class Word(str):
    """A text of a class of its own."""

    __slots__ = ()


class Number(int):
    """A number of a class of its own."""


class Colour(enum.Enum):
    """Enumerated."""

    RED = "red"


class Level(enum.IntEnum):
    """Enumerated numbers."""

    HIGH = 2


class Customer:
    """What an application exposes."""

    def __init__(self, name: str, orders: list[int]) -> None:
        self.name = name
        self.orders = orders
        self.secret = "hidden"

    @property
    def broken(self) -> str:
        raise ValueError("no such luck")


class Unknown:
    """What no application exposes."""

    name = "nobody"


Pair = collections.namedtuple("Pair", "left right")


def _numbers() -> Iterator[int]:
    yield from (3, 1, 2)


def given() -> dict[str, Any]:
    """Return the values, by the names that they have in templates."""
    return {
        "a": 3, "one": 1, "zero": 0, "neg": -7, "f": 2.5, "whole": 4.0, "minus_zero": -0.0, "big": 2**64,
        "less": 2**63 - 1, "huge": 10**4300, "nan": float("nan"), "inf": float("inf"), "dec": decimal.Decimal("1.50"),
        "number": Number(5), "t": True, "no": False, "none": None,
        "s": "text", "empty_text": "", "space": " \t\n", "ss": "straße ß", "mk": Markup("<b>m</b>"), "word": Word("w<"),
        "html": "<a href='x'>&amp;", "sur": "\ud800x", "num": "12", "numf": "1.5", "csv": "b,a,,c", "long": "x<y " * 500,
        "longer": "y z" * 6_667, "up": "ÄÖ\u2028\x00",
        "l": [3, 1, 2], "ls": ["b", "a", "b"], "mixed": [1, "1", None, 2.0, True], "le": [], "ll": [[1, 2], [3], []],
        "ld": [{"x": 1, "y": "b"}, {"x": 2, "y": "a"}, {"y": "c"}], "lm": [Markup("<u>"), "<v>"], "many": list(range(70)),
        "d": {"x": 1, "y": {"z": [1, "two", {"w": 9}]}, "size": 7, "first": "F", "2": "two", "k y": "spaced"},
        "de": {}, "di": {1: "one", False: "no", None: "nothing", "1": "text"}, "rows": Rows(x=1), "texts": Texts(["p", "q"]),
        "tup": (1, "b", None), "st": {4}, "gen": _numbers(), "r": range(3), "by": b"bytes", "pair": Pair(1, "r"),
        "colour": Colour.RED, "level": Level.HIGH, "date": dt.date(2024, 2, 29), "when": dt.datetime(2024, 2, 29, 12, 30),
        "drop": Drop(), "awaited": Awaited(), "stands": Stands("<value>"), "stands_list": Stands([1, 2]),
        "stands_false": Stands(False), "safe": Safe(), "mute": Mute(), "customer": Customer("Ada", [7, 8]),
        "unknown": Unknown(), "customers": [Customer("Bo", []), Customer("Cy", [1])], "key": "x", "index": 1,
        "partial_name": "p", "fn": len, "env": "an env", "context": "a context", "w": "a w", "L": [1], "K1": "a K1",
    }  # fmt: skip


NAMES = sorted(given())


def expose(env: Environment) -> None:
    """Expose what is exposed."""
    env.expose(Customer, "name", "orders", "broken")


def modes() -> tuple[Mode, ...]:
    """Return the modes, the tolerant ones more often: they go on after an error."""
    return (Mode.LAX, Mode.WARN, Mode.LAX, Mode.STRICT)
