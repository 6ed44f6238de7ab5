"""What to say about a tag that nobody registered."""

from __future__ import annotations

from liquid import Mode, TokenStream
from liquid.ast import IllegalNode
from liquid.builtin.illegal import Illegal
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax import line_of
from liquid_background.language.tags.opened import Tokens, never_closed, suggestions


class UnknownTag(Illegal):
    """Stands in for every tag that the environment does not know."""

    def parse(self, stream: TokenStream) -> IllegalNode:
        """Refuse the tag by name, with the nearest one that is known.

        Raises:
            TagSyntaxError: always.
        """
        token = stream.expect(TOKEN_TAG)
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
        if not token.value:
            raise TagSyntaxError("missing tag name", token=token)
        message = f"unexpected tag '{token.value}'"
        if token.value == "raw":  # a tag only without its end: the lexer takes it with all that it holds
            raise never_closed(token)
        if isinstance(stream, Tokens) and self.env.mode is not Mode.LAX and stream.opener(token.value) is not None:
            opener = stream.opener()  # a block inside the one that this tag ends
            assert opener is not None
            raise never_closed(opener, f" before the {token.value} of line {line_of(token)}")
        if token.value.startswith("end") or token.value in ("else", "elsif", "when", "catch"):
            raise TagSyntaxError(f"{message}: it belongs to nothing that is open here", token=token)
        # Where the error is dropped, no time is spent on its hint: a template may hold thousands.
        near = "" if self.env.mode is Mode.LAX else suggestions().of("tag", token.value, self.env.tags)
        hint = f"did you mean '{near}'?" if near else "register it with environment.add_tag, or remove it"
        raise TagSyntaxError(f"{message}: {hint}", token=token)
