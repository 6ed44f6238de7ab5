"""`tablerow` that looks at the watch in an async render, too, where python-liquid tells its context of no turns."""

from __future__ import annotations

from collections.abc import Iterator

from liquid import BlockNode, RenderContext, Token
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.tags import tablerow_tag

from liquid_background.language.bounds import BoundedLoop
from liquid_background.language.context import Context


class PacedLoop(BoundedLoop):
    """What a table's rows are made of."""

    __slots__ = ()

    async def evaluate_async(self, context: RenderContext) -> tuple[Iterator[object], int]:
        """Return the items, with a look every few of them, and their number."""
        items, length = await super().evaluate_async(context)
        return (context.watch.paced(items, length) if isinstance(context, Context) else items), length


class TablerowNode(tablerow_tag.TablerowNode):
    """A table."""

    __slots__ = ()

    def __init__(self, token: Token, expression: LoopExpression, block: BlockNode) -> None:
        super().__init__(token, expression, block)
        # The expression has just been parsed for this node, and the class adds no slots.
        expression.__class__ = PacedLoop


class TablerowTag(tablerow_tag.TablerowTag):
    """`{% tablerow item in items cols: 3 %}`."""

    node_class = TablerowNode
