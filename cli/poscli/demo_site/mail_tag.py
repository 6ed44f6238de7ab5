"""`{% send_mail to: address, subject: text %}body{% endsend_mail %}`: an application's own tag."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import TextIO

from liquid import BlockNode, Environment, Node, RenderContext, Tag, Token, TokenStream
from liquid.exceptions import LiquidTypeError
from liquid.expression import Expression
from liquid.parser import get_parser
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_TAG

from liquid_background import parse_arguments
from liquid_background.language.syntax import Argument
from poscli.demo_site.effects import Outbox


class SendMailNode(Node):
    """A mail that is sent when the tag renders."""

    __slots__ = ("arguments", "body", "outbox")

    def __init__(self, token: Token, arguments: tuple[Argument, ...], body: BlockNode, outbox: Outbox) -> None:
        super().__init__(token)
        self.arguments = arguments
        self.body = body
        self.outbox = outbox

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Send the mail; print nothing."""
        values = {argument.name: argument.value.evaluate(context) for argument in self.arguments}
        to = to_liquid_string(values.get("to"), False)
        if "@" not in to:
            raise LiquidTypeError(f"send_mail: 'to' is {to!r}, not an address", token=self.token)
        text = StringIO()
        self.body.render(context, text)
        self.outbox.send(to, to_liquid_string(values.get("subject"), False), text.getvalue())
        return 0

    def expressions(self) -> Iterable[Expression]:
        """Return the arguments' expressions."""
        return (argument.value for argument in self.arguments)

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Return the body."""
        yield self.body


class SendMailTag(Tag):
    """Gives its nodes the outbox of the application."""

    name = "send_mail"
    end = "endsend_mail"

    def __init__(self, env: Environment, outbox: Outbox) -> None:
        super().__init__(env)
        self.outbox = outbox

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the end tag."""
        token = stream.eat(TOKEN_TAG)
        arguments = parse_arguments(self.env, stream, token)
        next(stream)
        body = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return SendMailNode(token, arguments.named, body, self.outbox)
