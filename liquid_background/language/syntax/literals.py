"""Lists and objects that are written out in a template: `[1, x, "a"]` and `{"a": 1, "b": [x]}`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

from liquid import Environment, RenderContext, Token, TokenStream
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.filtered import TernaryFilteredExpression
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_IDENTSTRING, TOKEN_LBRACKET

from liquid_background.errors import ArgumentError
from liquid_background.jobs.handover import is_missing
from liquid_background.wording import a

_KEYS: Final = (str, int, float)


class _Literal(Expression):
    """A list or object; one that stands in another is measured as a part of that.

    `value` is all that a parsed string has, too: the parser takes a literal for one, and `settle` makes it what it is.
    """

    __slots__ = ("value",)
    value: Any

    def evaluate(self, context: RenderContext) -> object:
        """Return a new list or object."""
        return _measured(context, self.build(context))

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return a new list or object, awaiting what can be awaited."""
        return _measured(context, await self.build_async(context))

    @abstractmethod
    def build(self, context: RenderContext) -> object:
        """Return it without measuring it."""

    @abstractmethod
    async def build_async(self, context: RenderContext) -> object:
        """Return it without measuring it."""


class ListLiteral(_Literal):
    """`[1, x, "a"]`."""

    __slots__ = ()
    value: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.value))}]"

    def build(self, context: RenderContext) -> object:
        """Return a new list."""
        return [_item(each, context) for each in self.value]

    async def build_async(self, context: RenderContext) -> object:
        """Return a new list."""
        return [await _item_async(each, context) for each in self.value]

    def children(self) -> list[Expression]:
        """Return the items."""
        return [*self.value]


class ObjectLiteral(_Literal):
    """`{"a": 1, b: x}`."""

    __slots__ = ()
    value: tuple[tuple[str | Path, Expression], ...]

    def __str__(self) -> str:
        return f"{{{', '.join(f'{_shown(key)}: {item}' for key, item in self.value)}}}"

    def build(self, context: RenderContext) -> object:
        """Return a new object."""
        return {
            key if isinstance(key, str) else _key(key, key.evaluate(context)): _item(each, context)
            for key, each in self.value
        }

    async def build_async(self, context: RenderContext) -> object:
        """Return a new object."""
        return {
            key if isinstance(key, str) else _key(key, await key.evaluate_async(context)): await _item_async(
                each, context
            )
            for key, each in self.value
        }

    def children(self) -> list[Expression]:
        """Return the names among the keys, and the values."""
        return [*(key for key, _ in self.value if isinstance(key, Path)), *(each for _, each in self.value)]


class JoinedText(_Literal):
    """`"Dear {{ name }}"` in a list or object: text with the values of expressions in it."""

    __slots__ = ()
    value: tuple[str | Expression, ...]

    def __str__(self) -> str:
        return repr("".join(each if isinstance(each, str) else f"{{{{ {each} }}}}" for each in self.value))

    def build(self, context: RenderContext) -> str:
        """Return the text."""
        return "".join(each if isinstance(each, str) else _text(context, each.evaluate(context)) for each in self.value)

    async def build_async(self, context: RenderContext) -> str:
        """Return the text."""
        return "".join(
            [
                each if isinstance(each, str) else _text(context, await each.evaluate_async(context))
                for each in self.value
            ]
        )

    def children(self) -> list[Expression]:
        """Return the expressions."""
        return [each for each in self.value if isinstance(each, Expression)]


