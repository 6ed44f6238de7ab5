"""Filters that only the application can answer: where its assets are, and how it writes things for its readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid import Environment
from liquid.exceptions import FilterArgumentError

from liquid_background.calling import call
from liquid_background.platformos.filters.plain import Filter, pure

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "asset_url": ("asset_url",),
    "asset_path": ("asset_path",),
    "l": ("l", "localize"),
    "t": ("t", "translate"),
    "markdown": ("markdown", "markdownify"),
}
"""By the name of what the application gives, what it is called in templates."""


def answered(function: Callable[..., Any]) -> Filter:
    """Return a filter that a function of the application answers."""

    @pure
    def answer(left: object, *args: object, **named: object) -> Any:
        return call(function, (left, *args), named)

    return answer


def _unanswered(hook: str, name: str) -> Filter:
    def refuse(left: object, *args: object, environment: Environment, **named: object) -> Any:
        raise FilterArgumentError(
            f"the application answers no {name}: give it a function with "
            f"engine.environment.provide('{hook}', function); see docs/porting.md",
            token=None,
        )

    refuse.with_environment = True  # type: ignore[attr-defined]
    refuse.measured = True  # type: ignore[attr-defined]
    return refuse


UNANSWERED: Final[Mapping[str, Filter]] = {
    name: _unanswered(hook, name) for hook, names in NAMES.items() for name in names if name != "t"
}
"""What they are until then; `t` is python-liquid's."""


def filters_of(hook: str, function: Callable[..., Any]) -> Mapping[str, Filter]:
    """Return the filters that a function of the application is given for."""
    made = answered(function)
    return dict.fromkeys(NAMES.get(hook, ()), made)


HOOKS: Final = ("graphql", *NAMES)
"""Names of what an application may give."""
