"""The part of an environment by which applications say what pages read of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liquid_background.language.exposed.exposure import Exposure


class Exposing:
    """The part of an environment that knows what its pages read of objects."""

    exposure: Exposure

    @property
    def ready_rules(self) -> bool:
        """Whether classes that declare their fields need no rule of the application's."""
        return self.exposure.ready_rules

    @ready_rules.setter
    def ready_rules(self, are_on: bool) -> None:
        self.exposure.ready_rules = are_on

    def expose(self, *fields: Any, pure: bool = False, **computed: Callable[[Any], object]) -> Any:
        """Have this environment's pages read fields of a class, as `liquid_background.expose` does for all."""
        return self.exposure.own.add(fields, computed, pure=pure)
