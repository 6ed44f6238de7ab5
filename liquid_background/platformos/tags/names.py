"""Names in tags, with or without quotes around them."""

from __future__ import annotations

from liquid import Environment, Token, TokenStream
from liquid.builtin.expressions import Identifier, parse_identifier
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_STRING

from liquid_background.errors import TagSyntaxError


def parse_name(env: Environment, stream: TokenStream, tag: Token, example: str) -> Identifier:
    """Parse the one name that a tag has; the stream is left at the tag's last token.

    Args:
        env: of the template.
        stream: behind the tag's own token.
        tag: that token.
        example: of the tag, for an error.

    Raises:
        TagSyntaxError: when there is none, or more.
    """
    if stream.current.kind != TOKEN_EXPRESSION:
        raise TagSyntaxError(f"'{tag.value}' needs a name, as in {example}", token=tag)
    tokens = stream.into_inner(tag=tag, eat=False)
    name: Identifier
    if tokens.current.kind == TOKEN_STRING:
        token = next(tokens)
        name = Identifier(token.value, token=token)
    else:
        name = parse_identifier(env, tokens)
    if tokens.current.kind != TOKEN_EOF:
        raise TagSyntaxError(f"'{tag.value}' takes one name, as in {example}", token=tokens.current)
    return name
