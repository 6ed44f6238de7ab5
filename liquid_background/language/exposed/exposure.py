"""What one environment exposes: the rule for each class, and objects as filters see them."""

from __future__ import annotations

from abc import get_cache_token
from collections import UserList, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from numbers import Number
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from liquid import Undefined
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow
from markupsafe import Markup

from liquid_background.errors import NotExposed
from liquid_background.jobs.sizes import FLAT
from liquid_background.language.exposed.ready import Names, Rows, names_rule, query_rule, record_rule
from liquid_background.language.exposed.rules import REGISTERED, NoRule, Registry, Rule

_VALUES: Final = frozenset((date, datetime, time, timedelta, Decimal, UUID, Markup))
_LIQUID: Final = frozenset((ForLoop, TableRow, Undefined, Blank, Empty))
KNOWN: Final = FLAT | _VALUES | _LIQUID | {dict, list, tuple, range, set, frozenset}
"""Types that need no rule, and are asked for none: what most pages are made of."""

_DATA: Final = (
    *(str, Number, Decimal, Mapping, list, tuple, range, set, frozenset, bytes, bytearray, type(None)),
    *(date, time, timedelta, tzinfo, UUID, Enum, PurePath),
)
_ASKED: Final = ("__getitem__", "__getitem_async__", "__liquid__")  # python-liquid's own ways for objects to be read
_PROXY: Final[Rule] = Rule(
    "proxy", {}
)  # of what stands for an object of another class, and tells which when it is asked
_NESTED: Final = 5  # levels that filters make flat
_PLAIN_LISTS: Final = frozenset((list, tuple, set, frozenset))
_LISTS: Final = (list, tuple, Set, ValuesView, deque, UserList)  # whose text is made of what is in them


class View:
    """An object as python-liquid's filters see it: its fields as items, and its text only where that is exposed."""

    __slots__ = ("found", "rule")

    def __init__(self, found: object, rule: Rule) -> None:
        self.found = found
        self.rule = rule

    def __getitem__(self, name: object) -> object:
        return self.rule.member(self.found, name)

    def __str__(self) -> str:
        if not self.rule.text:
            raise NotExposed(self.rule.why_no_text())
        return str(self.found)

    def __eq__(self, other: object) -> bool:
        return bool(self.found == (other.found if type(other) is View else other))

    def __hash__(self) -> int:
        return hash(self.found)

    def __lt__(self, other: Any) -> bool:
        return bool(self.found < (other.found if type(other) is View else other))  # type: ignore[operator]


