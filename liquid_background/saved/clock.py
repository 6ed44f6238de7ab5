"""Whether a template tells the time: what it prints then is another text each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from liquid import Environment, Node
from liquid.builtin.expressions import Path
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from liquid_background.language.plan import BodyWalk
from liquid_background.lint import given_to

_TIMES: Final = frozenset(("now", "today"))
_MOST: Final = 100  # partials that are looked into


def tells_time(environment: Environment, nodes: Iterable[Node]) -> bool:
    """Return whether nodes, or the partials that they name, read `now` or `today`."""
    seen: set[str] = set()
    left = [*nodes]
    walk = BodyWalk(environment, (), frozenset())
    while left:
        node = left.pop()
        if any(_is_time(part) for expression in node.expressions() for part in _parts(expression)):
            return True
        left.extend(walk.children(node))
        name = given_to(node)
        if name and name not in seen and len(seen) < _MOST:
            seen.add(name)
            left.extend(_partial(environment, name))
    return False


def _partial(environment: Environment, name: str) -> Iterable[Node]:
    try:
        return environment.get_template(name, tag="include").nodes
    except LiquidError:
        return ()


def _parts(expression: Expression) -> Iterator[Expression]:
    left = [expression]
    while left:
        current = left.pop()
        yield current
        left.extend(current.children())


def _is_time(part: Expression) -> bool:
    if isinstance(part, StringLiteral):
        return part.value in _TIMES
    return isinstance(part, Path) and part.path[0] in _TIMES
