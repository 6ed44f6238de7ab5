"""What compiled templates call as they run: for all that is not worth a line of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final, TextIO

from liquid import Environment, Node, RenderContext, Token
from liquid.builtin.expressions.logical import is_truthy
from liquid.exceptions import LiquidError, LiquidInterrupt, StopRender
from liquid.utils import ReadOnlyChainMap

from liquid_background.errors import NotExposed
from liquid_background.language.dialect import end_at
from liquid_background.language.exposed import KNOWN
from liquid_background.language.stretch import too_deep

MISS: Final = type("Missing", (), {"__repr__": lambda _: "MISS", "__slots__": ()})()
"""Stands for what is not there, or has to be read in another way than by a key of a `dict`."""
QUICK: Final = frozenset((int, float, bool, type(None)))
"""Types of values that are never large, and never stand for another."""
LONG: Final = 10_000  # characters or items of a value at which the clock is looked at, as `Context.get` does
NOTHING: Final[dict[str, Any]] = {}
_TRUE: Final = frozenset((str, int, float, dict, list))  # whose values are true, whatever they are


def names_of(
    context: Any, asked: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any], tuple[Mapping[str, Any], ...]]:
    """Return where names are looked up: what stands in front of the variables, as one; the globals; and all behind.

    What stands in front of the variables stays as it is for as long as a template is rendered in it.

    Args:
        context: of the render.
        asked: the names that are looked up.
    """
    maps = (*context.scope._maps,)
    variables = context.locals
    at = 1
    while maps[at] is not variables:
        at += 1
    front = maps[0]
    if at > 1:
        front = {}
        before = maps[:at]
        for name in asked:
            for names in before:
                if name in names:
                    front[name] = names[name]
                    break
    first = maps[at + 1]
    if type(first) is dict:
        return front, first, maps[at + 1 :]
    behind: list[Mapping[str, Any]] = []
    for names in maps[at + 1 :]:
        _flatten(names, behind)
    first = behind[0]
    return front, first if type(first) is dict else NOTHING, tuple(behind)


def _flatten(names: Mapping[str, Any], into: list[Mapping[str, Any]]) -> None:
    if type(names) is ReadOnlyChainMap:
        for each in names._maps:
            _flatten(each, into)
    else:
        into.append(names)  # an empty one, too: counters come to be


def find(behind: tuple[Mapping[str, Any], ...], name: str) -> Any:
    """Return what a name stands for that is no variable; MISS for nothing, and where a mapping would have to be asked.

    A mapping of the application's may do anything when it is asked, such as a query: `Context.get` asks it once.
    """
    for names in behind:
        if type(names) is not dict:
            return MISS
        if name in names:
            return names[name]
    return MISS


def settled(context: Any, value: Any, path: Any) -> Any:
    """Return what a path stands for, of which the value was looked up."""
    found = stood_for(context, value)
    return path.evaluate(context) if found is MISS else found


def stood_for(context: Any, value: Any) -> Any:
    """Return what a value that was looked up stands for; MISS where its path has to tell that, or what is wrong."""
    if value is MISS:
        return MISS
    watch = context.watch
    if watch.steps < 0:
        watch.look()  # now: up to 32 turns with large values in them may come before the next line that does
    kind = type(value)
    if kind is str or kind is list or kind is dict or kind is tuple:
        if len(value) > LONG:
            watch.steps = -1
        return value
    if kind in KNOWN:
        return context._weighed(value)
    try:
        return context._stood_for(value)
    except (NotExposed, KeyError, TypeError, IndexError):  # which paths take for "not there"
        return MISS


def handed(context: Any, position: int, length: int, path: Any) -> Any:
    """Return what the page has resolved for a path of so many segments."""
    try:
        key, covered = context.positions[position]
        if covered == length:
            return context.handed_over[key]
    except (AttributeError, KeyError):
        pass
    return path.evaluate(context)


def truth(value: Any) -> bool:
    """Return whether a value is true in Liquid."""
    kind = type(value)
    return True if kind in _TRUE else value if kind is bool else is_truthy(value)


def ended(error: Exception, env: Environment, token: Token, *, leaves: bool) -> bool:
    """Return whether a template ends where a node raised, as python-liquid has it; raise what goes on.

    Args:
        error: of the node.
        env: of the template.
        token: of the node.
        leaves: whether a `break` may leave the template.
    """
    if isinstance(error, LiquidInterrupt):
        if leaves:
            raise error
        return end_at(env, error, token)
    if isinstance(error, StopRender):
        return True
    env.error(error, token=token)  # type: ignore[arg-type]
    return False


def filter_of(context: Any, env: Any, name: str) -> Any:
    """Return a filter as it is called."""
    kept = env.guarded_filters.get(name)
    return kept[1] if kept is not None and kept[0] is env.filters.get(name) else context.filter(name, None)


def measured(context: Any, part: Any, left: Any, value: Any) -> None:
    """Accept what a filter made of a value, when one of them may be large, and look at the clock where that is so."""
    part.measure(left, value, context)
    watch = context.watch
    if watch.steps < 0:
        watch.look()


def member(value: Any, key: Any) -> Any:
    """Return a member by a key that was evaluated; MISS where that is more than a look into a list or object."""
    kind = type(value)
    if kind is dict:
        return value[key] if type(key) in _KEYS and key in value else MISS
    if kind is list and type(key) is int and -len(value) <= key < len(value):
        return value[key]
    return MISS


_KEYS: Final = frozenset((str, int))


def items_of(context: Any, value: list[Any], key: str) -> tuple[Any, int]:
    """Return the items of a plain list for a loop without limits, and how many they are."""
    length = len(value)
    context.tag_namespace["stopindex"][key] = length
    return islice(value, 0, length), length


def numbers_of(context: Any, start: int, stop: int, key: str) -> tuple[Any, int]:
    """Return the numbers of a range for a loop without limits, and how many they are."""
    length = stop - start + 1
    context.tag_namespace["stopindex"][key] = length
    return iter(range(start, stop + 1)), length


def gone_through(context: Any, loop: Any, start: Any, stop: Any) -> tuple[Any, int]:
    """Return the numbers of a range whose ends have been evaluated to something else than numbers of the usual size."""
    items, length = loop._to_iter(loop.iterable._make_range(start, stop), context)
    return loop._slice(items, length, context, limit=None, offset=None)  # type: ignore[no-any-return]


def enter(context: Any, names: dict[str, Any], forloop: Any) -> None:
    """Go into a loop, as a `Stretch` does."""
    watch = context.watch
    context.raise_for_loop_limit(forloop.length)
    forloop.it = watch.paced(forloop.it, forloop.length)
    if watch.steps < 0:
        watch.look()
    if context.scope.size() > context.env.context_depth_limit:
        raise too_deep(context)
    context.scope._maps.appendleft(names)
    context.loops.append(forloop)


def leave(context: Any, forloop: Any) -> None:
    """Leave a loop."""
    context.scope._maps.popleft()
    context.loops.pop()
    forloop.it = NO_ITEMS  # a `forloop` may be kept, and with it all that it did not come to


NO_ITEMS: Final = iter(())


def into_template(context: Any, names: Mapping[str, Any]) -> None:
    """Go into a template, as `Context.extend` does."""
    watch = context.watch
    watch.steps -= 1
    if watch.steps < 0:
        watch.look()
    if context.scope.size() > context.env.context_depth_limit:
        raise too_deep(context)
    context.scope._maps.appendleft(names)


def texts(value: Any) -> bool:
    """Return whether a value is a list of few texts that are not long."""
    return (
        type(value) is list and len(value) <= _MANY and set(map(type, value)) == _TEXT and max(map(len, value)) <= _WIDE
    )


_MANY: Final = 64
_WIDE: Final = 256
_TEXT: Final = {str}


def walk(nodes: Sequence[Node], context: RenderContext, buffer: TextIO, env: Environment, *, leaves: bool) -> None:
    """Render nodes as python-liquid does.

    Args:
        nodes: of a template, or those of it that are left.
        context: of the render.
        buffer: what they print to.
        env: of the template.
        leaves: whether a `break` may leave the template.
    """
    for node in nodes:
        try:
            node.render(context, buffer)
        except (LiquidError, LiquidInterrupt, StopRender) as error:
            if ended(error, env, node.token, leaves=leaves):
                break


async def walk_async(
    nodes: Sequence[Node], context: RenderContext, buffer: TextIO, env: Environment, *, leaves: bool
) -> None:
    """Do what `walk` does, awaiting what can be awaited."""
    for node in nodes:
        try:
            await node.render_async(context, buffer)
        except (LiquidError, LiquidInterrupt, StopRender) as error:
            if ended(error, env, node.token, leaves=leaves):
                break
