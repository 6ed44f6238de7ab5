"""`{% macro %}` that keeps account of its template: a render keeps the blocks of all macros to its end."""

from __future__ import annotations

from typing import TextIO

from liquid import RenderContext
from liquid.extra.tags import macro_tag

from liquid_background.language.context import Context
from liquid_background.language.syntax import template_name


class MacroNode(macro_tag.MacroNode):
    """A macro, with which all that its template was parsed to may be kept."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Define the macro; print nothing."""
        if isinstance(context, Context):
            template = context.template
            context.watch.keep(template_name(template.path or template.name), getattr(template, "weight", 0))
        return super().render_to_output(context, buffer)


class MacroTag(macro_tag.MacroTag):
    """The `macro` tag."""

    node_class = MacroNode
