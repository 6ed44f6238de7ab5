"""What a job sees of the page that made it: the values of the paths that the plan of its body hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liquid import RenderContext, Token
from liquid.builtin.expressions import Path

from liquid_background.language.context import Context
from liquid_background.language.syntax import LonePath


class JobContext(Context):
    """What a job sees: its parameters, what it assigns, and handed-over values where the plan put them."""

    __slots__ = ("handed_over", "positions")
    positions: Mapping[int, tuple[str, int]]
    handed_over: Mapping[str, object]

    def __init__(self, template: Any, *, parent_context: RenderContext | None = None, **options: Any) -> None:
        super().__init__(template, parent_context=parent_context, **options)
        if isinstance(parent_context, JobContext):
            self.positions, self.handed_over = parent_context.positions, parent_context.handed_over
        else:
            self.positions, self.handed_over = {}, {}

    @classmethod
    def of_job(
        cls,
        template: Any,
        parameters: Mapping[str, object],
        positions: Mapping[int, tuple[str, int]],
        handed_over: Mapping[str, object],
    ) -> JobContext:
        """Return the context that a job begins with."""
        made = cls(template, globals=parameters)
        made.positions, made.handed_over = positions, handed_over
        return made

    def resolve_handed_over(self, path: list[object], token: Token) -> object:
        """Resolve a path that the plan says is handed over."""
        key, covered = self.positions[token.start_index]
        try:
            value = self.handed_over[key]
            for segment in path[covered:]:
                value = self.get_item(value, segment)
        except (KeyError, TypeError, IndexError):
            return self.env.undefined(str(path[0]), token=token)
        return value


def hand_over(path: Path) -> None:
    """Have a path of a body that was parsed for its job be one that the page has resolved.

    The template is the executor's own, and the classes add no slots: cheaper than asking at every path.
    """
    path.__class__ = _HandedOverLonePath if type(path) is LonePath else HandedOverPath


class HandedOverPath(Path):
    """A path of a body that the page has resolved: a local of its name wins, then the handed-over value."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        """Return the path's value in a job."""
        if self.path[0] in context.locals or not isinstance(context, JobContext):
            return super().evaluate(context)
        segments = [part.evaluate(context) if isinstance(part, Path) else part for part in self.path]
        return context.resolve_handed_over(segments, self.token)


class _HandedOverLonePath(LonePath, HandedOverPath):
    """`["name"]` alone, which the page has resolved, if it has a variable of that name."""

    __slots__ = ()
