"""Ready rules: classes that declare their fields. Their libraries are known by name and never imported."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress, islice
from operator import attrgetter
from typing import Any, Final

from liquid_background.errors import LimitReached, NotExposed
from liquid_background.language.exposed.names import is_kind, is_open
from liquid_background.language.exposed.rules import Defaults, NoRule, Rule, reading
from liquid_background.language.exposed.unread import not_among
from liquid_background.wording import a

MAX_ROWS: Final = 10_000
"""Rows that a page takes of one query."""


class Names(Rule):
    """Named items of a sequence: named tuples, and rows of SQLAlchemy, whose query named them."""

    is_list = stands_for_items = shows_itself = True

    def __init__(self, kind: type, read: Callable[[Any, str], object], *, text: bool, secret: Sequence[str]) -> None:
        super().__init__(kind.__name__, {}, text=text)
        self._read = read
        self._secret = secret

    def names(self, found: Any) -> Iterable[str]:
        """Return the names of its items."""
        return [name for name in found._fields if is_open(name, self._secret)]

    def member(self, found: Any, name: object) -> object:
        """Return the item of a name or number, or how many there are."""
        if isinstance(name, str) and name in found._fields:
            self._check_open(found, name)
            return self._read(found, name)
        if name == "size":
            return len(found._fields)
        number = _ENDS.get(name, name) if isinstance(name, str) else name
        if not isinstance(number, int):
            raise self.unread(found, name)
        self._check_open(found, found._fields[number])
        return found[number]

    def _check_open(self, found: object, name: str) -> None:
        if name.startswith("_"):
            raise KeyError(name)
        if not is_open(name, self._secret):
            raise NotExposed(self.why_unread(found, name))

    def items(self, found: Any, most: int | None = None) -> Any:
        """Return the items whose names do not look secret; the sequence itself, where that is all."""
        return found if self.is_whole(found) else [*compress(found, self._are_open(found))]

    def is_whole(self, found: Any) -> bool:
        """Return whether no name looks secret."""
        return all(self._are_open(found))

    def _are_open(self, found: Any) -> list[bool]:
        return [is_open(name, self._secret) for name in found._fields]


_ENDS: Final[Mapping[str, int]] = {"first": 0, "last": -1}


class Rows(Rule):
    """A query that is asked when a page takes its rows: a QuerySet or manager of Django's, a Query of SQLAlchemy's."""

    is_list = stands_for_items = True

    def __init__(self, kind: type) -> None:
        super().__init__(kind.__name__, {})

    def member(self, found: Any, name: object) -> object:
        """Return how many rows there are, the first or last of them, or one by its number."""
        if name == "size":
            return reading(self.count, found)
        if name == "first":
            return self.fetch(found, 1)[0]
        if name == "last":
            return self.fetch(found)[-1]
        if isinstance(name, int):
            return self.fetch(found, name + 1)[name] if name >= 0 else self.fetch(found)[name]
        raise self.unread(found, name)

    def why_unread(self, found: object, name: str) -> str:
        """Return why pages do not read what a query has."""
        read = not_among(self.kind, name, ("size", "first", "last", "its rows"))
        return f"{read}: have the application pass it by itself"

    def count(self, found: Any) -> int:
        """Return how many rows there are."""
        query = _query(found)
        return int(query.count()) if hasattr(query, "count") else len(self.fetch(found))

    def items(self, found: Any, most: int | None = None) -> list[Any]:
        """Return the rows, as many as are wanted."""
        return self.fetch(found, most)

    def written(self, found: object) -> object:
        """Return the rows."""
        return self.fetch(found)

    def fetch(self, found: Any, most: int | None = None) -> list[Any]:
        """Return the rows, as many as are wanted.

        Raises:
            LimitReached: when there are more than a page takes.
        """
        wanted = MAX_ROWS + 1 if most is None or most > MAX_ROWS else max(most, 0)
        rows: list[Any] = reading(lambda: _first_of(_query(found), wanted))
        if len(rows) > MAX_ROWS:
            raise LimitReached(
                f"the query of {a(self.kind)} has over {MAX_ROWS:,} rows, the most that a page takes: have the "
                "application filter or slice it; the limit is fixed",
                token=None,
            )
        return rows


def _query(found: Any) -> Any:
    return found.all() if is_kind(type(found), *_MANAGER) else found


def _first_of(query: Any, wanted: int) -> list[Any]:
    if is_kind(type(query), *_RAW) and query._result_cache is None:
        return [*islice(query.iterator(), wanted)]  # a slice of it would fetch all
    return list(query[:wanted])


_MANAGER: Final = ("django.db.models.manager", "BaseManager")
_RAW: Final = ("django.db.models.query", "RawQuerySet")
_QUERIES: Final = (
    *(_MANAGER, ("django.db.models.query", "QuerySet"), _RAW),
    ("sqlalchemy.orm.query", "Query"),
)
_REQUESTS: Final = (  # mappings, of all that a server knows of a request
    ("starlette.requests", "HTTPConnection"),
    ("aiohttp.web_request", "BaseRequest"),
    ("bottle", "BaseRequest"),
)
_ROW: Final = ("sqlalchemy.engine.row", "Row")
_PYDANTIC: Final = ("pydantic.main", "BaseModel")


def query_rule(kind: type) -> Rule | None:
    """Return the rule for a class of queries, which show no fields of their own."""
    return Rows(kind) if any(is_kind(kind, *known) for known in _QUERIES) else None


def mapping_rule(kind: Any) -> Rule | None:
    """Return the rule for a class of mappings that are not read as others are."""
    if any(is_kind(kind, *known) for known in _REQUESTS):
        return NoRule(kind.__name__, text=False)
    if issubclass(kind, defaultdict) and kind.__missing__ is defaultdict.__missing__:
        return Defaults(kind.__name__, {})
    return None


def names_rule(kind: type, secret: Sequence[str]) -> Rule | None:
    """Return the rule for sequences that name their items."""
    if is_kind(kind, *_ROW):
        return Names(kind, lambda row, name: row._mapping[name], text=False, secret=secret)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return Names(kind, getattr, text=all(is_open(name, secret) for name in kind._fields), secret=secret)
    return None


def record_rule(kind: type, secret: Sequence[str]) -> Rule | None:
    """Return the rule for a class that declares its fields, without those whose names look secret."""
    names = _declared(kind)
    if names is None:
        return None
    return Rule(kind.__name__, {name: attrgetter(name) for name in names if is_open(name, secret)})


def _declared(kind: Any) -> Iterator[str] | None:
    """Return the names of the fields that a class declares, without relations and those that it does not show."""
    if is_kind(kind, *_PYDANTIC):
        return (name for name, field in kind.model_fields.items() if field.repr and not field.exclude)
    mapper = getattr(kind, "__mapper__", None)
    if mapper is not None and is_kind(type(mapper), "sqlalchemy.orm.mapper", "Mapper"):
        return (attribute.key for attribute in mapper.column_attrs)
    if dataclasses.is_dataclass(kind):
        return (field.name for field in dataclasses.fields(kind) if field.repr)
    return None
