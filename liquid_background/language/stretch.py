"""A stretch of a render: the body of a loop, a partial, whatever has more names than what is around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from liquid import BoundTemplate

from liquid_background.errors import LimitReached

_NOTHING: Final = iter(())


class Stretch:
    """A stretch of a render with more names: python-liquid's own context managers take three times as long."""

    __slots__ = ("_context", "_forloop", "_namespace", "_outer", "_template")

    def __init__(
        self, context: Any, namespace: Mapping[str, object], template: BoundTemplate | None, forloop: Any = None
    ) -> None:
        self._context = context
        self._namespace = namespace
        self._template = template
        self._forloop = forloop

    def __enter__(self) -> Any:
        context, forloop = self._context, self._forloop
        watch = context.watch
        if forloop is not None:
            context.raise_for_loop_limit(forloop.length)
            forloop.it = watch.paced(forloop.it, forloop.length)
        watch.steps -= 1
        if watch.steps < 0:
            watch.look()
        if context.scope.size() > context.env.context_depth_limit:
            raise too_deep(context)
        self._outer = context.template
        if self._template:
            context.template = self._template
        context.scope.push(self._namespace)
        if forloop is not None:
            context.loops.append(forloop)
        return context

    def __exit__(self, *_: object) -> None:
        context = self._context
        context.scope.pop()
        context.template = self._outer
        if self._forloop is not None:
            context.loops.pop()
            self._forloop.it = _NOTHING  # a `forloop` may be kept, and with it all that it did not come to


def too_deep(context: Any) -> LimitReached:
    """Return the error that stretches are too many in each other."""
    most = context.env.context_depth_limit
    message = f"partials and loops are over {most} deep in each other (Environment.context_depth_limit)"
    counted = "counted with the template and the names around them"  # which are a few levels themselves
    return LimitReached(f"{message}, {counted}: does one include itself?", token=None)
