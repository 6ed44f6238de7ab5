"""`{% graphql result = 'name', argument: value %}` asks the function that the application gives for queries.

Filters behind the last argument are of the result: `graphql people = 'search', page: 1 | fetch: 'users'`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import Any, TextIO, cast

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import BlockNode
from liquid.builtin.expressions import Filter, FilteredExpression, Identifier, parse_identifier
from liquid.expression import Expression
from liquid.parser import get_parser
from liquid.token import TOKEN_ASSIGN, TOKEN_EOF, TOKEN_TAG

from liquid_background.calling import call, call_async
from liquid_background.errors import ArgumentError, NotPlain, TagSyntaxError
from liquid_background.jobs.handover import decode, is_missing
from liquid_background.language.filters import made
from liquid_background.language.syntax import Argument, parse_arguments, parsing, show, starts_assignment
from liquid_background.language.tags.capture import OpenNode
from liquid_background.language.tags.collector import collecting, collector_of
from liquid_background.language.tags.opened import never_closed
from liquid_background.language.tags.passing import PassingNode, encode_passed, plain_instead

TAG_GRAPHQL = "graphql"
_END = "endgraphql"
_ARGS = "args"  # an object of arguments


class _GraphqlNode(PassingNode):
    __slots__ = ("arguments", "block", "filters", "query", "target", "template")

    def __init__(
        self,
        token: Token,
        target: Identifier,
        arguments: Sequence[Argument],
        filters: Sequence[Filter],
        query: Expression | None = None,
        block: BlockNode | None = None,
    ) -> None:
        super().__init__(token)
        self.target = target
        self.arguments = arguments
        self.filters = filters
        self.query = query
        self.block = block
        self.template = parsing.get()

    def __str__(self) -> str:
        if self.block is not None:
            return f"{{% graphql {self.target} %}}{self.block}{{% endgraphql %}}"
        return f"{{% graphql {self.target} = {self.query} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Run the query; print nothing."""
        function = self._function(context)
        named = {argument.name: argument.value.evaluate(context) for argument in self.arguments}
        name = self._name(self.query.evaluate(context)) if self.query is not None else ""
        text = StringIO() if self.block is None else context.get_buffer(buffer)
        if self.block is not None:
            self.block.render(context, text)
        with collecting(collector_of(context, self.token)):
            found = call(function, args=(name, self._plain(context, named), text.getvalue()))
        result = self._result(context, found)
        for each in self.filters:
            result = each.evaluate(result, context)
        context.assign(self.target, result)
        return 0

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Run the query without holding up the event loop; print nothing."""
        function = self._function(context)
        named = {argument.name: await argument.value.evaluate_async(context) for argument in self.arguments}
        name = self._name(await self.query.evaluate_async(context)) if self.query is not None else ""
        text = StringIO() if self.block is None else context.get_buffer(buffer)
        if self.block is not None:
            await self.block.render_async(context, text)
        with collecting(collector_of(context, self.token)):
            found = await call_async(function, args=(name, self._plain(context, named), text.getvalue()))
        result = self._result(context, found)
        for each in self.filters:
            result = await each.evaluate_async(result, context)
        context.assign(self.target, result)
        return 0

    def _function(self, context: RenderContext) -> Callable[..., Any]:
        provided: dict[str, Callable[..., Any]] = getattr(context.env, "provided", {})
        if TAG_GRAPHQL not in provided:
            raise self._error(
                "the application answers no graphql: give it a function with "
                "engine.environment.provide('graphql', function); see docs/porting.md"
            )
        return provided[TAG_GRAPHQL]

    def _name(self, value: object) -> str:
        if isinstance(value, str) and value.strip():
            return str(value)
        shown = "nil" if value is None or is_missing(value) else show(value)
        raise self._error(f"the query to run is {shown}; it must be the name of one", self.query)

    def _plain(self, context: RenderContext, named: dict[str, object]) -> dict[str, Any]:
        """Return copies of the arguments, as plain data; those in `args` are the first ones."""
        plain: dict[str, Any] = {}
        for argument in self.arguments:
            value = named[argument.name]
            try:
                plain[argument.name] = decode(encode_passed(context, None if is_missing(value) else value))
            except NotPlain as reason:
                message = f"'{argument.name}' {reason}: {plain_instead(context, value)}"
                raise self._error(message, argument.value) from reason
        given = plain.pop(_ARGS, None)
        if given is not None and not isinstance(given, dict):
            raise self._error(f"'args' is {show(given)}; it must be an object of arguments")
        return {**(given or {}), **plain}

    def _result(self, context: RenderContext, found: object) -> object:
        try:
            return made(context.env, decode(encode_passed(context, found)))
        except NotPlain as reason:
            raise self._error(f"the result of graphql {reason}: have the function return plain values") from reason

    def _error(self, message: str, at: Expression | None = None) -> ArgumentError:
        return ArgumentError(message, token=at.token if at else self.token, template_name=self.template)

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Return the block with the query's text."""
        return [self.block] if self.block is not None else []

    def expressions(self) -> Iterable[Expression]:
        """Return the name's and the arguments' expressions, and those of the result's filters."""
        if self.query is not None:
            yield self.query
        yield from (argument.value for argument in self.arguments)
        for each in self.filters:
            yield from each.children()

    def template_scope(self) -> Iterable[Identifier]:
        """Return the name that receives the result."""
        yield self.target


class GraphqlNode(OpenNode, _GraphqlNode):
    """A query, by its name or with its text in a block."""

    __slots__ = ()


class GraphqlTag(Tag):
    """`{% graphql result = 'name', … %}` or `{% graphql result, … %} query {% endgraphql %}`."""

    name = TAG_GRAPHQL
    block = False  # only one of its forms is

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        by_name = starts_assignment(stream.current)
        arguments = parse_arguments(self.env, stream, token)
        if arguments.head.current.kind == TOKEN_EOF:
            message = "'graphql' needs the name of a variable for its result, as in {% graphql found = 'search' %}"
            raise TagSyntaxError(message, token=token)
        target = parse_identifier(self.env, arguments.head)
        named = list(arguments.named)
        if by_name:
            arguments.head.eat(TOKEN_ASSIGN)
            query = arguments.expression(self.env, missing="the name of a query is missing")
            filters: list[Filter] = []
            if named:
                named[-1], filters = _split_argument(named[-1])
            else:
                query, filters = _split(query)
            return GraphqlNode(token, target, named, filters, query=query)
        arguments.head.eat(TOKEN_EOF)
        next(stream)
        block = get_parser(self.env).parse_block(stream, frozenset((_END, TOKEN_EOF)))
        if not stream.current.is_tag(_END):
            raise never_closed(token)
        return GraphqlNode(token, target, named, (), block=block)


def _split_argument(argument: Argument) -> tuple[Argument, list[Filter]]:
    value, filters = _split(argument.value)
    return Argument(argument.name, value, argument.token), filters


def _split(expression: Expression) -> tuple[Expression, list[Filter]]:
    """Return an expression without its filters, and those."""
    if isinstance(expression, FilteredExpression) and expression.filters:
        return FilteredExpression(expression.token, expression.left), cast(list[Filter], expression.filters)
    return expression, []
