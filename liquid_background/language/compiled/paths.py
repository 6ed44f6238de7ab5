"""Paths as Python: a look into the usual mappings and lists, and python-liquid's own way for all else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from liquid.builtin.expressions import Path
from liquid.expression import Expression

from liquid_background.language.bounds import PlainPath
from liquid_background.language.compiled.scopes import Scopes
from liquid_background.language.compiled.source import Source, Value
from liquid_background.language.handed import HandedOverPath

PATHS: Final = frozenset((Path, PlainPath))
"""The classes of paths that stand for what a page or job has by their names."""
_FORLOOP: Final = {
    "index": "({}._index + 1)",
    "index0": "{}._index",
    "rindex": "({0}.length - {0}._index)",
    "rindex0": "({0}.length - {0}._index - 1)",
    "first": "({}._index == 0)",
    "last": "({0}._index == {0}.length - 1)",
    "length": "{}.length",
}
_KIND_OF: Final = {"first": "bool", "last": "bool"}
_SETTLED: Final = "if not (type({0}) is str and len({0}) <= LONG or type({0}) in QUICK): "


class Paths(ABC):
    """Writes paths.

    Args:
        source: to write to.
        scopes: the loops around the place that is written.
    """

    def __init__(self, source: Source, scopes: Scopes) -> None:
        self.source = source
        self.scopes = scopes
        self.steps = 0  # of the watch, since they were last counted

    @abstractmethod
    def write(self, part: Expression) -> Value:
        """Write an expression; return its value."""

    def evaluated(self, part: Expression) -> Value:
        """Write a call of the expression itself."""
        name = self.source.fresh()
        self.source.line(f"{name} = {self.evaluation(part)}")
        return Value(name)

    def evaluation(self, part: Expression) -> str:
        """Return Python that evaluates an expression as it is."""
        value = self.source.value(part)
        return f"await {value}.evaluate_async(context)" if self.source.awaits else f"{value}.evaluate(context)"

    def path(self, part: Path) -> Value:
        """Write a path whose parts are names and numbers, or paths."""
        root = part.path[0]
        if type(root) is not str:
            return self.evaluated(part)
        loop = self.scopes.forloop_of(root)
        if loop is not None and len(part.path) == 2 and type(part.path[1]) is str and part.path[1] in _FORLOOP:
            key = str(part.path[1])
            return Value(_FORLOOP[key].format(loop), _KIND_OF.get(key, "int"))
        inner = [self.write(each).python if isinstance(each, Path) else None for each in part.path]
        name = self.source.fresh()
        line = self.source.line
        line(f"{name} = {self.scopes.lookup(root)}")
        for segment, dynamic in zip(part.path[1:], inner[1:], strict=True):
            line(f"{name} = {self._member(name, segment, dynamic)}")
        if any(inner):
            return self._settle_dynamic(part, inner, name)
        return self._settle(part, name)

    def handed_over(self, part: HandedOverPath) -> Value:
        """Write a path that the page has resolved, unless a variable of the job has its name."""
        root = part.path[0]
        if type(root) is not str or any(isinstance(each, Path) for each in part.path):
            return self.evaluated(part)
        name, line, block = self.source.fresh(), self.source.line, self.source.block
        with block(f"if {self.source.text(root)} in L:"):
            line(f"{name} = {self.path(part).python}")
        with block("else:"):
            path, position = self.source.value(part), self.source.number(part.token.start_index)
            line(f"{name} = handed(context, {position}, {len(part.path)}, {path})")
        return Value(name)

    def _settle(self, part: Path, name: str) -> Value:
        if self.source.awaits:
            return self._settle_by(name, self.evaluation(part))
        self.source.line(_SETTLED.format(name) + f"{name} = settled(context, {name}, {self.source.value(part)})")
        return Value(name)

    def _settle_dynamic(self, part: Path, inner: list[str | None], name: str) -> Value:
        segments = [dynamic or self._constant(segment) for segment, dynamic in zip(part.path, inner, strict=True)]
        whole = f"[{', '.join(segments)}], token={self.source.value(part.token)}"
        get = f"await context.get_async({whole})" if self.source.awaits else f"context.get({whole})"
        return self._settle_by(name, get)

    def _settle_by(self, name: str, reading: str) -> Value:
        """Write what a value that was looked up stands for, with the Python that reads it where that does not tell."""
        with self.source.block(_SETTLED.format(name)):
            self.source.line(f"{name} = stood_for(context, {name})")
            self.source.line(f"if {name} is MISS: {name} = {reading}")
        return Value(name)

    def _constant(self, segment: object) -> str:
        return self.source.text(segment) if isinstance(segment, str) else self.source.number(segment)  # type: ignore[arg-type]

    def _member(self, name: str, segment: object, dynamic: str | None) -> str:
        if dynamic is not None:
            return f"member({name}, {dynamic})"
        if type(segment) is int:
            least = -segment if segment < 0 else segment + 1
            return f"{name}[{segment}] if type({name}) is list and {least} <= len({name}) else MISS"
        key = self.source.text(str(segment))
        found = f"{name}[{key}] if type({name}) is dict and {key} in {name} else "
        if segment == "size":
            return found + f"len({name}) if type({name}) in SIZED else MISS"
        if segment in ("first", "last"):
            return found + f"{name}[{0 if segment == 'first' else -1}] if type({name}) is list and {name} else MISS"
        return found + "MISS"
