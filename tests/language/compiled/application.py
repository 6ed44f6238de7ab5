"""Tags and filters as applications have them: they raise, assign, interrupt, want the context, or are awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

from liquid import Markup, Node, RenderContext, Tag, Token, TokenStream
from liquid.exceptions import BreakLoop, ContinueLoop, FilterArgumentError, LiquidTypeError, LiquidValueError
from liquid.filter import with_context
from liquid.token import TOKEN_TAG

from liquid_background import Environment
from tests.language.compiled.given import expose


class _Doing(Node):
    __slots__ = ("what",)

    def __init__(self, token: Token, what: str) -> None:
        super().__init__(token)
        self.what = what

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return _DOES[self.what](context, buffer) or 0


def _raise(error: Exception) -> Callable[..., Any]:
    def does(*_: Any) -> Any:
        raise type(error)(*error.args)

    return does


def _assign(context: RenderContext, _: TextIO) -> None:
    context.assign("a", "by a tag")


def _put(context: RenderContext, _: TextIO) -> None:
    context.locals["s"] = "put by a tag"


def _push(context: RenderContext, buffer: TextIO) -> int:
    with context.extend({"s": "pushed"}):
        return buffer.write(str(context.resolve("s")))


def _break(*_: Any) -> None:
    raise BreakLoop("break")


def _continue(*_: Any) -> None:
    raise ContinueLoop("continue")


def _escape(context: RenderContext, _: TextIO) -> None:
    context.autoescape = not context.autoescape


_DOES: dict[str, Callable[..., Any]] = {
    "value_error": _raise(ValueError("a tag's own")),
    "type_error": _raise(TypeError("a tag's own")),
    "stop_iteration": _raise(StopIteration("a tag's own")),
    "key_error": _raise(KeyError("a tag's own")),
    "assign": _assign,
    "put": _put,
    "push": _push,
    "break": _break,
    "continue": _continue,
    "nothing": lambda *_: 0,
}
DOES = sorted(_DOES)


class DoTag(Tag):
    """`{% do what %}`."""

    name = "do"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        return _Doing(token, stream.current.value.strip())


def _boom(value: Any, kind: str = "value") -> Any:
    raise _ERRORS.get(str(kind), ValueError)("a filter's own")


_ERRORS: dict[str, Any] = {
    "value": ValueError,
    "type": TypeError,
    "stop": StopIteration,
    "key": KeyError,
    "attribute": AttributeError,
    "recursion": RecursionError,
    "liquid": lambda text: LiquidValueError(text, token=None),
    "liquid type": lambda text: LiquidTypeError(text, token=None),
    "argument": lambda text: FilterArgumentError(text, token=None),
}
ERRORS = sorted(_ERRORS)


@with_context
def _seen(value: Any, name: str = "a", *, context: RenderContext) -> str:
    return f"{value} {context.resolve(str(name))}"


@with_context
def _set(value: Any, name: str = "a", *, context: RenderContext) -> Any:
    context.assign(str(name), value)
    return value


class _Later:
    def __call__(self, value: Any, *args: Any) -> str:
        return f"now {value}"

    async def filter_async(self, value: Any, *args: Any) -> str:
        return f"later {value}"


class _Stateful:
    """Counts its calls, so that one too many is seen."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, value: Any, *args: Any, **named: Any) -> str:
        self.calls += 1
        return f"{value}{args}{sorted(named.items())}#{self.calls}"


def install(env: Environment) -> None:
    """Add all of it to an environment."""
    env.ternary_expressions = env.logical_not_operator = env.logical_parentheses = True  # type: ignore[misc]
    env.add_tag(DoTag)
    expose(env)
    env.filters.update(
        boom=_boom,
        seen=_seen,
        set=_set,
        later=_Later(),
        counted=_Stateful(),
        listed=lambda value: [value, value],
        mapped=lambda value: {"x": value},
        iterated=lambda value: iter((value, 1)),
        marked=lambda value: Markup(f"<q>{value}</q>"),
        nothing=lambda value: None,
        object=lambda value: object(),
    )


OWN_FILTERS = ("boom", "seen", "set", "later", "counted", "listed", "mapped", "iterated", "marked", "nothing", "object")

__all__ = ["DOES", "ERRORS", "OWN_FILTERS", "install"]
