"""A template: its renders of every kind pass one gate, where what the outermost one makes is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from liquid import BoundTemplate, RenderContext, Token
from liquid.exceptions import LiquidError

from liquid_background.language.compiled import Compiled
from liquid_background.language.context import Context
from liquid_background.language.limits import LIGHT, Text, hold
from liquid_background.language.sending import Sending
from liquid_background.language.syntax import cut, is_of, template_name
from liquid_background.language.tags import Return, is_open


class Template(BoundTemplate):
    """A template whose outermost render sends its jobs when it succeeds, and none when it raises."""

    env: Sending
    context_class = Context

    def __init__(self, *args: Any, front_matter: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.front_matter = front_matter or {}
        self.display_name = template_name(self.path or self.name)
        self.weight = 0  # until who parses it says
        self.compiled = Compiled()

    def render_with_context(
        self,
        context: RenderContext,
        buffer: TextIO,
        *args: Any,
        partial: bool = False,
        block_scope: bool = False,
        **kwargs: Any,
    ) -> None:
        """Render into a buffer: the one gate of render, render_async, include and frameworks."""
        names = self.make_partial_namespace(partial, dict(*args, **kwargs))
        if is_open(context):
            self._render(context, buffer, names, partial, block_scope)
        else:
            with self.env.outermost(context, buffer):
                self._render(context, buffer, names, partial, block_scope)

    def _render(
        self, context: RenderContext, buffer: TextIO, names: Mapping[str, object], partial: bool, block_scope: bool
    ) -> None:
        leaves = partial and not block_scope
        try:
            if self.weight <= LIGHT:
                self.compiled.render(self, context, buffer, names, leaves=leaves)
            else:
                with hold(context, self.display_name, self.weight):
                    self.compiled.render(self, context, buffer, names, leaves=leaves)
            if not partial and type(buffer) is Text:
                buffer.check_whole()  # the last look at it was a few steps ago, and what it made is about to be sent
        except LiquidError as error:
            self._name(error)
            raise
        except Return:
            if leaves:
                raise

    async def render_with_context_async(
        self,
        context: RenderContext,
        buffer: TextIO,
        *args: Any,
        partial: bool = False,
        block_scope: bool = False,
        **kwargs: Any,
    ) -> None:
        """Render into a buffer, awaiting what can be awaited."""
        names = self.make_partial_namespace(partial, dict(*args, **kwargs))
        if is_open(context):
            await self._render_async(context, buffer, names, partial, block_scope)
        else:
            async with self.env.outermost_async(context, buffer):
                await self._render_async(context, buffer, names, partial, block_scope)

    async def _render_async(
        self, context: RenderContext, buffer: TextIO, names: Mapping[str, object], partial: bool, block_scope: bool
    ) -> None:
        leaves = partial and not block_scope
        try:
            if self.weight <= LIGHT:
                await self.compiled.render_async(self, context, buffer, names, leaves=leaves)
            else:
                with hold(context, self.display_name, self.weight):
                    await self.compiled.render_async(self, context, buffer, names, leaves=leaves)
            if not partial and type(buffer) is Text:
                buffer.check_whole()
        except LiquidError as error:
            self._name(error)
            raise
        except Return:
            if leaves:
                raise

    def make_globals(self, render_args: Mapping[str, object]) -> Mapping[str, object]:
        """Return what stands behind the variables; as it is given, where there is nothing more behind it."""
        return super().make_globals(render_args) if self.matter or self.globals else render_args

    def _get_buffer(self) -> Text:
        return Text(self.env.output_stream_limit)

    def _name(self, error: LiquidError) -> None:
        """Have an error from this template say so, in a text that is short enough for a log."""
        if not error.template_name and (error.token is None or self._holds(error.token)):
            error.template_name = self.display_name
        cut(error)

    def _holds(self, token: Token) -> bool:
        return not self.nodes or is_of(self, token) or token.start_index < 0
