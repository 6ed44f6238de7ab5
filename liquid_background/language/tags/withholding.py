"""What the setting NEVER_SHIP keeps back at tags: values by their paths on the page, and by what is inside of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from liquid import RenderContext, Token
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.expression import Expression

from liquid_background.errors import HandOverError
from liquid_background.jobs.handover import is_missing
from liquid_background.language.strict import tolerate
from liquid_background.language.syntax import ListLiteral, ObjectLiteral, line_of
from liquid_background.language.tags.collector import collector_of
from liquid_background.language.tags.recognising import recognised_in
from liquid_background.withheld import NOTHING, Found, Name, NeverShip


class Passed(NamedTuple):
    """One value that a tag passes on."""

    what: str  # in a message, such as "parameter 'to'"
    expression: Expression
    value: object
    token: Token
    names: tuple[str, ...] = ()  # what it is called where it goes, if that is another name than on the page


def never_ship_in(context: RenderContext) -> NeverShip:
    """Return the patterns that hold where a tag renders."""
    found: NeverShip = getattr(context.env, "never_ship", NOTHING)
    return found


def withholds(context: RenderContext, token: Token, template: str, passed: Iterable[Passed]) -> bool:
    """Return whether something that a tag passes on is never shipped. Then nothing of the tag may be sent.

    Where errors of tags are tolerated, that is a line in the job log, and where they are warned of a warning, too.

    Raises:
        HandOverError: in STRICT mode.
    """
    for each in passed:
        found = None if is_missing(each.value) else _found(context, each)
        if found:
            error = refusal(each.what, found, each.token, template)
            tolerate(context.env, error)
            message = f"nothing is sent of '{token.value}': {error.args[0]}"
            collector_of(context, token).log(message, type="error", template=template, line=line_of(token), token=token)
            return True
    return False


def refusal(what: str, found: Found, token: Token, template: str) -> HandOverError:
    """Return the error about a value that is never shipped.

    Args:
        what: passes it on, such as "parameter 'to'".
        found: the value.
        token: where that stands.
        template: in which.
    """
    message = f"{what}: `{found.path}` is never shipped, as NEVER_SHIP has {found.pattern}: pass its id, or a part"
    return HandOverError(message, token=token, template_name=template)


def _found(context: RenderContext, passed: Passed) -> Found | None:
    never_ship = never_ship_in(context)
    is_written = True
    for path, value in _sources(passed.expression, passed.value):
        is_written = False
        found = never_ship.search(_names(context, path), value)
        if found:
            return found
    found = never_ship.search(passed.names, passed.value)
    return found if found or is_written else recognised_in(context, never_ship).find(passed.value)


def _sources(expression: Expression, value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the paths that an expression is made of, each with what came of it: of more than one path, all together."""
    if isinstance(expression, FilteredExpression) and not expression.filters:
        expression = expression.left
    if isinstance(expression, ListLiteral) and isinstance(value, list) and len(value) == len(expression.value):
        for part, item in zip(expression.value, value, strict=True):
            yield from _sources(part, item)
    elif isinstance(expression, ObjectLiteral) and isinstance(value, dict) and len(value) == len(expression.value):
        for (_, part), item in zip(expression.value, value.values(), strict=True):
            yield from _sources(part, item)
    else:
        yield from ((path, value) for path in paths_in(expression))


def paths_in(expression: Expression) -> Iterator[Path]:
    """Yield the paths of an expression, its filters' arguments and conditions too, without those in brackets."""
    left = [expression]
    while left:
        current = left.pop()
        if isinstance(current, Path):
            yield current
        else:
            left.extend(reversed([*current.children()]))


def _names(context: RenderContext, path: Path) -> list[Name]:
    """Return the names of a path here and now; None for a bracket that cannot be told, which may be any name."""
    parts: Iterable[Any] = path.path
    return [part if isinstance(part, str | int) else _name(part.evaluate(context)) for part in parts]


def _name(value: Any) -> Name:
    return None if is_missing(value) or not isinstance(value, str | int) else value
