"""`{% print value %}` prints a value as it is, where `echo` would escape it."""

from __future__ import annotations

from typing import TextIO

from liquid import RenderContext
from liquid.builtin.tags import echo_tag
from liquid.stringify import to_liquid_string

from liquid_background.language.filters import check_text
from liquid_background.language.limits import look_soon
from liquid_background.language.tags.output import EchoNode, write_large


class PrintNode(EchoNode):
    """An output statement that is never escaped."""

    __slots__ = ()

    def put(self, value: object, context: RenderContext, buffer: TextIO) -> int:
        """Print a value."""
        look_soon(context)
        value = check_text(context.env, "print", value, self._bare, joined=True)
        return write_large(buffer, to_liquid_string(value, autoescape=False))


class PrintTag(echo_tag.EchoTag):
    """The `print` tag."""

    name = "print"
    node_class = PrintNode
