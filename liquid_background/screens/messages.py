"""What is asked of a screen and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from liquid_background.screens.access import Visitor

MAX_FIELDS: Final = 1_000
"""Of a query or a form: a form of 50 selected jobs has 60."""


class Fields:
    """The fields of a query or a form, in their order; a name may come several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    @classmethod
    def parse(cls, text: str) -> Fields:
        """Return the fields of a query string, or of a form's body.

        Raises:
            ValueError: when there are over 1,000.
        """
        return cls(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace"))

    def one(self, name: str) -> str:
        """Return the last value of a name without white space around it; empty when there is none."""
        return ([value for known, value in self.pairs if known == name] or [""])[-1].strip()

    def all(self, name: str) -> list[str]:
        """Return all values of a name."""
        return [value for known, value in self.pairs if known == name]

    def but(self, *names: str, **given: str) -> Fields:
        """Return them without some names, and with others; one that is given empty is left out."""
        kept = [(name, value) for name, value in self.pairs if name not in names and name not in given and value]
        return Fields([*kept, *((name, value) for name, value in given.items() if value)])

    def __str__(self) -> str:
        """Return them as a query string without its question mark; a lone surrogate, which no URL can say, is a `?`."""
        return urlencode(self.pairs, errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenRequest:
    """One request, whatever server it came to."""

    method: str
    path: str  # decoded, below the place where the dashboard is mounted, without slashes around it; may be empty
    query: Fields = field(default_factory=Fields)
    form: Fields = field(default_factory=Fields)  # of a POST
    headers: Mapping[str, str] = field(default_factory=dict)  # by names in lower case
    root: str = ""  # the path at which the dashboard is mounted, without a slash at its end
    visitor: Visitor  # who asks, and what they may do
    is_live: bool = False  # whether only the part of the page is wanted that changes while one looks at it

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of its path, as they were given to `path_of`."""
        return tuple(map(unquote, self.path.split("/"))) if self.path else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenAnswer:
    """A response in full."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def path_of(*segments: str) -> str:
    """Return segments as the path of a URL.

    What would not come back as it is stands for itself twice encoded: servers and proxies decode a path before it is
    taken apart, and may take `%2F` for a slash and `..` for the folder above.
    """
    return "/".join(quote(_steady(segment), safe="", errors="replace") for segment in segments)


def _steady(segment: str) -> str:
    if segment.strip(".") == "":
        return "".join("%2E" for _ in segment)
    return "".join(quote(each, safe="") if each in "%/\\" or each < " " else each for each in segment)


class Refused(Exception):
    """A request that is not answered with a screen: a status, and a line that says why and what to do.

    Attributes:
        headers: of the answer, such as the methods that it allows.
    """

    def __init__(self, status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = tuple(headers)


def no_such_page() -> Refused:
    """Return what to raise for a path that no screen has."""
    return Refused(404, "There is no such page on this dashboard.")