class Exposure:
    """The rules of an environment: its own, those of `expose`, then the ready ones.

    Args:
        secret_names: returns the parts of names that look secret, which no ready rule exposes.
        ready_rules: whether classes that declare their fields need no rule of the application's.
    """

    def __init__(self, secret_names: Callable[[], Sequence[str]], *, ready_rules: bool) -> None:
        self.own = Registry()
        self.ready_rules = ready_rules
        self._secret_names = secret_names
        self._found: dict[type, Rule | None] = {}
        self._version: object = None

    def rule_of(self, found: object) -> Rule | None:
        """Return the rule for an object; None for what needs none."""
        kind = type(found)
        if kind in KNOWN:
            return None
        rule = self._rule_of(kind)
        if rule is not _PROXY:
            return rule
        rule = self._rule_of(found.__class__)
        return NoRule(kind.__name__, text=False) if rule is _PROXY else rule

    def _rule_of(self, kind: type) -> Rule | None:
        version = (REGISTERED.version, self.own.version, self.ready_rules, self._secret_names(), get_cache_token())
        if version != self._version:
            self._found, self._version = {}, version
        try:
            return self._found[kind]
        except KeyError:
            rule = self._found[kind] = self._rule(kind)
            return rule

    def _rule(self, kind: type) -> Rule | None:
        listed = sorted((*self.own.ranks(kind), *REGISTERED.ranks(kind)), key=lambda ranked: ranked[0])
        if listed:
            return listed[0][1]
        if any("__class__" in vars(base) for base in kind.__mro__ if base is not object):
            return _PROXY
        ready = query_rule(kind) or (names_rule(kind, self._secret_names()) if self.ready_rules else None)
        if ready is not None:
            return ready
        if issubclass(kind, _DATA) or any(hasattr(kind, name) for name in _ASKED):
            return None
        declared = record_rule(kind, self._secret_names())
        if declared is not None and self.ready_rules:
            return declared
        shows_text = kind.__str__ is not object.__str__ or hasattr(kind, "__html__")
        return NoRule(
            kind.__name__,
            text=shows_text and declared is None,
            shows_itself=kind.__repr__ is not object.__repr__,
        )

    def fields(self, found: object) -> list[str]:
        """Return the names of the fields of an object that pages read."""
        rule = self.rule_of(found)
        return [] if rule is None else list(rule.names(found))

    def listed(self, found: Any, most: Callable[[], int | None] = lambda: None) -> Any:
        """Return the rows of a query as a list, as many as are wanted, and anything else as it is."""
        rule = self.rule_of(found)
        if isinstance(rule, Rows):
            return rule.fetch(found, most())
        return rule.opened(found) if isinstance(rule, Names) else found

    def counted(self, query: object, what: str) -> object:
        """Return the size of a query, or its first or last row, without the others."""
        rule = self.rule_of(query)
        try:
            return None if rule is None else rule.member(query, what)
        except IndexError:
            return None  # as for an empty list

    def is_query(self, found: object) -> bool:
        """Return whether a value is a query, whose rows are fetched as a page takes them."""
        return isinstance(self.rule_of(found), Rows)

    def check_list(self, found: object) -> None:
        """Accept what a loop is to go through.

        Raises:
            NotExposed: for an object that is no list.
        """
        rule = self.rule_of(found)
        if isinstance(rule, NoRule):
            listed = "have the application pass a list"
            raise NotExposed(f"is a {rule.kind}, which no rule exposes, and no list to loop over: {listed}")
        if rule is not None and not rule.is_list and not isinstance(found, Sequence | Mapping):
            raise NotExposed(f"is a {rule.kind}, which is no list to loop over: name one of its fields")

    def check_text(self, found: object) -> None:
        """Accept a value that is about to become text.

        Raises:
            NotExposed: for an object, or something in a list, whose text is not exposed.
        """
        printed = found if type(found) is list else [found]
        if FLAT.issuperset(map(type, printed)):
            return
        for each in printed:
            rule = self.rule_of(each)
            if rule is not None and not rule.text:
                raise NotExposed(rule.why_no_text())
        for inner in _inside(printed):
            rule = self.rule_of(inner)
            if rule is not None and not (rule.text and rule.shows_itself):
                raise NotExposed(f"holds a {rule.kind}, which is not shown inside others: print what is in it")

    def check_written(self, found: object) -> None:
        """Accept what `json` is about to write: it takes named tuples as lists, and asks nobody.

        Raises:
            NotExposed: when one is not to be shown as a whole.
        """
        for inner in _inside([found]):
            rule = self.rule_of(inner)
            if isinstance(rule, Names) and isinstance(inner, tuple) and not rule.is_whole(inner):
                raise NotExposed(f"holds a {rule.kind}, which is not shown as a whole: print what is in it")

    def is_whole(self, found: object) -> bool:
        """Return whether a page reads all that is in a value, so that it may be handed over as it is."""
        rule = self.rule_of(found)
        return rule is None or rule.is_whole(found)

    def as_json(self, found: object) -> object:
        """Return an object as what `json` can write: its fields, or its rows.

        Raises:
            NotExposed: when no rule exposes it.
            TypeError: for other things that are not JSON.
        """
        rule = self.rule_of(found)
        if isinstance(rule, NoRule):
            raise NotExposed(rule.why("'name'"))
        if rule is None:
            raise TypeError(f"Object of type {type(found).__name__} is not JSON serializable")
        if isinstance(rule, Rows):
            shown: object = rule.fetch(found)
        else:
            shown = {name: rule.member(found, name) for name in rule.names(found)}
        self.check_written(shown)
        return shown

    def viewed(self, found: Any) -> Any:
        """Return a value with the objects in it as filters see them; the value itself when there is none.

        Raises:
            NotExposed: when it is itself an object that no rule exposes.
        """
        rule = self.rule_of(found)
        if isinstance(rule, NoRule) and not rule.text:
            raise NotExposed(rule.why("'name'"))
        return self._viewed(found, rule, _NESTED)

    def _viewed(self, found: Any, rule: Rule | None, levels: int) -> Any:
        if isinstance(rule, Rows):
            found = rule.fetch(found)
        elif rule is not None and not (rule.is_list and levels == _NESTED):
            return View(found, rule)
        if not isinstance(found, list | tuple) or not levels:
            return found
        kinds = set(map(type, found)) - FLAT
        if kinds.isdisjoint((list, tuple)) and not any(self._rule_of(kind) for kind in kinds - KNOWN):
            return found
        return [self._viewed(item, self.rule_of(item), levels - 1) for item in found]


class Exposing:
    """The part of an environment that knows what its pages read of objects."""

    exposure: Exposure

    @property
    def ready_rules(self) -> bool:
        """Whether classes that declare their fields need no rule of the application's."""
        return self.exposure.ready_rules

    @ready_rules.setter
    def ready_rules(self, are_on: bool) -> None:
        self.exposure.ready_rules = are_on

    def expose(self, *fields: Any, **computed: Callable[[Any], object]) -> Any:
        """Have this environment's pages read fields of a class, as `liquid_background.expose` does for all."""
        return self.exposure.own.add(fields, computed)


def unviewed(result: Any) -> Any:
    """Return what a filter returned with the objects themselves in it."""
    if type(result) is View:
        return result.found
    if type(result) is list:
        return [item.found if type(item) is View else item for item in result]
    return result


def _inside(found: Iterable[object]) -> Iterator[object]:
    """Yield what is in the lists and mappings among some values, at every level."""
    seen: dict[int, object] = {}  # by identity, and kept: what a mapping makes as it is asked would share one
    left = [*found]
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        items = _items(part)
        if not FLAT.issuperset(map(type, items)):
            seen[id(part)] = part
            inner = [item for item in items if type(item) not in FLAT]
            yield from inner
            left += inner


def _items(found: Any) -> Collection[object]:
    kind = type(found)
    if issubclass(kind, Mapping):
        return () if issubclass(kind, Undefined) else [*found, *found.values()]
    return found if kind in _PLAIN_LISTS else [*found] if issubclass(kind, _LISTS) else ()
