"""Writing into a list or object that a variable holds: `assign h.k = v`, `assign a << v`, and what a function returns.

A write changes the variable that it names, and no other: it makes copies of the list or object and of those on the way
to what is written. So what another variable, a partial or the application holds stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from sys import getsizeof
from typing import Any, Final, NamedTuple, NoReturn

from liquid import Environment, RenderContext, Token, TokenStream
from liquid.builtin.expressions import Identifier, Path
from liquid.expression import Expression
from liquid.token import TOKEN_ASSIGN

from liquid_background.errors import ArgumentError, LimitReached, TagSyntaxError
from liquid_background.jobs.handover import MAX_DEPTH, is_missing
from liquid_background.jobs.sizes import FLAT, ITEM, SHORT, MadeDict, MadeList, megabytes, weigh_whole
from liquid_background.language.exposed import Exposure
from liquid_background.language.limits import LARGE, look_soon
from liquid_background.language.syntax import TOKEN_APPEND, parsing, show
from liquid_background.wording import a

_WORDS: Final = {str: "a text", bool: "a boolean", int: "a number", float: "a number", range: "a range"}


class Target:
    """What a tag writes to: a variable, or a place in the list or object that it holds.

    Args:
        path: the variable, and the keys and indexes that lead from it to the place.
        appends: whether the value is put behind the last item of the list that is there.
    """

    __slots__ = ("appends", "keys", "name", "root", "template", "token")

    def __init__(self, path: Path, *, appends: bool) -> None:
        root = path.path[0]
        self.token = path.token
        if not isinstance(root, str):
            raise TagSyntaxError("a variable's name is missing", token=path.token)
        self.name = Identifier(root, token=path.token)
        self.root = Path(path.token, [root])
        self.keys = path.path[1:]
        self.appends = appends
        self.template = parsing.get()

    @property
    def is_variable(self) -> bool:
        """Whether the whole variable is set, whatever it held."""
        return not self.keys and not self.appends

    def __str__(self) -> str:
        return f"{Path(self.token, [str(self.name), *self.keys])}{' <<' if self.appends else ' ='}"

    def expressions(self) -> list[Expression]:
        """Return what is read to write there: nothing for a whole variable."""
        return [] if self.is_variable else [self.root, *(key for key in self.keys if isinstance(key, Path))]

    def set(self, context: RenderContext, value: object) -> None:
        """Write a value."""
        if self.is_variable:
            context.assign(self.name, value)
            return
        held = self.root.evaluate(context)
        keys = [key.evaluate(context) if isinstance(key, Path) else key for key in self.keys]
        self._set(context, held, keys, value)

    async def set_async(self, context: RenderContext, value: object) -> None:
        """Write a value, awaiting what can be awaited."""
        if self.is_variable:
            context.assign(self.name, value)
            return
        held = await self.root.evaluate_async(context)
        keys = [await key.evaluate_async(context) if isinstance(key, Path) else key for key in self.keys]
        self._set(context, held, keys, value)

    def _set(self, context: RenderContext, held: object, keys: Sequence[object], value: object) -> None:
        if is_missing(value):
            value.poke()  # type: ignore[attr-defined]
            value = None
        try:
            whole = _Writing(context.env, self.name, keys, appends=self.appends).written(held, value)
        except _Refused as reason:
            error = ArgumentError(str(reason), token=self.token, template_name=self.template)
            context.error(error)
            return
        if len(whole.value) > LARGE:
            look_soon(context)
        rebind: Any = getattr(context, "rebind", context.assign)  # contexts of others have none
        rebind(self.name, whole.value)


def parse_target(env: Environment, head: TokenStream) -> Target:
    """Parse what stands before a value, with the `=` or `<<` behind it; the stream is left at the value.

    Raises:
        LiquidSyntaxError: when it is no variable or place in one.
    """
    path = Path.parse(env, head)
    token = head.current
    if token.kind not in (TOKEN_ASSIGN, TOKEN_APPEND):
        head.eat(TOKEN_ASSIGN)
    next(head)
    return Target(path, appends=token.kind == TOKEN_APPEND)


class _Refused(Exception):
    """A place that cannot be written to."""


class _Whole(NamedTuple):
    """A list or object with what it takes."""

    value: Any
    weight: int
    levels: int


class _Writing:
    """One write.

    Args:
        env: of the template.
        name: of the variable.
        keys: that lead from its value to the place.
        appends: whether the value goes behind the last item of the list that is there.
    """

    def __init__(self, env: Environment, name: str, keys: Sequence[object], *, appends: bool) -> None:
        self._exposure: Exposure | None = getattr(env, "exposure", None)
        self._most = env.local_namespace_limit or inf
        self._name = name
        self._keys = keys
        self._appends = appends

    def written(self, held: object, value: object) -> _Whole:
        """Return what the variable holds then.

        Raises:
            _Refused: saying why the place cannot be written to.
            LimitReached: when the whole would be too large, or too deep.
        """
        way = self._way(held)
        part = _Whole(value, *self._weigh(value))
        if self._appends:
            items = way.pop()
            part = self._with(items, len(items), part)
        for container, key in reversed([*zip(way, self._keys, strict=True)]):
            part = self._with(container, key, part)
        return part

    def _way(self, held: object) -> list[Any]:
        """Return the lists and objects from the variable's on, to the one that is written into."""
        way: list[Any] = []
        for depth, key in enumerate(self._keys):
            container = self._container(held, depth)
            way.append(container)
            if isinstance(container, dict):
                held = container.get(self._object_key(key, depth))
            else:
                index = self._index(container, key, depth)
                held = container[index] if index < len(container) else None
        if self._appends:
            if not isinstance(held, list | tuple) or not self._is_ours(held):
                self._refuse_append(held)
            way.append(held)
        return way

    def _container(self, held: object, depth: int) -> Any:
        if isinstance(held, dict | list | tuple) and self._is_ours(held):
            return held
        if held is None or is_missing(held):
            if depth:
                return {}  # on the way to the place
            raise _Refused(f"`{self._name}` is nil: {{% assign {self._name} = {{}} %}} makes it an object first")
        shown = self._shown(depth)
        if type(held) in _WORDS:
            raise _Refused(f"{shown} is {_WORDS[type(held)]}, and not an object or a list: nothing is in it")
        return self._refuse_objects(shown, held)

    def _refuse_append(self, held: object) -> NoReturn:
        shown = self._shown(len(self._keys))
        if held is None or is_missing(held):
            place = Path(Token("", "", 0, ""), [self._name, *self._keys])  # type: ignore[list-item]
            raise _Refused(f"{shown} is nil: {{% assign {place} = [] %}} makes it a list first")
        if isinstance(held, dict) and self._is_ours(held):
            raise _Refused(f"{shown} is an object, and << adds to a list: write to a key of it")
        if type(held) in _WORDS:
            raise _Refused(f"{shown} is {_WORDS[type(held)]}, and << adds to a list")
        self._refuse_objects(shown, held)

    def _refuse_objects(self, shown: str, held: object) -> NoReturn:
        kind = a(type(held).__name__)
        raise _Refused(f"{shown} is {kind}, which templates do not change: assign what you need of it")

    def _is_ours(self, held: object) -> bool:
        return type(held) in _PLAIN or self._exposure is None or self._exposure.is_whole(held)

    def _object_key(self, key: object, depth: int) -> Any:
        if isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool)):
            return str(key) if isinstance(key, str) else key
        raise _Refused(f"a key of {self._shown(depth)} is {_said(key)}; a key is a text or a number")

    def _index(self, items: Sequence[object], key: object, depth: int) -> int:
        if not isinstance(key, int) or isinstance(key, bool):
            raise _Refused(f"{self._shown(depth)} is a list, whose items have numbers, and not the key {_said(key)}")
        if not -len(items) <= key <= len(items):
            many = f"{len(items)} {'item' if len(items) == 1 else 'items'}"
            raise _Refused(f"{self._shown(depth)} has {many}, so there is no place {key}; << adds one")
        return key if key >= 0 else key + len(items)

    def _shown(self, depth: int) -> str:
        parts = [str(self._name)]
        for key in self._keys[:depth]:
            parts.append(f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{show(key)}]")
        return f"`{''.join(parts)}`"

    def _with(self, container: Any, key: Any, part: _Whole) -> _Whole:
        """Return a copy of a list or object with another value at a key or index."""
        weight, levels = self._weigh(container)
        copy: Any
        if isinstance(container, dict):
            copy = MadeDict(container)
            replaced = copy.get(key)
            weight += 0 if key in copy else ITEM + getsizeof(key)
        else:
            copy = MadeList(container[:])  # Python copies a list of its own class, and goes through any other
            key = key if key >= 0 else key + len(copy)
            replaced = copy[key] if key < len(copy) else None
            if key == len(copy):
                weight += ITEM
                copy.append(None)
        copy[key] = part.value
        copy.weight = max(weight - self._weigh(replaced)[0] + part.weight, 0)
        copy.levels = max(levels, part.levels + 1)
        self._check(copy)
        items = copy.values() if isinstance(copy, dict) else copy
        if len(copy) <= SHORT and FLAT.issuperset(map(type, items)):  # as a literal is
            return _Whole(dict(copy) if isinstance(copy, dict) else list(copy), copy.weight, 1)
        return _Whole(copy, copy.weight, copy.levels)

    def _check(self, made: MadeDict | MadeList) -> None:
        if made.weight > self._most:
            message = f"variables hold over {megabytes(self._most)} (Environment.local_namespace_limit)"
            raise LimitReached(f"{message}: a list or object counts each part as often as it is in it", token=None)
        if made.levels > MAX_DEPTH:
            message = f"lists and objects are over {MAX_DEPTH} deep in each other; the limit is fixed"
            raise LimitReached(message, token=None)

    def _weigh(self, value: object) -> tuple[int, int]:
        kind = type(value)
        if kind is MadeDict or kind is MadeList:
            return value.weight, value.levels  # type: ignore[attr-defined]
        if isinstance(value, dict | list | tuple):
            return weigh_whole(value, self._most)
        return getsizeof(value, ITEM) if kind is str or kind is int else 0, 0


_PLAIN: Final = frozenset((dict, list, tuple, MadeDict, MadeList))


def _said(key: object) -> str:
    return "nil" if is_missing(key) else show(key)
