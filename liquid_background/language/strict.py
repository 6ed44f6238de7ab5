"""Where every environment raises errors, whatever it tolerates elsewhere: in jobs. But for wrong values of tags."""

from __future__ import annotations

from contextvars import ContextVar

from liquid import Environment
from liquid.exceptions import LiquidError

_strict: ContextVar[bool] = ContextVar("strict", default=False)


def is_strict() -> bool:
    """Return whether this thread or task is in a `with Strict()`."""
    return _strict.get()


class Strict:
    """Have every environment raise errors in this thread or task: a job that swallowed its own could not be retried."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _strict.set(True)

    def __exit__(self, *_: object) -> None:
        _strict.reset(self._token)


def tolerate(env: Environment, error: LiquidError) -> None:
    """Raise, warn of or ignore that a tag is given a wrong value, as the environment's own mode says: in jobs, too.

    To try a job again mends no option, so there is nothing to lose there by what goes for pages.
    """
    token = _strict.set(False)
    try:
        env.error(error)
    finally:
        _strict.reset(token)
