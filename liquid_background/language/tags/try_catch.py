"""`{% try %} … {% catch err %} … {% endtry %}`: go on after an error, knowing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from liquid import BlockNode, Node, RenderContext, Tag, Token, TokenStream
from liquid.builtin.expressions import Identifier, parse_identifier
from liquid.exceptions import LiquidError, LiquidInterrupt, ResourceLimitError, StopRender
from liquid.parser import get_parser
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.errors import TagSyntaxError
from liquid_background.language.plan import OnceNode
from liquid_background.language.syntax import explain, locate, text_of, what_was_wrong
from liquid_background.language.tags.capture import OpenNode
from liquid_background.language.tags.opened import never_closed
from liquid_background.language.tags.partials import Return

TAG_TRY: Final = "try"
TAG_CATCH: Final = "catch"
TAG_ENDTRY: Final = "endtry"

_LONGEST: Final = 4_000  # characters of a message: an error may show the value that was wrong, however large
_NOT_CAUGHT: Final = (ResourceLimitError, MemoryError, RecursionError, LiquidInterrupt, StopRender, Return)
"""Limits end a job whatever its author wants; the others are the flow of the template, not errors."""


class CatchNode(OnceNode):
    """What runs after an error."""

    __slots__ = ("block", "name")

    def __init__(self, token: Token, name: Identifier | None, block: BlockNode) -> None:
        super().__init__(token)
        self.name = name
        self.block = block
        self.blank = block.blank

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the block; the caller has bound the error."""
        return self.block.render(context, buffer)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the block; the caller has bound the error."""
        return await self.block.render_async(context, buffer)

    def namespace(self, error: Exception) -> dict[str, object]:
        """Return the error as templates see it: name, message, template and line."""
        template, line = locate(error)
        message = what_was_wrong(error) if isinstance(error, LiquidError) else text_of(error)
        shown = {
            "name": type(error).__name__,
            "message": message[:_LONGEST] or type(error).__name__,
            "detail": explain(error)[:_LONGEST],
            "template": template,
            "line": line,
        }
        return {self.name: shown} if self.name is not None else {}

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Return the block."""
        yield self.block

    def block_scope(self) -> Iterable[Identifier]:
        """Return the error's name."""
        return [self.name] if self.name is not None else []


class _TryNode(OnceNode):
    __slots__ = ("block", "catch")

    def __init__(self, token: Token, block: BlockNode, catch: CatchNode | None) -> None:
        super().__init__(token)
        self.block = block
        self.catch = catch
        self.blank = block.blank and (catch is None or catch.blank)

    def __str__(self) -> str:
        return f"{{% try %}}{self.block}{{% endtry %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the block, or what catches its error; a failed block prints nothing."""
        attempt = context.get_buffer(buffer)
        try:
            self.block.render(context, attempt)
        except _NOT_CAUGHT:
            raise
        except Exception as error:  # noqa: BLE001  whatever a filter raises is the author's to catch
            if self.catch is None:
                return 0
            with context.extend(self.catch.namespace(error)):
                return self.catch.render(context, buffer)
        return buffer.write(attempt.getvalue())

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the block, or what catches its error; a failed block prints nothing."""
        attempt = context.get_buffer(buffer)
        try:
            await self.block.render_async(context, attempt)
        except _NOT_CAUGHT:
            raise
        except Exception as error:  # noqa: BLE001  whatever a filter raises is the author's to catch
            if self.catch is None:
                return 0
            with context.extend(self.catch.namespace(error)):
                return await self.catch.render_async(context, buffer)
        return buffer.write(attempt.getvalue())

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Return the block and what catches its error."""
        yield self.block
        if self.catch is not None:
            yield self.catch


class TryNode(OpenNode, _TryNode):
    """A block that may fail, and what to do then."""

    __slots__ = ()


class TryTag(Tag):
    """The `try` tag."""

    name = TAG_TRY
    end = TAG_ENDTRY

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the end tag."""
        token = stream.eat(TOKEN_TAG)
        if stream.current.kind == TOKEN_EXPRESSION:
            raise TagSyntaxError("'try' takes no arguments", token=stream.current)
        parser = get_parser(self.env)
        block = parser.parse_block(stream, (TAG_CATCH, TAG_ENDTRY))
        catch = None
        if stream.current.is_tag(TAG_CATCH):
            catch_token = next(stream)
            name = None
            if stream.current.kind == TOKEN_EXPRESSION:
                name = parse_identifier(self.env, stream.into_inner(tag=catch_token, eat=False))
                next(stream)
            catch = CatchNode(catch_token, name, parser.parse_block(stream, (TAG_ENDTRY,)))
        if not stream.current.is_tag(TAG_ENDTRY):
            raise never_closed(token)
        return TryNode(token, block, catch)
