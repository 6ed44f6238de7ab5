"""What one environment exposes: the rule for each class, and objects as filters see them."""

from __future__ import annotations

from abc import get_cache_token
from collections.abc import Callable, Mapping, MappingView, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from numbers import Number
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from liquid import Undefined
from liquid.builtin.expressions.primitive import Blank, Empty
from markupsafe import Markup

from liquid_background.errors import NotExposed
from liquid_background.jobs.sizes import FLAT, MadeDict, MadeList
from liquid_background.language.exposed.djangos import form_rule, model_rule, page_rule
from liquid_background.language.exposed.enumerations import Member, member_rule
from liquid_background.language.exposed.inside import TURNING, has_text, inside
from liquid_background.language.exposed.listing import has_address
from liquid_background.language.exposed.loops import UNORDERED, as_list, check_gone_through, check_list
from liquid_background.language.exposed.plain import as_plain
from liquid_background.language.exposed.ready import Names, Rows, mapping_rule, names_rule, query_rule, record_rule
from liquid_background.language.exposed.rules import (
    REGISTERED,
    Defaults,
    NoRule,
    NoText,
    Registry,
    Rule,
    reading,
)
from liquid_background.language.exposed.told import Told
from liquid_background.language.exposed.view import View
from liquid_background.language.exposed.written import NoForm, written
from liquid_background.proxies import is_proxy, stood_for
from liquid_background.wording import a

_VALUES: Final = frozenset((date, datetime, time, timedelta, Decimal, UUID))
_LIQUID: Final = frozenset((*TURNING, Undefined, Blank, Empty))
PLAIN: Final = FLAT | _LIQUID | {Markup, dict, list, tuple, range, MadeDict, MadeList}
"""Types of which a page may ask for anything: what is not there is blank."""
KNOWN: Final = PLAIN | _VALUES
"""Types that need no rule, and are asked for none: what most pages are made of."""

