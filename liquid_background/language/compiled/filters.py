"""Filters as Python: the built-in ones of plain values in place, all others as calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liquid.builtin.expressions import PositionalArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.filters import array, math, misc, string

from liquid_background.language.bounds import BoundedFilter
from liquid_background.language.compiled.paths import Paths
from liquid_background.language.compiled.scopes import Scopes
from liquid_background.language.compiled.source import Source, Value

_SHORT: Final = "type({0}) is str and len({0}) <= LARGE"
_TINY: Final = "type({0}) is str and len({0}) <= 32"
_WHOLE: Final = "type({0}) is int and -BIG < {0} < BIG"
_REAL: Final = "(type({0}) is float and -1e200 < {0} < 1e200 or type({0}) is int and -BIG < {0} < BIG)"
_TRUE: Final = "(" + _SHORT + " and {0} or " + _WHOLE + " or type({0}) is float)"  # and not large
_TEXTS: Final = "texts({0})"
_LIST: Final = "type({0}) is list"
_SMALL: Final = (
    "(type({0}) is str and len({0}) <= LARGE or type({0}) in SMALL or type({0}) is int and -BIG < {0} < BIG)"
)
_ITEM: Final = _LIST + " and {0} and (type({0}[#]) is dict or " + _SMALL.replace("{0}", "{0}[#]") + ")"  # not measured
_FEW: Final = "(type({0}) is list or type({0}) is str or type({0}) is dict)"


@dataclass(frozen=True, slots=True)
class _InPlace:
    """A built-in filter that is written in place, for values of the usual types.

    Attributes:
        filter: as python-liquid registers it.
        guards: what holds of the value and of each argument; for all else the filter is called.
        python: what it is then.
        escapes: whether it is another one where what is printed is escaped.
    """

    filter: Callable[..., Any]
    guards: tuple[str, ...]
    python: str
    escapes: bool = False


_IN_PLACE: Final[dict[str, tuple[_InPlace, ...]]] = {
    "upcase": (_InPlace(string.upcase, (_SHORT,), "{0}.upper()"),),
    "downcase": (_InPlace(string.downcase, (_SHORT,), "{0}.lower()"),),
    "capitalize": (_InPlace(string.capitalize, (_SHORT,), "{0}.capitalize()"),),
    "strip": (_InPlace(string.strip, (_SHORT,), "{0}.strip()"),),
    "lstrip": (_InPlace(string.lstrip, (_SHORT,), "{0}.lstrip()"),),
    "rstrip": (_InPlace(string.rstrip, (_SHORT,), "{0}.rstrip()"),),
    "append": (_InPlace(string.append, (_SHORT, _SHORT), "{0} + {1}"),),
    "prepend": (_InPlace(string.prepend, (_SHORT, _SHORT), "{1} + {0}"),),
    "escape": (_InPlace(string.escape, (_SHORT,), "escape_html({0})", escapes=True),),
    "plus": (
        _InPlace(math.plus, (_WHOLE, _WHOLE), "{0} + {1}"),
        _InPlace(math.plus, (_REAL, _REAL), "float(Decimal(str({0})) + Decimal(str({1})))"),
    ),
    "minus": (
        _InPlace(math.minus, (_WHOLE, _WHOLE), "{0} - {1}"),
        _InPlace(math.minus, (_REAL, _REAL), "float(Decimal(str({0})) - Decimal(str({1})))"),
    ),
    "times": (
        _InPlace(math.times, (_WHOLE, _WHOLE), "{0} * {1}"),
        _InPlace(math.times, (_REAL, _REAL), "float(Decimal(str({0})) * Decimal(str({1})))"),
    ),
    "modulo": (_InPlace(math.modulo, (_WHOLE, _WHOLE + " and {0}"), "{0} % {1}"),),
    "divided_by": (_InPlace(math.divided_by, (_WHOLE, _WHOLE + " and {0}"), "{0} // {1}"),),
    "abs": (_InPlace(math.abs_, (_REAL,), "abs({0})"),),
    "at_least": (_InPlace(math.at_least, (_REAL, _REAL), "max({0}, {1})"),),
    "at_most": (_InPlace(math.at_most, (_REAL, _REAL), "min({0}, {1})"),),
    "round": (_InPlace(math.round_, (_REAL, _WHOLE + " and 0 < {0} < 16"), "round({0}, {1})"),),
    "join": (_InPlace(array.join, (_TEXTS, _SHORT), "{1}.join({0})", escapes=True),),
    "split": (
        _InPlace(
            string.split,
            (_SHORT + " and {0}", _SHORT + " and {0} and {0} != ' '"),
            "{0}.split({1}) if {0} != {1} else []",
        ),
    ),
    "replace": (_InPlace(string.replace, (_SHORT, _SHORT, _TINY), "{0}.replace({1}, {2})"),),
    "remove": (_InPlace(string.remove, (_SHORT, _SHORT), "{0}.replace({1}, '')"),),
    "truncate": (
        _InPlace(string.truncate, (_SHORT, _WHOLE), "{0} if len({0}) < {1} else {0}[:{1} - 3] + '...'"),
        _InPlace(string.truncate, (_SHORT, _WHOLE, _SHORT), "{0} if len({0}) < {1} else {0}[:{1} - len({2})] + {2}"),
    ),
    "first": (_InPlace(array.first, (_ITEM.replace("#", "0"),), "{0}[0]"),),
    "last": (_InPlace(array.last, (_ITEM.replace("#", "-1"),), "{0}[-1]"),),
    "size": (_InPlace(misc.size, (_FEW,), "len({0})"),),
    "default": (
        _InPlace(misc.default, (_TRUE, "True"), "{0}"),
        _InPlace(misc.default, (_TRUE,), "{0}"),
    ),
}


class Filters(Paths):
    """Writes filters.

    Args:
        source: to write to.
        scopes: the loops around the place that is written.
        filters: of the environment, by name.

    Attributes:
        used: the filters that are written or called, by name, as they are registered.
        called: the local variables of those that are called always, by name.
        called_late: those of filters that are called for few values.
    """

    def __init__(self, source: Source, scopes: Scopes, filters: Mapping[str, Any]) -> None:
        super().__init__(source, scopes)
        self.filters = filters
        self.used: dict[str, Any] = {}
        self.called: dict[str, str] = {}
        self.called_late: dict[str, str] = {}

    def made_of(self, value: Value, filters: Sequence[Filter] | None) -> Value:
        """Write what filters make of a value, one after the other."""
        for each in filters or ():
            value = _Written(self, each).of(value)
        return value

    def call_of(self, name: str) -> str:
        """Return the local variable of a filter that is called always."""
        if name not in self.called:
            self.called[name] = self.source.fresh("c")
        return self.called[name]

    def late_call_of(self, name: str) -> str:
        """Return the local variable of a filter that is called for few values: None until it is looked up."""
        if name not in self.called_late:
            self.called_late[name] = self.source.fresh("c")
        return self.called_late[name]


class _Written:
    def __init__(self, writer: Filters, part: Filter) -> None:
        self._writer = writer
        self._source = writer.source
        self._part = part

    def of(self, left: Value) -> Value:
        part, source = self._part, self._source
        self._writer.steps += 1
        raw = self._writer.filters.get(part.name)
        values = [arg.value for arg in part.args if isinstance(arg, PositionalArgument)]
        if type(part) is not BoundedFilter or raw is None or not _is_plain(raw) or len(values) != len(part.args):
            return self._evaluated(left)
        args = [self._writer.write(value) for value in values]
        self._writer.used[part.name] = raw
        name = source.fresh()
        word = "if"
        with source.at(part.token):
            for guard, python in self._in_place(raw, left, args):
                source.line(f"{word} {guard}: {name} = {python}")
                word = "elif"
            if word == "if":
                self._call(name, self._writer.call_of(part.name), left, args)
            else:
                with source.block("else:"):
                    called = self._writer.late_call_of(part.name)
                    source.line(f"if {called} is None: {called} = filter_of(context, env, {source.text(part.name)})")
                    self._call(name, called, left, args)
        return Value(name)

    def _evaluated(self, left: Value) -> Value:
        self._source.calls += 1
        name, node, source = self._source.fresh(), self._source.value(self._part), self._source
        evaluate = "await {}.evaluate_async" if source.awaits else "{}.evaluate"
        source.line(f"{name} = {evaluate.format(node)}({left.python}, context)")
        return Value(name)

    def _in_place(self, raw: object, left: Value, args: Sequence[Value]) -> Iterator[tuple[str, str]]:
        """Yield what holds, and what the filter is then."""
        given = [left, *args]
        for each in _IN_PLACE.get(self._part.name, ()):
            if each.filter is not raw or len(each.guards) != len(given) or (each.escapes and self._source.autoescape):
                continue
            guards = [_guard(guard, value) for guard, value in zip(each.guards, given, strict=True)]
            if "False" not in guards:
                held = " and ".join(guard for guard in guards if guard != "True")
                yield held or "True", each.python.format(*(value.python for value in given))

    def _call(self, name: str, called: str, left: Value, args: Sequence[Value]) -> None:
        """Write a call, with what python-liquid makes of its errors, and what is asked of its result."""
        source, part = self._source, self._part
        node = source.value(part)
        given = ", ".join([left.python, *(each.python for each in args)])
        source.line("if watch.steps < 0: watch.look()")  # the filter before made something large
        with source.block("try:"):
            source.line(f"{name} = {called}({given})")
        with source.block("except Exception as error:"):
            source.line(f"{node}.refuse(error)")
        is_small = f"{_small(left)} and {_SMALL.format(name)}"
        source.line(f"if not ({is_small}): measured(context, {node}, {left.python}, {name})")


def _is_plain(raw: object) -> bool:
    """Return whether a filter is called with its values alone, and cannot be awaited."""
    return not getattr(raw, "with_context", False) and not hasattr(raw, "filter_async")


def _guard(guard: str, value: Value) -> str:
    """Return Python for whether a guard holds; a text or number that stands in the template is a small one."""
    if (guard, value.kind) in ((_SHORT, "str"), (_WHOLE, "int"), (_REAL, "int")):
        return "True"
    if guard.startswith(_SHORT) and value.kind not in ("", "str"):
        return "False"  # Python warns of `1[0]`, even where that is never run
    if (guard == _WHOLE and value.kind == "float") or (guard.startswith(_LIST) and value.kind):
        return "False"
    return guard.format(value.python)


def _small(value: Value) -> str:
    return "True" if value.kind in ("int", "float", "bool", "NoneType") else _SMALL.format(value.python)
