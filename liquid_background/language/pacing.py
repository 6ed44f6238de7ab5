"""Looks at the watch between nodes: what a template writes out at length passes no variable, filter or turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from liquid import Node, RenderContext

from liquid_background.language.limits import look

_STRETCH: Final = 256  # nodes and expressions between two looks; few templates have as many in one place


class LookNode(Node):
    """Stands between two nodes, prints nothing, and is in no tag's way."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        """Look at the watch."""
        return self.render_to_output(context, buffer)

    async def render_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Look at the watch."""
        return self.render_to_output(context, buffer)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Look at the watch."""
        look(context)
        return 0


def pace(nodes: Iterable[tuple[Node, int]]) -> tuple[list[Node], int]:
    """Return nodes that follow each other with looks between them, and how much the clock may miss in them.

    Args:
        nodes: each with how many nodes and expressions are in it.
    """
    paced: list[Node] = []
    missed = whole = 0
    for node, size in nodes:
        if missed + size > _STRETCH:
            paced.append(LookNode(node.token))
            missed = 0
        paced.append(node)
        missed += size
        whole += size
    return paced, min(whole, _STRETCH)
