"""The render context of pages and jobs: python-liquid's, with limits, and with a shorter way to a variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, TextIO

from liquid import BoundTemplate, Mode, RenderContext, Token
from liquid.exceptions import LiquidError, ResourceLimitError, UnknownFilterError
from liquid.undefined import UNDEFINED

from liquid_background.errors import LimitReached, NotExposed
from liquid_background.jobs.sizes import MadeDict, MadeList
from liquid_background.language.account import Account
from liquid_background.language.exposed import KNOWN, PLAIN, Rule, check_read
from liquid_background.language.filters import check_formats, guarded
from liquid_background.language.limits import Text
from liquid_background.language.stretch import Stretch, too_deep
from liquid_background.language.syntax import show
from liquid_background.nearest import nearest

_HUGE: Final = 10_000  # characters or items of a variable that is worth a look at the clock, whatever comes of it
_SIZED: Final[dict[type, int]] = {
    **dict.fromkeys((str, list, tuple, dict), _HUGE),
    **dict.fromkeys((MadeList, MadeDict), -1),
}
_ABSENT: Final = object()
_LONG: Final = 200  # characters of a name that is not told in whole where nothing has it
_NOT_THERE: Final = (KeyError, TypeError, IndexError)  # what python-liquid takes for that
_read: Final = RenderContext.get_item
_read_async: Final = RenderContext.get_item_async


class Context(Account):
    """python-liquid's render context; a plain name, which most paths are, takes half the time."""

    __slots__ = ()

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Return what a path stands for."""
        watch = self.watch
        watch.steps -= 1
        if watch.steps < 0:
            watch.look()
        try:
            value: Any = self._named(path[0])
            if len(path) > 1:
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
