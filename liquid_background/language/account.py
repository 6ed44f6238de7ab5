"""What a render context holds: the bytes of variables, arguments and whatever else a template makes it keep."""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof
from typing import Any, Final

from liquid import RenderContext
from liquid.stringify import to_liquid_string

from liquid_background.errors import LimitReached
from liquid_background.jobs.sizes import FLAT, megabytes, weigh
from liquid_background.language.filters import check_text, made
from liquid_background.language.limits import Watch

_LIGHT: Final = 512  # bytes of a variable that is not worth keeping account of
_MANY: Final = 1_000  # cycles, whose names may be made as a page is rendered: more are worth it


class Account(RenderContext):
    """python-liquid's render context with a measure of what it holds, which costs no look at all of it."""

    __slots__ = ("_held", "_weights", "watch")

    def __init__(
        self,
        template: Any,
        *,
        globals: Mapping[str, object] | None = None,
        disabled_tags: list[str] | None = None,
        copy_depth: int = 0,
        parent_context: RenderContext | None = None,
        loop_iteration_carry: int = 1,
        local_namespace_size_carry: int = 0,
    ) -> None:
        # Each named, since to pass on what was given takes longer.
        RenderContext.__init__(
            self,
            template,
            globals=globals,
            disabled_tags=disabled_tags,
            copy_depth=copy_depth,
            parent_context=parent_context,
            loop_iteration_carry=loop_iteration_carry,
            local_namespace_size_carry=local_namespace_size_carry,
        )
        self.watch: Watch = parent_context.watch if isinstance(parent_context, Account) else Watch()
        self._held = self.local_namespace_size_carry  # bytes that variables hold, with those around this context
        self._weights: dict[object, int] = {}

    def assign(self, key: str, val: Any) -> None:
        """Set a variable, measured: python-liquid's own limit measures all of them each time.

        Raises:
            LimitReached: when variables hold too much.
        """
        self.locals[key] = val
        weight = getsizeof(val) if type(val) in FLAT else weigh(val)
        if weight < _LIGHT and key not in self._weights:
            return  # there are no more of these than names in the template
        self._keep(key, weight)

    def rebind(self, key: str, val: Any) -> None:
        """Have a name stand for another value where it is found: as a loop's item, an argument, or else a variable.

        Raises:
            LimitReached: when variables hold too much.
        """
        for names in self.scope._maps:
            if names is self.locals:
                break
            if key in names and type(names) is dict:
                names[key] = val
                self.watch.rebound = True
                self._keep(("item", key), weigh(val))
                return
        self.assign(key, val)

    def _keep(self, key: object, weight: int) -> None:
        self._held += weight - self._weights.get(key, 0)
        self._weights[key] = weight
        self._check_held()

    def _check_held(self) -> None:
        most = self.env.local_namespace_limit
        if most and self._held + self.watch.passing > most:
            message = f"variables hold over {megabytes(most)} (Environment.local_namespace_limit)"
            raise LimitReached(message, token=None)

    def hold(self, value: object) -> None:
        """Keep account of an argument that a filter made, until its tag has been rendered.

        Raises:
            LimitReached: when variables and such arguments hold too much.
        """
        if type(value) not in FLAT or isinstance(value, str):
            self.watch.passing += weigh(value)
            self._check_held()

    def made(self, value: object) -> object:
        """Return a list or object that a template wrote out, measured.

        Raises:
            LimitReached: when it holds too much.
        """
        self.watch.steps = -1
        return made(self.env, value)

    def written(self, value: object) -> str:
        """Return a value as the text of it that a template writes into another.

        Raises:
            LimitReached: when it is too large.
        """
        return to_liquid_string(check_text(self.env, "this text", value), False)

    def cycle(self, key: object, length: int) -> int:
        """Return the index of the next item in a cycle, whose name is kept."""
        weight = getsizeof(key)
        if weight >= _LIGHT or len(self.tag_namespace["cycles"]) >= _MANY:
            self._keep(("cycle", key), weight + _LIGHT)
        return super().cycle(key, length)

    def ifchanged(self, val: str) -> bool:
        """Return whether a text differs from the last one, which is kept."""
        if len(val) >= _LIGHT:
            self._keep(("ifchanged",), getsizeof(val))
        return super().ifchanged(val)

    def get_size_of_locals(self) -> int:
        """Return the bytes that variables hold, with those of the contexts around."""
        return self._held
