"""`{% call macro, value, name: value %}` that measures what a macro sees as `args` and `kwargs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from liquid import RenderContext
from liquid.extra.tags import macro_tag

from liquid_background.language.filters import made


class CallNode(macro_tag.CallNode):
    """A call of a macro; `args` and `kwargs` are the lists and objects that templates can make of any others."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the macro's block."""
        macro: macro_tag.Macro | None = context.tag_namespace["macros"].get(self.name)
        if macro is None:
            return super().render_to_output(context, buffer)
        bound = self.macro_args(macro)
        args = [each.evaluate(context) for each in bound.excess_args]
        kwargs = {name: each.evaluate(context) for name, each in bound.excess_kwargs.items()}
        given = {
            name: self._missing(context, name) if each is None else each.evaluate(context)
            for name, each in bound.args.items()
        }
        return macro.block.render(self._scope(context, args, kwargs, given), buffer)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the macro's block."""
        macro: macro_tag.Macro | None = context.tag_namespace["macros"].get(self.name)
        if macro is None:
            return await super().render_to_output_async(context, buffer)
        bound = self.macro_args(macro)
        args = [await each.evaluate_async(context) for each in bound.excess_args]
        kwargs = {name: await each.evaluate_async(context) for name, each in bound.excess_kwargs.items()}
        given = {
            name: self._missing(context, name) if each is None else await each.evaluate_async(context)
            for name, each in bound.args.items()
        }
        return await macro.block.render_async(self._scope(context, args, kwargs, given), buffer)

    def _missing(self, context: RenderContext, name: str) -> object:
        return context.env.undefined(name, token=self.token)

    def _scope(
        self, context: RenderContext, args: list[object], kwargs: dict[str, object], given: Mapping[str, object]
    ) -> RenderContext:
        namespace = {"args": made(context.env, args), "kwargs": made(context.env, kwargs), **given}
        return context.copy(namespace, disabled_tags=self.disabled_tags, carry_loop_iterations=True)


class CallTag(macro_tag.CallTag):
    """The `call` tag."""

    node_class = CallNode
