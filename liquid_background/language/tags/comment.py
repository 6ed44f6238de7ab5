"""`{% # … %}` whose lines are looked at in one pass."""

from __future__ import annotations

import re
from typing import Final

from liquid import TokenStream
from liquid.builtin.tags import inline_comment_tag
from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

# python-liquid's pattern looks to the end of a run of empty lines from each of them: 250 KB take it ten minutes.
_NO_COMMENT: Final = re.compile(r"\n[^\S\n]*[^#\s]")


class InlineCommentTag(inline_comment_tag.InlineCommentTag):
    """A comment, each line of which starts with a `#`."""

    def parse(self, stream: TokenStream) -> inline_comment_tag.InlineCommentNode:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.expect(TOKEN_TAG)
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            if _NO_COMMENT.search(stream.current.value):
                message = "every line of an inline comment must start with a '#' character"
                raise LiquidSyntaxError(message, token=stream.current)
        return self.node_class(token, text=stream.current.value)