class LonePath(Path):
    """`[name]` or `["name"]` alone: the variable of that name, as in Liquid at large; a list where there is none."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return the variable, or a list."""
        value = super().evaluate(context)
        if not is_missing(value):
            return value
        segment = _in_brackets(self.path[0])
        item = segment.evaluate(context) if isinstance(segment, Path) else segment
        return value if is_missing(item) else _measured(context, [item])

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return the variable, or a list, awaiting what can be awaited."""
        value = await super().evaluate_async(context)
        if not is_missing(value):
            return value
        segment = _in_brackets(self.path[0])
        item = await segment.evaluate_async(context) if isinstance(segment, Path) else segment
        return value if is_missing(item) else _measured(context, [item])


class KeyName(Path):
    """A name as a key: the text or number of the variable of that name, and the name itself where there is none."""

    __slots__ = ()


def _is_lone(part: object) -> bool:
    return isinstance(part, Path) and len(part.path) == 1 and part.token.kind in (TOKEN_IDENTSTRING, TOKEN_LBRACKET)


def _has_default(part: FilteredExpression) -> bool:
    """Return whether a value in brackets says what stands for it where no variable has its name."""
    return part.filters is not None and any(each.name == "default" for each in part.filters[:1]) and _is_lone(part.left)


def _in_brackets(segment: Any) -> Any:
    """Return what stands in brackets, which may be a list, too."""
    return LonePath(segment.token, segment.path) if _is_lone(segment) else segment


class Folded(str):
    """The source of a literal, as the value of a token that stands for it until the expression is parsed."""

    __slots__ = ("kind", "parts")
    kind: type[_Literal]
    parts: tuple[Any, ...]

    @classmethod
    def of(cls, text: str, kind: type[_Literal], parts: tuple[Any, ...]) -> Folded:
        """Return what stands for a literal."""
        made = cls(text)
        made.kind, made.parts = kind, parts
        return made


def is_literal(part: Expression) -> bool:
    """Return whether an expression makes a new list or object each time, or may."""
    return isinstance(part, _Literal | LonePath)


def is_written_list(token: Token) -> bool:
    """Return whether a token stands for a list that is written out."""
    return isinstance(token.value, Folded) and token.value.kind is ListLiteral


def settle(expression: Expression) -> None:
    """Have what was parsed be the literals that stand in it.

    The expression has just been parsed, and the classes take no other room: they are changed where they are.
    """
    left = [expression]
    while left:
        part = left.pop()
        if type(part) is StringLiteral and type(part.value) is Folded:
            folded = part.value
            part.__class__ = folded.kind  # type: ignore[assignment]
            part.value = folded.parts  # type: ignore[assignment]
        elif type(part) is Path:
            if _is_lone(part):
                part.__class__ = LonePath
        elif isinstance(part, FilteredExpression) and _has_default(part):
            left.extend(part.children()[1:])
        else:
            left.extend(part.children())


def parse_expression(env: Environment, stream: TokenStream) -> FilteredExpression | TernaryFilteredExpression:
    """Parse a value with filters, which may be or hold literals.

    Raises:
        LiquidSyntaxError: when it is none.
    """
    expression = FilteredExpression.parse(env, stream)
    settle(expression)
    return expression


def _item(part: Expression, context: RenderContext) -> object:
    return part.build(context) if isinstance(part, _Literal) else _plain(part.evaluate(context))


async def _item_async(part: Expression, context: RenderContext) -> object:
    return await part.build_async(context) if isinstance(part, _Literal) else _plain(await part.evaluate_async(context))


def _plain(value: object) -> object:
    """Return a value as a list or object holds it: undefined is nil there, unless its use is refused."""
    if is_missing(value):
        value.poke()  # type: ignore[attr-defined]
        return None
    return value


def _key(path: Path, value: object) -> str:
    if value is None or is_missing(value):
        return str(path)
    if not isinstance(value, _KEYS):
        message = f"the key `{path}` stands for {a(type(value).__name__)}, and a key is text: put it in quotes"
        raise ArgumentError(message, token=path.token)
    return to_liquid_string(value, False)


def _text(context: RenderContext, value: object) -> str:
    written: Any = getattr(context, "written", None)  # contexts of others have none
    return written(value) if written is not None else to_liquid_string(value, False)


def _shown(key: str | Path) -> str:
    return repr(key) if isinstance(key, str) else str(key)


def _measured(context: RenderContext, value: object) -> object:
    made: Any = getattr(context, "made", None)  # contexts of others have none
    return value if made is None else made(value)
