"""The background blocks of a template as it is today: found by their source names, or by their places in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from liquid import Node

from liquid_background.language.environment import Environment
from liquid_background.language.plan import BodyWalk
from liquid_background.language.syntax import written_text
from liquid_background.language.tags import BackgroundNode


def blocks_of(environment: Environment, template: str) -> list[BackgroundNode]:
    """Return the blocks that have a body, in the order in which they begin, those in each other too.

    Args:
        environment: that finds the template.
        template: as jobs name it, such as `pages/checkout`.

    Raises:
        LiquidError: when it is not there, or cannot be parsed.
    """
    nodes = environment.get_template(template).nodes
    return [node for node in _walked(BodyWalk(environment, (), frozenset()), nodes) if node.body is not None]


def _walked(walk: BodyWalk, nodes: Iterable[Node]) -> Iterator[BackgroundNode]:
    for node in nodes:
        if isinstance(node, BackgroundNode):
            yield node
        yield from _walked(walk, walk.children(node))


def source_name_of_block(block: BackgroundNode) -> str:
    """Return a block's source name where it is written out, else ""."""
    named = next((option.value for option in block.options if option.name == "source_name"), block.label)
    return written_text(named)
