"""`{% function result = 'partial', name: value %}` calls a partial; `{% return value %}` answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from liquid import BoundTemplate, Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import Partial, PartialScope
from liquid.builtin.expressions import FilteredExpression, Identifier, KeywordArgument, Nil
from liquid.exceptions import LiquidInterrupt, TemplateNotFoundError
from liquid.expression import Expression
from liquid.output import NullIO
from liquid.token import TOKEN_ASSIGN, TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_TAG, TOKEN_WORD

from liquid_background.language.dialect import end_at
from liquid_background.language.filters import check_text
from liquid_background.language.syntax import parse_arguments, parsing
from liquid_background.language.tags.partials import Return, noting_way_in
from liquid_background.language.tags.passing import PassingNode

TAG_FUNCTION: Final = "function"
TAG_RETURN: Final = "return"


class ReturnNode(Node):
    """A `return`."""

    __slots__ = ("expression",)

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token)
        self.expression = expression

    def __str__(self) -> str:
        return f"{{% return {self.expression} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Leave the partial with a value."""
        raise Return(self.expression.evaluate(context))

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Leave the partial with a value."""
        raise Return(await self.expression.evaluate_async(context))

    def expressions(self) -> Iterable[Expression]:
        """Return the value's expression."""
        yield self.expression


class ReturnTag(Tag):
    """`{% return %}` or `{% return value | filter %}`."""

    name = TAG_RETURN
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.expect(TOKEN_TAG)
        if stream.peek.kind != TOKEN_EXPRESSION:
            return ReturnNode(token, Nil(token))
        next(stream)
        inner = stream.into_inner(tag=token, eat=False)
        return ReturnNode(token, FilteredExpression.parse(self.env, inner))


class FunctionNode(PassingNode):
    """A call of a partial in a scope of its own, for its returned value."""

    __slots__ = ("args", "name", "target", "template")

    def __init__(self, token: Token, target: Identifier, name: Expression, args: list[KeywordArgument]) -> None:
        super().__init__(token)
        self.target = target
        self.name = name
        self.args = args
        self.template = parsing.get()

    def __str__(self) -> str:
        return f"{{% function {self.target} = {self.name} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Call the partial; assign what it returns, nil when it returns nothing."""
        with noting_way_in(self.token, self.template):
            try:
                name = _name(context, self.name.evaluate(context))
                template = context.env.get_template(name, context=context, tag=TAG_FUNCTION)
            except TemplateNotFoundError as error:
                raise self._not_found(error) from error
            scope = self._scope(context, template, {arg.name: arg.value.evaluate(context) for arg in self.args})
            value = None
            try:
                template.render_with_context(scope, NullIO(), partial=True, block_scope=False)
            except Return as returned:
                value = returned.value
            except LiquidInterrupt as error:
                end_at(context.env, error, self.token)
            context.assign(self.target, value)
        return 0

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Call the partial; assign what it returns, nil when it returns nothing."""
        with noting_way_in(self.token, self.template):
            try:
                name = _name(context, await self.name.evaluate_async(context))
                template = await context.env.get_template_async(name, context=context, tag=TAG_FUNCTION)
            except TemplateNotFoundError as error:
                raise self._not_found(error) from error
            values = {arg.name: await arg.value.evaluate_async(context) for arg in self.args}
            value = None
            try:
                scope = self._scope(context, template, values)
                await template.render_with_context_async(scope, NullIO(), partial=True, block_scope=False)
            except Return as returned:
                value = returned.value
            except LiquidInterrupt as error:
                end_at(context.env, error, self.token)
            context.assign(self.target, value)
        return 0

    def _not_found(self, error: TemplateNotFoundError) -> TemplateNotFoundError:
        error.token = self.name.token
        error.template_name = self.template
        return error

    def _scope(self, context: RenderContext, template: BoundTemplate, values: dict[str, object]) -> RenderContext:
        return context.copy(values, carry_loop_iterations=True, template=template)

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Return the partial's nodes."""
        if include_partials:
            name = str(self.name.evaluate(static_context))
            yield from static_context.env.get_template(name, context=static_context, tag=TAG_FUNCTION).nodes

    def expressions(self) -> Iterable[Expression]:
        """Return the name's and the arguments' expressions."""
        yield self.name
        yield from (arg.value for arg in self.args)

    def template_scope(self) -> Iterable[Identifier]:
        """Return the name that receives the value."""
        yield self.target

    def partial_scope(self) -> Partial:
        """Return the partial's scope: isolated, with the arguments."""
        names = [Identifier(arg.name, token=arg.token) for arg in self.args]
        return Partial(name=self.name, scope=PartialScope.ISOLATED, in_scope=names)


def _name(context: RenderContext, value: object) -> str:
    check_text(context.env, "a template's name", value)
    return str(value)


class FunctionTag(Tag):
    """`{% function name = 'partial', argument: value | filter, … %}`."""

    name = TAG_FUNCTION
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        stream.expect(TOKEN_EXPRESSION)
        arguments = parse_arguments(self.env, stream, token)
        target = arguments.head.eat(TOKEN_WORD)
        arguments.head.eat(TOKEN_ASSIGN)
        name = arguments.expression(self.env, missing="the name of a partial is missing")
        arguments.head.eat(TOKEN_EOF)
        named = [KeywordArgument(item.token, item.name, item.value) for item in arguments.named]
        return FunctionNode(token, Identifier(target.value, token=target), name, named)
