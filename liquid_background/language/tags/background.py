"""The `background` tag: parses both forms, and refuses what is wrong whatever the page holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from typing import Final

from liquid import BlockNode, Environment, Node, Tag, Token, TokenStream
from liquid.ast import IllegalNode
from liquid.builtin.expressions import FilteredExpression, Literal, Nil
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.parser import get_parser
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_TAG, TOKEN_WORD

from liquid_background.errors import ArgumentError, NestedTooDeep, TagSyntaxError
from liquid_background.job import MAX_BODY, MAX_NAME, MAX_PARAMETERS
from liquid_background.language.dialect import dialect_in
from liquid_background.language.plan import RUN_ONCE, BodyWalk, Plan, plan_body
from liquid_background.language.strict import tolerate
from liquid_background.language.syntax import (
    OPTIONS,
    Argument,
    is_partial_form,
    parse_arguments,
    parsing,
    slice_body,
    starts_assignment,
)
from liquid_background.language.tags.background_node import TAG_BACKGROUND, TAG_ENDBACKGROUND, BackgroundNode, warn_of
from liquid_background.language.tags.opened import never_closed
from liquid_background.language.tags.writing import parse_target

_END: Final = frozenset((TAG_ENDBACKGROUND,))
_NO_NAME: Final = re.compile(r"\s*=(?!=)")
MAX_NESTED: Final = 5
"""Background blocks in each other: each walks through all that is in it, and its source travels in all around it."""

_depth: ContextVar[int] = ContextVar("background_depth", default=0)  # of the block that is being parsed


class BackgroundTag(Tag):
    """The `background` tag, in both forms."""

    name = TAG_BACKGROUND
    end = TAG_ENDBACKGROUND
    node_class = BackgroundNode

    def __init__(self, env: Environment, hands_over: set[str] | None = None) -> None:
        super().__init__(env)
        self.hands_over = hands_over if hands_over is not None else {"assign", TAG_BACKGROUND}

    def get_node(self, stream: TokenStream) -> Node:
        """Parse the tag; where errors are tolerated, skip exactly what belongs to it."""
        start = stream.pos
        try:
            return self.parse(stream)
        except LiquidError as error:
            token = stream.tokens[start]
            error.token = error.token or token
            self.env.error(error)
            stream.pos = start
            _skip(stream)
            return IllegalNode(token)

    def parse(self, stream: TokenStream) -> Node:
        """Return the node of a block or a partial form."""
        token = stream.eat(TOKEN_TAG)
        expression = stream.current if stream.current.kind == TOKEN_EXPRESSION else None
        if is_partial_form(stream.current):
            return self._parse_partial(stream, token)
        if expression is not None and _NO_NAME.match(expression.value):
            message = "the name that receives the job's id is missing: write `_ = 'name/of/a/partial'`"
            raise TagSyntaxError(message, token=expression)
        arguments = parse_arguments(self.env, stream, token)
        if starts_assignment(stream.current):
            option = arguments.head.current
            raise TagSyntaxError(f"write {option.value}: …, with a colon, for the option", token=option)
        label = arguments.expression(self.env, missing="") if arguments.head.current.kind != TOKEN_EOF else None
        named = self._check(token, arguments.named, label)
        if expression is not None:
            next(stream)
        body = self._parse_body(stream, token)
        if not stream.current.is_tag(TAG_ENDBACKGROUND):
            raise never_closed(token)
        self._refuse_escapes(body, in_loop=False)
        source = slice_body(self.env, token, expression, stream.current)
        if len(source.text) * 4 > MAX_BODY and len(source.text.encode(errors="surrogatepass")) > MAX_BODY:
            raise TagSyntaxError(f"the body is over {MAX_BODY // 1024} KB; move it to a partial", token=token)
        names = [argument.name for argument in named if argument.name not in OPTIONS]
        plan = partial(plan_body, self.env, body.nodes, names, self.hands_over)
        nested = _depth.get() > 0
        return self.node_class(
            token,
            label=label,
            arguments=named,
            plan=plan,
            is_nested=nested,
            body=body,
            source=source,
            known=dialect_in(self.env).options,
        )

    def _parse_body(self, stream: TokenStream, token: Token) -> BlockNode:
        depth = _depth.get()
        if depth >= MAX_NESTED:
            message = f"the template is nested too deep: at most {MAX_NESTED} background blocks in each other"
            raise NestedTooDeep(message, token=token)
        outer = _depth.set(depth + 1)
        try:
            return get_parser(self.env).parse_block(stream, _END)
        finally:
            _depth.reset(outer)

    def _parse_partial(self, stream: TokenStream, token: Token) -> Node:
        arguments = parse_arguments(self.env, stream, token)
        first = arguments.head.current
        if first.kind != TOKEN_WORD:
            raise TagSyntaxError(f"'{first.value}' cannot name a variable", token=first)
        target = parse_target(self.env, arguments.head)
        name = arguments.partial(self.env)
        return self.node_class(
            token,
            label=None,
            arguments=self._check(token, arguments.named, None),
            plan=lambda: Plan((), {}, ()),
            target=target,
            partial=name,
            known=dialect_in(self.env).options,
        )

    def _check(self, token: Token, given: Sequence[Argument], label: Expression | None) -> list[Argument]:
        """Refuse what is wrong whatever the page holds; return the arguments that count where that is tolerated."""
        named: dict[str, Argument] = {}
        for argument in given:
            if argument.name in named:
                self._error(f"argument '{argument.name}' is given twice", argument.token)
            if len(argument.name) > MAX_NAME:
                message = f"the parameter name '{argument.name[:20]}…' has {len(argument.name)} characters"
                self._error(f"{message}; at most {MAX_NAME} are allowed", argument.token)
            else:
                named[argument.name] = argument  # the last one counts
            if argument.name in OPTIONS:
                self._check_literal(argument.name, argument.value)
        if label is not None and "source_name" not in named:
            self._check_literal("source_name", label)
        parameters = [argument for argument in named.values() if argument.name not in OPTIONS]
        if len(parameters) > MAX_PARAMETERS:
            message = f"{len(parameters)} parameters are given; at most {MAX_PARAMETERS} are allowed: pass one object"
            self._error(message, parameters[MAX_PARAMETERS].token)
        return list(named.values())

    def _error(self, message: str, token: Token) -> None:
        tolerate(self.env, ArgumentError(message, token=token, template_name=parsing.get()))

    def _check_literal(self, name: str, expression: Expression) -> None:
        if not isinstance(expression, FilteredExpression) or expression.filters:
            return
        if isinstance(expression.left, Literal | Nil):
            value = expression.left.value if isinstance(expression.left, Literal) else None
            option = dialect_in(self.env).options[name]
            try:
                option.read(value)
            except ValueError:
                self._error(option.complaint(value), expression.left.token)
            else:
                warn_of(option.remark(value), parsing.get(), expression.left.token)

    def _refuse_escapes(self, node: Node, *, in_loop: bool) -> None:
        """Refuse a `break` or `continue` that would leave the body."""
        if isinstance(node, BreakNode | ContinueNode) and not in_loop:
            word = node.token.value
            message = f"'{word}' would leave the background block, which runs alone: {{% return %}} ends it"
            raise TagSyntaxError(message, token=node.token)
        if not isinstance(node, BackgroundNode):  # a nested block has been checked when it was parsed
            for child in BodyWalk(self.env, (), frozenset()).children(node):
                self._refuse_escapes(child, in_loop=in_loop or not isinstance(node, RUN_ONCE))


def _skip(stream: TokenStream) -> None:
    """Move a stream from an opening tag to its end tag, or to the end of a partial form."""
    depth = 0
    while stream.current.kind != TOKEN_EOF:
        if stream.current.is_tag(TAG_BACKGROUND) and not is_partial_form(stream.peek):
            depth += 1
        elif stream.current.is_tag(TAG_ENDBACKGROUND):
            depth -= 1
        if not depth:
            if stream.peek.kind == TOKEN_EXPRESSION:
                next(stream)
            return
        next(stream)


def blocks_only(tokens: list[Token]) -> list[Token]:
    """Return the tokens without the background tags that have no end tag."""
    following = [*tokens[1:], tokens[-1]] if tokens else []
    return [
        token
        for token, after in zip(tokens, following, strict=True)
        if not (token.kind == TOKEN_TAG and token.value == "background" and is_partial_form(after))
    ]
