"""What to say about a tag that nobody registered."""

from __future__ import annotations

from typing import Final

from liquid import Mode, Token, TokenStream
from liquid.ast import IllegalNode
from liquid.builtin.illegal import Illegal
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax import line_of
from liquid_background.language.tags.foreign import instead_of
from liquid_background.language.tags.opened import BRANCHES, Tokens, end_as_written, never_closed, suggestions

_END_OF_BODY: Final = "endbackground"


class UnknownTag(Illegal):
    """Stands in for every tag that the environment does not know."""

    def parse(self, stream: TokenStream) -> IllegalNode:
        """Refuse the tag by name, with what to write for it; an end whose beginning was refused is none to tell of.

        Raises:
            TagSyntaxError: unless it follows from what was told before.
        """
        token = stream.expect(TOKEN_TAG)
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
        if not token.value:
            raise TagSyntaxError("missing tag name", token=token)
        if token.value == "raw":  # a tag only without its end: the lexer takes it with all that it holds
            raise never_closed(token)
        if isinstance(stream, Tokens) and self.env.mode is not Mode.LAX:
            if stream.is_echo(token):
                return IllegalNode(token)
            self._check_blocks(stream, token)
            self._check_end(stream, token)
        message = f"unexpected tag '{token.value}'"
        if token.value.startswith("end") or token.value in BRANCHES:
            raise TagSyntaxError(f"{message}: it belongs to nothing that is open here", token=token)
        raise TagSyntaxError(f"{message}: {self._advice(token.value)}", token=token)

    def _check_blocks(self, stream: Tokens, token: Token) -> None:
        """Refuse the end of another block than the innermost one that is open."""
        opener = stream.opener()
        if opener is None:
            return
        if token.value == "end":
            raise TagSyntaxError(f"unexpected tag 'end': write {end_as_written(opener)}", token=token)
        if stream.opener(token.value) is not None:
            stream.are_mixed = True
            raise never_closed(opener, f" before the {token.value} of line {line_of(token)}")

    def _check_end(self, stream: Tokens, token: Token) -> None:
        """Refuse the end of nothing where it is meant to end what is left open, or what has no end tag."""
        opener = stream.left_open()
        if opener is not None and (
            token.value.startswith("end") or suggestions().of("end", token.value, (stream.end_of(opener),))
        ):
            stream.are_mixed = True
            written = end_as_written(opener)
            message = (
                f"unexpected tag '{token.value}': write {written} for the '{opener.value}' of line {line_of(opener)}"
            )
            raise TagSyntaxError(message, token=token)
        partial = stream.partial_form() if token.value == _END_OF_BODY else None
        if partial is not None:
            message = (
                f"unexpected tag '{token.value}': the background of line {line_of(partial)} runs a partial, by `=`"
            )
            raise TagSyntaxError(f"{message}, and has no body: leave this tag out", token=token)

    def _advice(self, tag: str) -> str:
        if self.env.mode is Mode.LAX:
            return ""  # where the error is dropped, no time is spent on its hint: a template may hold thousands
        instead = instead_of(tag)
        if instead:
            return instead
        near = suggestions().of("tag", tag, self.env.tags)
        return f"did you mean '{near}'?" if near else "register it with environment.add_tag, or remove it"
