"""`include` and `render` with filters in their arguments, and the way in to a partial named in its errors."""

from __future__ import annotations

from typing import Any, Final, TextIO

from liquid import BoundTemplate, Environment, Node, RenderContext, Token, TokenStream
from liquid.builtin.expressions import (
    Identifier,
    KeywordArgument,
    Path,
    parse_identifier,
    parse_primitive,
    parse_string_or_path,
)
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.tags import include_tag, render_tag
from liquid.exceptions import LiquidError, LiquidInterrupt, LiquidSyntaxError, StopRender, TemplateNotFoundError
from liquid.expression import Expression
from liquid.token import (
    TOKEN_AS,
    TOKEN_COMMA,
    TOKEN_EOF,
    TOKEN_FOR,
    TOKEN_TAG,
    TOKEN_WITH,
    TOKEN_WORD,
)

from liquid_background.language.exposed import Exposure, as_items
from liquid_background.language.filters import check_text
from liquid_background.language.syntax import line_of, parse_arguments, parsing, token_in
from liquid_background.language.tags.passing import PassingNode


class Return(Exception):
    """Carries a returned value to the function that was called; ends a template that nobody called."""

    def __init__(self, value: object) -> None:
        super().__init__("return outside a function")
        self.value = value


_WAY_IN: Final = {"include": "included from", "render": "rendered from", "function": "called from"}


class noting_way_in:  # noqa: N801  used as a function; a generator would take three times as long
    """Add to an error from inside a partial which tag of which template led there."""

    __slots__ = ("_template", "_token")

    def __init__(self, token: Token, template: str) -> None:
        self._token = token
        self._template = template

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        note_way_in(error, self._token, self._template)


def note_way_in(error: BaseException | None, token: Token, template: str) -> None:
    """Add to an error, if it is one from inside a partial, which tag of which template led there."""
    if not isinstance(error, Exception) or isinstance(error, LiquidInterrupt | StopRender | Return):
        return
    where = error.token if isinstance(error, LiquidError) else token_in(error.__traceback__)[0]
    if where is not None and where.source is not token.source:
        error.add_note(f"{_WAY_IN.get(token.value, 'rendered from')} {template}:{line_of(token)}")


class _RowsPath(Path):
    """What a partial is rendered for: a list, where it is a query's rows."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return what it stands for."""
        return self._listed(context, super().evaluate(context))

    async def evaluate_async(self, context: RenderContext) -> object:
        """Return what it stands for."""
        return self._listed(context, await super().evaluate_async(context))

    def _listed(self, context: RenderContext, value: object) -> object:
        exposure: Exposure = context.env.exposure  # type: ignore[attr-defined]
        return exposure.listed(value)


class _EachPath(_RowsPath):
    """What a partial is rendered for one by one."""

    __slots__ = ()

    def _listed(self, context: RenderContext, value: object) -> object:
        return as_items(super()._listed(context, value))


class _WayInNode(PassingNode):
    """Renders as the node class beside it does, and names itself in the errors of its partial."""

    __slots__ = ()
    template: str  # the one that this node stands in
    name: Any
    tag: str

    def note(self, error: BaseException) -> None:
        """Name itself in an error."""
        note_way_in(error, self.token, self.template)

    def found(self, context: RenderContext) -> BoundTemplate:
        """Return the partial, which the tag names itself."""
        try:
            return context.env.get_template(self.name.value, context=context, tag=self.tag)
        except TemplateNotFoundError as error:
            self._place(error, context)
            raise

    async def found_async(self, context: RenderContext) -> BoundTemplate:
        """Return the partial, which the tag names itself."""
        try:
            return await context.env.get_template_async(self.name.value, context=context, tag=self.tag)
        except TemplateNotFoundError as error:
            self._place(error, context)
            raise

    def _place(self, error: TemplateNotFoundError, context: RenderContext) -> None:
        """Have an error say where the partial was named."""
        error.token, error.template_name = self.name.token, context.template.full_name()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the partial."""
        with noting_way_in(self.token, self.template):
            return super().render_to_output(context, buffer)  # type: ignore[safe-super]

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the partial."""
        with noting_way_in(self.token, self.template):
            return await super().render_to_output_async(context, buffer)


class IncludeNode(_WayInNode, include_tag.IncludeNode):
    """An include that knows its template, and makes no name of what is far too large for one."""

    __slots__ = ("template",)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the partial."""
        if type(self.name) is not StringLiteral:
            check_text(context.env, "a template's name", self.name.evaluate(context))
        return super().render_to_output(context, buffer)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the partial."""
        if type(self.name) is not StringLiteral:
            check_text(context.env, "a template's name", await self.name.evaluate_async(context))
        return await super().render_to_output_async(context, buffer)


class RenderNode(_WayInNode, render_tag.RenderNode):
    """A render that knows its template."""

    __slots__ = ("template",)


class IncludeTag(include_tag.IncludeTag):
    """`{% include 'name' [with|for value [as name]], name: value | filter, … %}`."""

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        head, arguments = parse_head(self.env, stream, token)
        name = parse_string_or_path(self.env, head)
        var, alias, _ = _parse_binding(self.env, head)
        node = IncludeNode(token, name, var, alias, arguments)
        node.template = parsing.get()
        return node


class RenderTag(render_tag.RenderTag):
    """`{% render 'name' [with|for value [as name]], name: value | filter, … %}`."""

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        head, arguments = parse_head(self.env, stream, token)
        name: StringLiteral | Identifier
        if head.current.kind == TOKEN_WORD:
            name = parse_identifier(self.env, head)  # a template that a {% snippet %} made
        else:
            literal = parse_primitive(self.env, head)
            if not isinstance(literal, StringLiteral):
                raise LiquidSyntaxError("expected the name of a partial in quotes", token=literal.token)
            name = literal
        var, alias, loop = _parse_binding(self.env, head)
        node = RenderNode(token, name, var=var, loop=loop, alias=alias, args=arguments)
        node.template = parsing.get()
        return node


def parse_head(env: Environment, stream: TokenStream, token: Token) -> tuple[TokenStream, list[KeywordArgument]]:
    """Return what stands before the named arguments, and those as python-liquid's own nodes take them."""
    stream.expect("expression")
    arguments = parse_arguments(env, stream, token)
    return arguments.head, [KeywordArgument(item.token, item.name, item.value) for item in arguments.named]


def _parse_binding(env: Environment, head: TokenStream) -> tuple[Expression | None, Identifier | None, bool]:
    """Return (value, alias, whether it loops) of `with value as alias` or `for values as alias`."""
    var: Path | None = None
    alias: Identifier | None = None
    loop = head.current.kind == TOKEN_FOR
    if head.current.kind in (TOKEN_WITH, TOKEN_FOR):
        next(head)
        head.expect(TOKEN_WORD)
        var = Path.parse(env, head)
        var = (_EachPath if loop else _RowsPath)(var.token, var.path)
        if head.current.kind == TOKEN_AS:
            next(head)
            head.expect(TOKEN_WORD)
            alias = parse_identifier(env, head)
    if head.current.kind == TOKEN_COMMA:
        next(head)
    head.eat(TOKEN_EOF)
    return var, alias, loop
