"""`{% parse_json name %} … {% endparse_json %}` assigns what the JSON says that its block prints."""

from __future__ import annotations

from io import StringIO

from liquid import RenderContext, Token, TokenStream
from liquid.ast import BlockNode
from liquid.builtin.expressions import Identifier
from liquid.builtin.tags import capture_tag
from liquid.parser import get_parser
from liquid.token import TOKEN_TAG

from liquid_background.errors import ArgumentError
from liquid_background.language.syntax import parsing
from liquid_background.language.tags.capture import CaptureNode
from liquid_background.language.tags.opened import never_closed
from liquid_background.platformos.json import read_json
from liquid_background.platformos.tags.names import parse_name


class ParseJsonNode(CaptureNode):
    """A block whose output is read as JSON."""

    __slots__ = ("template",)

    def __init__(self, token: Token, name: Identifier, block: BlockNode) -> None:
        super().__init__(token, name, block)
        self.template = parsing.get()

    def __str__(self) -> str:
        return f"{{% parse_json {self.name} %}}{self.block}{{% endparse_json %}}"

    def _assign(self, context: RenderContext, buf: StringIO) -> None:
        try:
            context.assign(self.name, read_json(context.env, buf.getvalue()))
        except ValueError as reason:
            message = f"parse_json {self.name}: its text is no JSON: {reason}"
            raise ArgumentError(message, token=self.token, template_name=self.template) from reason


class ParseJsonTag(capture_tag.CaptureTag):
    """The `parse_json` tag."""

    name = "parse_json"
    end = "endparse_json"

    def parse(self, stream: TokenStream) -> ParseJsonNode:
        """Return the node; the stream is left at the end tag."""
        token = stream.eat(TOKEN_TAG)
        name = parse_name(self.env, stream, token, "{% parse_json data %}")
        next(stream)
        block = get_parser(self.env).parse_block(stream, frozenset((self.end,)))
        if not stream.current.is_tag(self.end):
            raise never_closed(token)
        return ParseJsonNode(token, name, block)
