"""Where every environment raises errors, whatever it tolerates elsewhere: in jobs."""

from __future__ import annotations

from contextvars import ContextVar

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