_DATA: Final = (
    *(str, Number, Decimal, Mapping, list, tuple, range, set, frozenset, bytes, bytearray, type(None)),
    *(date, time, timedelta, tzinfo, UUID, Enum, PurePath),
)
_SHOWN_AS_THEY_ARE: Final = KNOWN - {tuple}  # by Python: without a class's name
_BYTES: Final = (bytes, bytearray, memoryview)
_ASKED: Final = ("__getitem__", "__getitem_async__", "__liquid__")  # python-liquid's own ways for objects to be read
_PROXY: Final[Rule] = Rule(
    "proxy", {}
)  # of what stands for an object of another class, and tells which when it is asked
_NESTED: Final = 5  # levels that filters make flat


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
        rule = self._rule_of(reading(stood_for, found).__class__)
        return NoRule(kind.__name__, text=False) if rule is _PROXY else rule

    def stood_for(self, found: Any) -> Any:
        """Return what a lazy text or proxy stands for; anything else as it is."""
        stands = type(found) not in KNOWN and self._rule_of(type(found)) is _PROXY
        return reading(stood_for, found) if stands else found

    def _rule_of(self, kind: type) -> Rule | None:
        version = (REGISTERED.version, self.own.version, self.ready_rules, self._secret_names(), get_cache_token())
        if version != self._version:
            self._found, self._version = {}, version
        try:
            return self._found[kind]
        except KeyError:
            rule = self._found[kind] = self._rule(kind)
            return rule

    def _rule(self, kind: Any) -> Rule | None:
        listed = sorted((*self.own.ranks(kind), *REGISTERED.ranks(kind)), key=lambda ranked: ranked[0])
        if listed:
            return listed[0][1]
        if is_proxy(kind):
            return _PROXY
        secret = self._secret_names()
        ready = query_rule(kind) or page_rule(kind) or mapping_rule(kind)
        if ready is not None:
            return ready
        declared = names_rule(kind, secret) or form_rule(kind, secret)
        if declared is None and self.ready_rules:
            declared = member_rule(kind)
        if declared is None and (issubclass(kind, _DATA) or any(hasattr(kind, name) for name in _ASKED)):
            return None
        declared = declared or model_rule(kind, secret) or record_rule(kind, secret)
        if declared is not None and self.ready_rules:
            return declared
        shows_text = kind.__str__ is not object.__str__
        return NoRule(
            kind.__name__,
            text=shows_text and (declared is None or (isinstance(declared, Told) and declared.text)),
            shows_itself=kind.__repr__ is not object.__repr__,
            secret=secret,
        )

    def fields(self, found: object) -> list[str]:
        """Return the names of the fields of an object that pages read."""
        found = self.stood_for(found)
        rule = self.rule_of(found)
        return [] if rule is None else list(rule.names(found))

    def listed(self, found: Any, most: Callable[[], int | None] = lambda: None) -> Any:
        """Return the rows of a query, as many as are wanted, or what a proxy stands for; anything else as it is."""
        found = self.stood_for(found)
        if issubclass(type(found), MappingView):  # what is strictly undefined refuses isinstance
            return [*found]
        rule = self.rule_of(found)
        return rule.items(found, most()) if rule is not None and rule.stands_for_items else found

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
        """Accept what is to be taken for a list.

        Raises:
            NotExposed: for an object that is no list.
        """
        check_list(found, self.rule_of(found))

    def looped(self, found: object, most: Callable[[], int | None] = lambda: None) -> object:
        """Return what a loop is to go through: of a query as many rows as are wanted.

        Raises:
            NotExposed: for an object that is no list.
        """
        found = self.stood_for(found)
        rule = self.rule_of(found)
        check_list(found, rule)
        if isinstance(rule, Told):
            return rule.items(found)
        listed = as_list(self.listed(found, most))
        if rule is None:
            check_gone_through(listed)
        return listed

    def items(self, found: object) -> object:
        """Return the items of what is a list to pages; anything else as it is."""
        rule = self.rule_of(found)
        return rule.items(found) if isinstance(rule, Told) else as_list(found)

    def check_counted(self, found: object) -> None:
        """Accept what is to be asked for its size, or whether something is in it.

        Raises:
            NotExposed: for an object that is no list.
        """
        if self.rule_of(found) is not None and not isinstance(found, UNORDERED):
            self.check_list(found)

    def text_of(self, found: object, *, joined: bool = False, html: bool = False) -> object:
        """Return what stands for a value that is about to become text.

        Args:
            found: the value.
            joined: whether that of a list is the texts of its items, and not what Python shows of them.
            html: whether an object's own HTML is its text.

        Raises:
            NotExposed: for an object, or something in a list, whose text is not exposed.
        """
        printed = found if joined and type(found) is list else [found]
        if FLAT.issuperset(map(type, found if type(found) is list else printed)):
            return found
        if html and self._shows_html(found):
            return found
        is_plain = True
        for each in printed:
            is_plain = is_plain and type(each) in _SHOWN_AS_THEY_ARE
            rule = self._text_rule(each)
            if rule is not None and not rule.text:
                raise NotExposed(rule.why_no_text(each))
        for inner in inside(printed):
            is_plain = is_plain and type(inner) in _SHOWN_AS_THEY_ARE
            rule = self._text_rule(inner)
            if rule is not None and not (rule.text and rule.shows_itself):
                raise NotExposed(f"holds {a(rule.kind)}, which is not shown inside others: print what is in it")
        return found if is_plain else as_plain(found, self.stood_for, self._has_own_text)

    def _shows_html(self, found: object) -> bool:
        """Return whether an object without a text has HTML, which no rule keeps from pages."""
        if not hasattr(type(found), "__html__") or type(found) in KNOWN:
            return False
        rule = self.rule_of(found)
        return rule is None or rule.text or isinstance(rule, NoRule)

    def _has_own_text(self, found: object) -> bool:
        rule = self.rule_of(found)
        return rule is not None and not isinstance(rule, Names)

    def _text_rule(self, found: object) -> Rule | None:
        """Return the rule for an object's text; None for what needs none."""
        found = self.stood_for(found)
        kind = type(found)
        if kind in KNOWN:
            return None
        if issubclass(kind, _BYTES):
            return NoText(kind, "have the application decode it")
        rule = self.rule_of(found)
        if rule is None and not has_text(kind, is_data=issubclass(kind, _DATA)):
            return Rule(kind.__name__, {})
        if rule is not None and rule.text and has_address(kind):
            return NoText(kind, "print one of its fields, or have the application give the class a __str__")
        return rule

    def check_written(self, found: object) -> None:
        """Accept what `json` is about to write: it takes named tuples as lists, mappings as they are, and asks nobody.

        Raises:
            NotExposed: when one is not to be shown as a whole.
        """
        for part in (found, *inside([found])):
            rule = self.rule_of(part)
            if rule is not None and isinstance(part, tuple | dict) and not rule.is_whole(part):
                holds = "is" if part is found else "holds"
                raise NotExposed(f"{holds} {a(rule.kind)}, which is not shown as a whole: print what is in it")

    def is_whole(self, found: object) -> bool:
        """Return whether a page reads all that is in a value, so that it may be handed over as it is."""
        rule = self.rule_of(found)
        return rule is None or rule.is_whole(found)

    def as_json(self, found: object) -> object:
        """Return an object as what `json` can write: its fields, or its rows.

        Raises:
            NotExposed: when no rule exposes it.
            NoForm: for other things that are not JSON.
        """
        proxy, found = found, self.stood_for(found)
        rule = self.rule_of(found)
        if rule is None and found is not proxy:
            return found
        if rule is None or isinstance(rule, NoRule):
            try:
                return written(found)
            except NoForm:
                if rule is None:
                    raise
                raise NotExposed(rule.why(found)) from None
        shown = rule.written(found)
        self.check_written(shown)
        return shown

    def viewed(self, found: Any, *, keyed: bool = True) -> Any:
        """Return a value with the objects in it as filters see them; the value itself when there is none.

        Args:
            found: the value.
            keyed: whether the filter is given a key: without one, an enumeration's number or text is taken as that.

        Raises:
            NotExposed: when it is itself an object that no rule exposes.
        """
        found = self.stood_for(found)
        rule = self.rule_of(found)
        if isinstance(rule, NoRule) and not rule.text:
            raise NotExposed(rule.why(found))
        return self._viewed(found, rule, _NESTED, keyed)

    def _viewed(self, found: Any, rule: Rule | None, levels: int, keyed: bool) -> Any:
        if not keyed and isinstance(rule, Member) and rule.is_value:
            return found
        if isinstance(rule, Rows):
            found = rule.fetch(found)
        elif isinstance(rule, Told) and rule.is_list and levels == _NESTED:
            found = rule.items(found)
        elif rule is not None and (isinstance(rule, Defaults) or not (rule.is_list and levels == _NESTED)):
            return View.of(found, rule)
        if not isinstance(found, list | tuple) or not levels:
            return found
        kinds = set(map(type, found)) - FLAT
        if kinds.isdisjoint((list, tuple, MadeList)) and not any(self._rule_of(kind) for kind in kinds - KNOWN):
            return found
        items = map(self.stood_for, found)
        return [self._viewed(item, self.rule_of(item), levels - 1, keyed) for item in items]
