"""The context of a dry run: it notes what depends on effects as it is read, and calls no filter that may have one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from liquid import RenderContext, Token
from liquid.undefined import UNDEFINED

from liquid_background.language.declared import Declared
from liquid_background.language.dry.judging import filter_declared
from liquid_background.language.dry.trace import Trace
from liquid_background.language.filters import Json, guarded
from liquid_background.language.handed import JobContext

_KEEP_MARKS: Final = frozenset((
    "append", "capitalize", "compact", "concat", "downcase", "escape", "escape_once", "join", "json", "lstrip",
    "newline_to_br", "prepend", "rstrip", "squish", "strip", "strip_html", "strip_newlines", "upcase", "url_encode",
))  # fmt: skip
"""Filters of python-liquid's that write marks as they are given; it is checked that they did."""
_READ_ONLY: Final = frozenset(("first", "json", "last", "map"))
"""Filters that return what they read of objects, and decide nothing by it."""


class _Refused(list[str]):
    """The tags that a context refuses, and those with effects: a node that escaped being replaced is not rendered."""

    def __init__(self, refused: Collection[str], has_effect: Callable[[str], bool]) -> None:
        super().__init__(refused)
        self._has_effect = has_effect

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self._has_effect(str(name))


class DryContext(JobContext):
    """What a page or a job sees in a dry run; it belongs to a `DryEnvironment`."""

    __slots__ = ()

    def __init__(self, template: Any, *, parent_context: RenderContext | None = None, **options: Any) -> None:
        super().__init__(template, parent_context=parent_context, **options)
        self.disabled_tags = _Refused(self.disabled_tags, self.env.has_effect)  # type: ignore[attr-defined]
        if parent_context is None:
            self.watch.start(self.env.seconds)  # type: ignore[attr-defined]

    @property
    def trace(self) -> Trace:
        """What the run depends on."""
        trace: Trace = self.env.trace  # type: ignore[attr-defined]
        return trace

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Return what a path stands for: what is inside of a value that depends on an effect depends on it, too."""
        trace = self.trace
        keys = trace.marks.numbers([key for key in path if isinstance(key, str)])
        if keys:
            trace.note(keys)
            return trace.marks.union(keys)
        return self._inside(path) or trace.noted(super().get(path, token=token, default=default))

    def _inside(self, path: list[object]) -> str:
        """Return what stands for a place inside of what a mark stands for; "" for any other."""
        try:
            value: Any = self._named(path[0])
            for segment in path[1:]:
                if isinstance(value, str):
                    return self._of_text(value)
                if type(value) not in (dict, list):
                    return ""
                value = value[segment]
        except (KeyError, TypeError, IndexError):
            pass
        return ""

    def _of_text(self, value: str) -> str:
        numbers = self.trace.marks.numbers(value)
        self.trace.note(numbers)
        return self.trace.marks.union(numbers) if numbers else ""

    def resolve_handed_over(self, path: list[object], token: Token) -> object:
        """Resolve a path that the plan says is handed over."""
        key, covered = self.positions[token.start_index]
        value = self.handed_over.get(key)
        for segment in path[covered:]:
            if isinstance(value, str) and (found := self._of_text(value)):
                return found
            value = value.get(segment) if isinstance(value, Mapping) and isinstance(segment, str) else None
        return self.trace.noted(super().resolve_handed_over(path, token))

    def ifchanged(self, val: str) -> bool:
        """Return whether a text differs from the last one."""
        self.trace.decide(self.trace.marks.numbers([val, self.tag_namespace["ifchanged"]]))
        return super().ifchanged(val)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """Return what is called in the place of a filter."""
        call = super().filter(name, token)
        raw = self.env.filters.get(name)
        if raw is None:
            return call
        if type(raw) is Json:
            call = guarded(name, Json(self.env.exposure), self.env)  # type: ignore[attr-defined]
        return _DryFilter(self, name, call, filter_declared(self.env, name, raw), raw)


class _DryFilter:
    """One use of a filter: the filter itself where it is pure, and takes nothing that depends on an effect."""

    def __init__(
        self,
        context: DryContext,
        name: str,
        call: Callable[..., object],
        declared: Declared,
        raw: object,
    ) -> None:
        self._context = context
        self._name = name
        self._call = call
        self._declared = declared
        self._raw = raw

    def __call__(self, left: object, *args: object, **named: object) -> object:
        trace, declared = self._context.trace, self._declared
        numbers = trace.marks.numbers([left, *args, *named.values()])
        if not declared.pure:
            return self._effect(numbers, left, args, named)
        if not numbers:
            return self._called(left, args, named)
        trace.note(numbers)
        if declared.of is None and self._name in _KEEP_MARKS:
            made = self._call(left, *args, **named)
            if trace.marks.numbers(made) == numbers:
                return made
        trace.worked_on |= numbers
        return trace.marks.union(numbers)

    def _called(self, left: object, args: tuple[object, ...], named: Mapping[str, object]) -> object:
        """Return what the filter makes of its values; where it read what objects would have to be asked, a mark."""
        trace = self._context.trace
        before = len(trace.effects)
        made = self._call(left, *args, **named)
        read = frozenset(each.number for each in trace.effects[before:])
        if not read or (self._name in _READ_ONLY and trace.marks.numbers(made) == read):
            return made
        trace.worked_on |= read
        return trace.marks.union(read)

    def _effect(
        self, numbers: frozenset[int], left: object, args: tuple[object, ...], named: Mapping[str, object]
    ) -> object:
        trace, preview = self._context.trace, self._declared.preview
        given = {str(at): value for at, value in enumerate((left, *args))}
        stands_in = preview is not None and not numbers
        number = trace.effect("filter", self._name, {**given, **named}, previewed=stands_in)
        if preview is not None and not numbers:
            return preview(left, *args, **named)
        if getattr(self._raw, "with_context", False):
            trace.decide((number,))  # it may have set any variable
        return trace.value_of(number, self._name)
