"""Dialects: sets of forms beyond standard Liquid. One is built above this room, and handed to an environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Final

from liquid import Environment, Tag, Token
from liquid.exceptions import BreakLoop, LiquidInterrupt
from liquid.expression import Expression

from liquid_background.errors import SettingsError, TagSyntaxError
from liquid_background.jobs.sizes import MadeDict
from liquid_background.language.syntax import OPTIONS, Option, show, token_in
from liquid_background.nearest import nearest

_SHIPPED: Final = {"platformos": "liquid_background.platformos:PLATFORMOS"}
"""Where the dialects are that come with this package, by name: loaded when one is asked for."""


def no_places(_name: str, _tag: str) -> Iterator[str]:
    """Yield no place: where templates are is the site's own rule alone."""
    yield from ()


def no_filters(_hook: str, _function: Callable[..., Any]) -> Mapping[str, Callable[..., Any]]:
    """Return no filter: what an application gives is for tags."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a dialect brings to an environment.

    Attributes:
        name: as the setting DIALECT has it; empty for standard Liquid.
        tags: what it adds to an environment's tags.
        hands_over: those of them whose arguments are hand-over positions inside a body.
        filters: what it adds to an environment's filters, by name.
        hooks: names of what only the application can know, given with `Environment.provide`.
        hooked_filters: returns the filters, by name, that a function is given for under one of those names.
        options: the options of jobs, with the ranges that it has for them.
        breaks: whether a `break` outside a loop ends the template that it stands in, or the page that includes it.
        brackets_are_lists: whether a name alone in brackets is a list where a value may be, and no variable.
        settle: is given each expression of a parsed template, and makes another class of one that it reads otherwise.
        lookup: yields more places where a tag finds a template, after the site's own: paths in the site's folder,
            without their endings, for a name and a tag.
    """

    name: str = ""
    tags: tuple[type[Tag], ...] = ()
    hands_over: frozenset[str] = frozenset()
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    hooks: tuple[str, ...] = ()
    hooked_filters: Callable[[str, Callable[..., Any]], Mapping[str, Callable[..., Any]]] = no_filters
    options: Mapping[str, Option] = field(default_factory=lambda: OPTIONS)
    breaks: bool = False
    brackets_are_lists: bool = False
    settle: Callable[[Expression], None] | None = None
    lookup: Callable[[str, str], Iterator[str]] = no_places


STANDARD: Final = Dialect()
"""Standard Liquid."""


def dialect_of(given: Dialect | str) -> Dialect:
    """Return a dialect, or the one of a name that comes with this package; "" is standard Liquid.

    Raises:
        SettingsError: when there is none of that name, or it is neither.
    """
    if isinstance(given, Dialect):
        return given
    if given == "":
        return STANDARD
    if isinstance(given, str) and given in _SHIPPED:
        found = resolve_name(_SHIPPED[given])
        assert isinstance(found, Dialect)
        return found
    near = nearest(given, _SHIPPED) if isinstance(given, str) else ""
    hint = f"did you mean {near!r}?" if near else f"dialects are {', '.join(map(repr, _SHIPPED))}"
    raise SettingsError(f"dialect is {show(given)}, which is none: {hint}")


def dialect_in(env: object) -> Dialect:
    """Return the dialect of an environment, which may be plain python-liquid's."""
    found = getattr(env, "dialect", STANDARD)
    return found if isinstance(found, Dialect) else STANDARD


def new_exports() -> MadeDict:
    """Return what `export` writes into for one page: of a kind that no application gives."""
    made = MadeDict()
    made.weight, made.levels = 0, 1
    return made


def end_at(env: Environment, error: LiquidInterrupt, token: Token) -> bool:
    """Return whether a template ends where a `break` or `continue` came out of it, or have the environment refuse it.

    Args:
        env: of the template.
        error: what came out.
        token: of the node that it came out of.

    Raises:
        TagSyntaxError: at the tag's own line, where the dialect does not let it end the template and errors count.
    """
    if isinstance(error, BreakLoop) and dialect_in(env).breaks:
        return True
    own, name = token_in(error.__traceback__)
    message = f"'{error}' stands in no loop: {{% return %}} ends a template"
    refusal = TagSyntaxError(message, token=own or token, template_name=name or None)
    # It goes on from the way that the interrupt came, so that its trace names each tag on it.
    env.error(refusal.with_traceback(error.__traceback__), token=own or token)
    return False
