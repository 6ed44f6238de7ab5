"""`capture`, `ifchanged` and other blocks of whose text the watch knows for as long as they are open."""

from __future__ import annotations

from typing import TextIO

from liquid import Node, RenderContext, TokenStream
from liquid.builtin.expressions import Identifier, parse_identifier
from liquid.builtin.tags import capture_tag, ifchanged_tag
from liquid.parser import get_parser
from liquid.token import TOKEN_STRING, TOKEN_TAG

from liquid_background.language.context import Context


class OpenNode(Node):
    """Renders as the node class beside it does; what it captures is the innermost text until then, however it ends."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the block."""
        if not isinstance(context, Context):
            return super().render_to_output(context, buffer)  # type: ignore[safe-super]
        outer = context.watch.text
        try:
            return super().render_to_output(context, buffer)  # type: ignore[safe-super]
        finally:
            context.watch.text = outer

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the block."""
        if not isinstance(context, Context):
            return await super().render_to_output_async(context, buffer)
        outer = context.watch.text
        try:
            return await super().render_to_output_async(context, buffer)
        finally:
            context.watch.text = outer


class CaptureNode(OpenNode, capture_tag.CaptureNode):
    """A block whose output becomes a variable."""

    __slots__ = ()


class CaptureTag(capture_tag.CaptureTag):
    """`{% capture name %} … {% endcapture %}`; the name may stand in quotes."""

    node_class = CaptureNode

    def parse(self, stream: TokenStream) -> CaptureNode:
        """Return the node; the stream is left at the end tag."""
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token)
        if tokens.current.kind == TOKEN_STRING and tokens.current.value:
            quoted = next(tokens)
            name = Identifier(quoted.value, token=quoted)
        else:
            name = parse_identifier(self.env, tokens)
        tokens.expect_eos()
        block = get_parser(self.env).parse_block(stream, capture_tag.ENDCAPTUREBLOCK)
        stream.expect(TOKEN_TAG, value=self.end)
        return CaptureNode(token, name, block)


class IfChangedNode(OpenNode, ifchanged_tag.IfChangedNode):
    """A block that is printed when it differs from the one before."""

    __slots__ = ()


class IfChangedTag(ifchanged_tag.IfChangedTag):
    """`{% ifchanged %} … {% endifchanged %}`."""

    node_class = IfChangedNode
