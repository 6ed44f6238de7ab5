"""Tags that pass on what their arguments' filters make: it counts as held for as long as they are rendered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TextIO

from liquid import Node, RenderContext
from liquid.exceptions import UndefinedError

from liquid_background.job import MAX_PAYLOAD, Encoded
from liquid_background.jobs.handover import encode, is_missing
from liquid_background.jobs.sizes import FLAT, text_size
from liquid_background.language.context import Context
from liquid_background.language.exposed import Exposure
from liquid_background.language.limits import LARGE

FAR_TOO_MUCH: Final = 10 * MAX_PAYLOAD
"""Characters of values that cannot travel together, whatever their JSON takes."""


def large_size(values: Iterable[Any]) -> int:
    """Return about how much text values are, or something over FAR_TOO_MUCH; small ones do not count."""
    size = 0
    for value in values:
        kind = type(value)  # strict undefined values raise when isinstance asks them
        if kind is str or (kind not in FLAT and issubclass(kind, str)):
            size += len(value) if len(value) > LARGE else 0
        elif kind not in FLAT and not is_missing(value):
            size += text_size(value, FAR_TOO_MUCH)
        if size > FAR_TOO_MUCH:
            break
    return size


class PassingNode(Node):
    """A node with arguments that may have filters."""

    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the node; forget what its arguments took."""
        if not isinstance(context, Context):
            return super().render(context, buffer)
        watch = context.watch
        passing = watch.passing
        try:
            return Node.render(self, context, buffer)  # what super() finds, which takes longer
        finally:
            watch.passing = passing

    async def render_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the node; forget what its arguments took."""
        if not isinstance(context, Context):
            return await super().render_async(context, buffer)
        watch = context.watch
        passing = watch.passing
        try:
            return await Node.render_async(self, context, buffer)
        finally:
            watch.passing = passing


def check_defined(context: RenderContext, value: object) -> None:
    """Accept a value that is to travel, unless it is undefined and the environment's kind of undefined refuses its use.

    Raises:
        UndefinedError: for one that does, in STRICT mode.
    """
    if is_missing(value):
        try:
            value.poke()  # type: ignore[attr-defined]
        except UndefinedError as error:
            context.error(error)


def encode_passed(context: RenderContext, value: object) -> Encoded:
    """Return a value that a template passes on as tagged JSON: what the template reads of it, and no more, may travel.

    Raises:
        NotPlain: for what is not plain data, or holds something that the template does not read.
    """
    exposure: Exposure | None = getattr(context.env, "exposure", None)
    return encode(value) if exposure is None else encode(value, exposure.is_whole)


def plain_instead(context: RenderContext, value: object) -> str:
    """Return what to pass instead of a value that is not plain data."""
    exposure: Exposure | None = getattr(context.env, "exposure", None)
    fields = exposure.fields(value)[:_SHOWN] if exposure is not None else []
    advice = "pass its id or plain values"
    return f"{advice} (pages read these of it: {', '.join(fields)})" if fields else advice


_SHOWN: Final = 10  # fields
