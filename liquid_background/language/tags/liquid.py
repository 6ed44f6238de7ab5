"""`{% liquid %}`: tags without delimiters, one in a line."""

from __future__ import annotations

from collections.abc import Iterator

from liquid import BlockNode, Node, Token, TokenStream
from liquid.builtin.tags import liquid_tag
from liquid.parser import get_parser
from liquid.token import TOKEN_COMMENT, TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax import NoStatement, in_liquid_tag, statements
from liquid_background.language.tags.opened import Tokens, is_own


class LiquidTag(liquid_tag.LiquidTag):
    """`{% liquid %}`, which may be empty, and lets a block among its lines know that they have no delimiters."""

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.expect(TOKEN_TAG)
        if stream.peek.kind != TOKEN_EXPRESSION:
            return self.node_class(token, None, BlockNode(token, []))
        next(stream)
        lines = stream.current
        reset = in_liquid_tag.set(True)
        try:
            tokens = Tokens(self.env, self._statements(lines), stream.block_depth)
            with tokens.being_parsed():
                block = get_parser(self.env).parse_block(tokens, end=())
        finally:
            in_liquid_tag.reset(reset)
        return self.node_class(token, lines, block)

    def _statements(self, lines: Token) -> Iterator[Token]:
        """Yield the tokens of the lines.

        Raises:
            TagSyntaxError: for a line that is no tag, at its start.
        """
        at, source = lines.start_index, lines.source
        comment = self.env.comment_start_string.replace("{", "") or "#"
        try:
            for each in statements(lines.value, self._is_foreign, comment):
                if not each.name:
                    yield Token(TOKEN_COMMENT, each.expression, at + each.expression_at, source)
                    continue
                yield Token(TOKEN_TAG, each.name, at + each.name_at, source)
                if each.expression:
                    yield Token(TOKEN_EXPRESSION, each.expression, at + each.expression_at, source)
        except NoStatement as error:
            found = lines.value[error.at]
            message = f"each line of {{% liquid %}} must start with the name of a tag, found '{found}'"
            if lines.value.startswith(("{{", "{%"), error.at):
                message += ": leave out {{ and {%, and write `echo value` to print"
            raise TagSyntaxError(message, token=Token(TOKEN_TAG, found, at + error.at, source)) from None

    def _is_foreign(self, name: str) -> bool:
        return name in self.env.tags and not is_own(self.env, name)
