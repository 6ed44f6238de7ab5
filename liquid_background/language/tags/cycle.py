"""`cycle` that measures lists and objects before they become text."""

from __future__ import annotations

from typing import TextIO

from liquid import RenderContext
from liquid.builtin.tags import cycle_tag

from liquid_background.language.filters import check_text


class CycleNode(cycle_tag.CycleNode):
    """A tag that prints one of its values after the other; it makes text of all of them to tell it from others."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Print the next value."""
        for each in self.expressions():
            check_text(context.env, "cycle", each.evaluate(context))
        return super().render_to_output(context, buffer)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Print the next value."""
        for each in self.expressions():
            check_text(context.env, "cycle", await each.evaluate_async(context))
        return await super().render_to_output_async(context, buffer)


class CycleTag(cycle_tag.CycleTag):
    """`{% cycle 'odd', 'even' %}`."""

    node_class = CycleNode
