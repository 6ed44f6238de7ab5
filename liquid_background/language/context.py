"""The render context of pages and jobs: python-liquid's, with limits, and with a shorter way to a variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from sys import getsizeof
from typing import Any, Final, TextIO

from liquid import BoundTemplate, Mode, RenderContext, Token
from liquid.exceptions import LiquidError, ResourceLimitError, UnknownFilterError
from liquid.stringify import to_liquid_string
from liquid.undefined import UNDEFINED

from liquid_background.errors import LimitReached, NotExposed
from liquid_background.jobs.sizes import FLAT, MadeDict, MadeList, megabytes, weigh
from liquid_background.language.exposed import KNOWN, PLAIN, Rule, check_read
from liquid_background.language.filters import check_formats, check_text, guarded, made
from liquid_background.language.limits import Text, Watch
from liquid_background.language.stretch import Stretch, too_deep
from liquid_background.language.syntax import show
from liquid_background.nearest import nearest

_LIGHT: Final = 512  # bytes of a variable that is not worth keeping account of
_HUGE: Final = 10_000  # characters or items of a variable that is worth a look at the clock, whatever comes of it
_SIZED: Final[dict[type, int]] = {
    **dict.fromkeys((str, list, tuple, dict), _HUGE),
    **dict.fromkeys((MadeList, MadeDict), -1),
}
_ABSENT: Final = object()
_LONG: Final = 200  # characters of a name that is not told in whole where nothing has it
_NOT_THERE: Final = (KeyError, TypeError, IndexError)  # what python-liquid takes for that
_MANY: Final = 1_000  # cycles, whose names may be made as a page is rendered: more are worth it
_read: Final = RenderContext.get_item
_read_async: Final = RenderContext.get_item_async


class Context(RenderContext):
    """python-liquid's render context; a plain name, which most paths are, takes half the time."""

    __slots__ = ("_held", "_weights", "watch")

    def __init__(self, template: Any, *, parent_context: RenderContext | None = None, **options: Any) -> None:
        super().__init__(template, parent_context=parent_context, **options)
        self.watch: Watch = parent_context.watch if isinstance(parent_context, Context) else Watch()
        self._held = self.local_namespace_size_carry  # bytes that variables hold, with those around this context
        self._weights: dict[object, int] = {}

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Return what a path stands for."""
        watch = self.watch
        watch.steps -= 1
        if watch.steps < 0:
            watch.look()
        try:
            value: Any = self._named(path[0])
            for segment in path[1:]:
                if type(value) is dict and segment in value:
                    value = value[segment]  # `.size`, `.first` and `.last` of an object are members first, too
                else:
                    value = _read(self, value, segment) if type(value) in PLAIN else self.get_item(value, segment)
            kind = type(value)
            if kind in _SIZED:
                if len(value) > _SIZED[kind]:
                    watch.steps = -1
            elif kind not in KNOWN:
                value = self._stood_for(value)
            return value
        except NotExposed as error:
            return self._refuse(error, path, token, default)
        except _NOT_THERE:
            if _is_named(path):
                return super().get(path, token=token, default=default)  # what is undefined is for python-liquid to tell
            return self._undefined(path, token, default)

    async def get_async(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Return what a path stands for, awaiting what can be awaited."""
        if not isinstance(path[0], str):
            return self.get(path, token=token, default=default)  # nothing has it
        watch = self.watch
        watch.steps -= 1
        if watch.steps < 0:
            watch.look()
        with suppress(*_NOT_THERE):
            value: Any = self._named(path[0])
            for segment in path[1:]:
                if type(value) is not dict:
                    break  # it may have a way to be awaited
                value = value[segment]
            else:
                return self._weighed(value)
        try:
            if _is_named(path):
                return self._stood_for(await super().get_async(path, token=token, default=default))
            value = await super().get_async(path, token=token, default=_ABSENT)
        except NotExposed as error:
            return self._refuse(error, path, token, default)
        return self._undefined(path, token, default) if value is _ABSENT else self._stood_for(value)

    def get_item(self, obj: Any, key: Any) -> Any:
        """Return a member, by the rule for the object where it needs one."""
        obj = self._stood_for(obj)
        rule = None if type(obj) in KNOWN else self._rule_of(obj)
        if rule is not None:
            return rule.member(obj, _plain(key))
        try:
            return _read(self, obj, key)
        except _NOT_THERE:
            check_read(obj, key)
            raise

    async def get_item_async(self, obj: Any, key: Any) -> Any:
        """Return a member, awaiting what can be awaited."""
        obj = self._stood_for(obj)
        if type(obj) in KNOWN or self._rule_of(obj) is None:
            try:
                return await _read_async(self, obj, key)
            except _NOT_THERE:
                check_read(obj, key)
                raise
        return self.get_item(obj, key)

    def _weighed(self, value: Any) -> Any:
        if type(value) in _SIZED and len(value) > _SIZED[type(value)]:
            self.watch.steps = -1
        return self._stood_for(value)

    def _stood_for(self, value: Any) -> Any:
        env: Any = self.env
        return env.exposure.stood_for(value)

    def _rule_of(self, value: object) -> Rule | None:
        env: Any = self.env
        rule: Rule | None = env.exposure.rule_of(value)
        return rule

    def _refuse(self, error: NotExposed, path: list[object], token: Token | None, default: object) -> object:
        """Raise, warn of or ignore that an object on a path is not exposed, as the mode says."""
        value = self._named(path[0])
        length = 1
        with suppress(NotExposed, *_NOT_THERE):
            for segment in path[1:]:
                value = self.get_item(value, segment)
                length += 1
        self.error(error.of(_shown(path[:length]), token))
        return self.env.undefined(str(path[0]), token=token) if default is UNDEFINED else default

    def _undefined(self, path: list[object], token: Token | None, default: object) -> object:
        """Return what stands for a path that no variable has, told in short: names may be made, and be of any size."""
        if default is not UNDEFINED:
            return default
        name: Any = path[0] if _is_named(path[:1]) else show(path[0])
        shown = "".join([name, *(f"[{show(segment)}]" for segment in path[1:])])
        return self.env.undefined(name, hint=f"{shown} is undefined", token=token)

    def _named(self, name: Any) -> Any:
        """Return what a name stands for: the scope's own way raises and catches an error for each place passed by."""
        for names in self.scope._maps:
            if type(names) is dict:
                if name in names:
                    return names[name]
            else:
                try:
                    return names[name]
                except KeyError:
                    continue
        raise KeyError(name)

    def assign(self, key: str, val: Any) -> None:
        """Set a variable, measured: python-liquid's own limit measures all of them each time.

        Raises:
            LimitReached: when variables hold too much.
        """
        self.locals[key] = val
        weight = getsizeof(val) if type(val) in FLAT else weigh(val)
        if weight < _LIGHT and key not in self._weights:
            return  # there are no more of these than names in the template
        self._keep(key, weight)

    def rebind(self, key: str, val: Any) -> None:
        """Have a name stand for another value where it is found: as a loop's item, an argument, or else a variable.

        Raises:
            LimitReached: when variables hold too much.
        """
        for names in self.scope._maps:
            if names is self.locals:
                break
            if key in names and type(names) is dict:
                names[key] = val
                self.watch.rebound = True
                self._keep(("item", key), weigh(val))
                return
        self.assign(key, val)

    def _keep(self, key: object, weight: int) -> None:
        self._held += weight - self._weights.get(key, 0)
        self._weights[key] = weight
        self._check_held()

    def _check_held(self) -> None:
        most = self.env.local_namespace_limit
        if most and self._held + self.watch.passing > most:
            message = f"variables hold over {megabytes(most)} (Environment.local_namespace_limit)"
            raise LimitReached(message, token=None)

    def hold(self, value: object) -> None:
        """Keep account of an argument that a filter made, until its tag has been rendered.

        Raises:
            LimitReached: when variables and such arguments hold too much.
        """
        if type(value) not in FLAT or isinstance(value, str):
            self.watch.passing += weigh(value)
            self._check_held()

    def made(self, value: object) -> object:
        """Return a list or object that a template wrote out, measured.

        Raises:
            LimitReached: when it holds too much.
        """
        self.watch.steps = -1
        return made(self.env, value)

    def written(self, value: object) -> str:
        """Return a value as the text of it that a template writes into another.

        Raises:
            LimitReached: when it is too large.
        """
        return to_liquid_string(check_text(self.env, "this text", value), False)

    def cycle(self, key: object, length: int) -> int:
        """Return the index of the next item in a cycle, whose name is kept."""
        weight = getsizeof(key)
        if weight >= _LIGHT or len(self.tag_namespace["cycles"]) >= _MANY:
            self._keep(("cycle", key), weight + _LIGHT)
        return super().cycle(key, length)

    def ifchanged(self, val: str) -> bool:
        """Return whether a text differs from the last one, which is kept."""
        if len(val) >= _LIGHT:
            self._keep(("ifchanged",), getsizeof(val))
        return super().ifchanged(val)

    def get_size_of_locals(self) -> int:
        """Return the bytes that variables hold, with those of the contexts around."""
        return self._held

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """Return a filter with what is asked before it runs."""
        watch = self.watch
        watch.steps -= 1
        if watch.steps < 0:
            watch.look()
        env: Any = self.env  # one of ours: it keeps its filters as they are called here
        raw = env.filters.get(name)
        kept: tuple[object, Callable[..., object]] | None = env.guarded_filters.get(name)
        if kept is not None and kept[0] is raw:
            return kept[1]
        if raw is None:
            return self._unknown_filter(name, token)
        if getattr(raw, "with_context", False):
            check_formats(name, self)
            return guarded(name, raw, env, super().filter(name, token))
        call = guarded(name, raw, env)
        env.guarded_filters[name] = raw, call
        return call

    def _unknown_filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """Return what stands for a filter that nobody registered.

        Raises:
            UnknownFilterError: with what to do about it, where unknown filters are errors.
        """
        try:
            return super().filter(name, token)
        except UnknownFilterError as error:
            if self.env.mode is not Mode.LAX:  # where it is dropped
                near = _near_filter(name, frozenset(self.env.filters))
                advice = f"did you mean '{near}'?" if near else "register it with environment.add_filter"
                error.args = (f"unknown filter {show(name)}: {advice}",)
            raise

    def extend(self, namespace: Mapping[str, object], template: BoundTemplate | None = None) -> Any:
        """Take a step at the way into a partial, a macro or a scope."""
        return Stretch(self, namespace, template)

    def copy(self, namespace: Mapping[str, object], *args: Any, **options: Any) -> RenderContext:
        """Return the context of a partial that sees only what it is given.

        Raises:
            LimitReached: when partials are inside each other too deep.
        """
        if self._copy_depth > self.env.context_depth_limit:
            raise too_deep(self)
        return super().copy(namespace, *args, **options)

    def loop(self, namespace: Mapping[str, object], forloop: Any) -> Any:
        """Have a loop look at the watch as it turns."""
        return Stretch(self, namespace, None, forloop)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Refuse a loop that would turn too often with those around it."""
        most = self.env.loop_iteration_limit
        turns = length * self.loop_iteration_carry
        for loop in self.loops:
            turns *= loop.length
        if most and turns > most:
            message = f"loop iteration limit reached: over {most:,} turns (Environment.loop_iteration_limit)"
            raise LimitReached(message, token=None)

    def get_buffer(self, buf: TextIO | None = None) -> Text:
        """Return the buffer of what is printed inside a tag, such as `capture`."""
        outer = buf if isinstance(buf, Text) else self.watch.text  # a blank block has one that keeps nothing
        text = Text(self.env.output_stream_limit, outer)
        self.watch.text = text
        return text

    def error(self, exc: LiquidError) -> None:
        """Raise, warn of or ignore an error, as the mode says; a limit is raised in each."""
        if isinstance(exc, ResourceLimitError):
            raise exc
        super().error(exc)


@lru_cache(maxsize=256)
def _near_filter(name: str, known: frozenset[str]) -> str:
    """Return the filter that a wrong name is near; a loop may ask for it in each turn."""
    return nearest(name, known)


def _plain(key: Any) -> Any:
    """Return what a path's segment stands for, as python-liquid reads it."""
    return key.__liquid__() if hasattr(key, "__liquid__") else key


def _shown(path: list[object]) -> str:
    """Return a path as a template has it."""
    first = path[0] if _is_named(path[:1]) else show(path[0])
    return f"{first}" + "".join(f".{part}" if _is_named([part]) else f"[{show(part)}]" for part in path[1:])


def _is_named(path: list[object]) -> bool:
    """Return whether a path has no part that a template made of anything but a short text or number."""
    return isinstance(path[0], str) and all(
        len(part) <= _LONG if isinstance(part, str) else isinstance(part, int) for part in path
    )
