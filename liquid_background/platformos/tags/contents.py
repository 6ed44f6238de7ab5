"""`{% content_for 'name' %} … {% endcontent_for %}` keeps text for `{% yield 'name' %}`, also in the page's layout."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import BlockNode
from liquid.builtin.expressions import Identifier
from liquid.builtin.tags import capture_tag
from liquid.parser import get_parser
from liquid.token import TOKEN_TAG

from liquid_background.language.tags.capture import CaptureNode
from liquid_background.language.tags.opened import never_closed
from liquid_background.language.tags.output import write_large
from liquid_background.platformos.kept import contents_of
from liquid_background.platformos.tags.names import parse_name


class ContentForNode(CaptureNode):
    """A block whose text is kept under a name, behind what is kept there already."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{{% content_for {self.name} %}}{self.block}{{% endcontent_for %}}"

    def _assign(self, context: RenderContext, buf: StringIO) -> None:
        contents_of(context).add(context.env, str(self.name), buf.getvalue())

    def template_scope(self) -> Iterable[Identifier]:
        """Return no name: it is none of a variable."""
        return ()


class ContentForTag(capture_tag.CaptureTag):
    """The `content_for` tag."""

    name = "content_for"
    end = "endcontent_for"

    def parse(self, stream: TokenStream) -> ContentForNode:
        """Return the node; the stream is left at the end tag."""
        token = stream.eat(TOKEN_TAG)
        name = parse_name(self.env, stream, token, "{% content_for 'head' %}")
        next(stream)
        block: BlockNode = get_parser(self.env).parse_block(stream, frozenset((self.end,)))
        if not stream.current.is_tag(self.end):
            raise never_closed(token)
        return ContentForNode(token, name, block)


class YieldNode(Node):
    """Prints what is kept under a name."""

    __slots__ = ("name",)

    def __init__(self, token: Token, name: Identifier) -> None:
        super().__init__(token)
        self.name = name

    def __str__(self) -> str:
        return f"{{% yield {self.name} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Print it; nothing, where nothing is kept."""
        return write_large(buffer, contents_of(context).text(str(self.name)))


class YieldTag(Tag):
    """The `yield` tag."""

    name = "yield"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        return YieldNode(token, parse_name(self.env, stream, token, "{% yield 'head' %}"))
