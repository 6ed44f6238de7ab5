"""The render context of pages and jobs: python-liquid's, with a shorter way to a variable."""

from __future__ import annotations

from liquid import RenderContext, Token
from liquid.undefined import UNDEFINED


class Context(RenderContext):
    """python-liquid's render context; a plain name, which most paths are, takes half the time."""

    __slots__ = ()

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Return what a path stands for."""
        if len(path) == 1:
            try:
                return self.scope[path[0]]  # type: ignore[index]
            except (KeyError, TypeError, IndexError):
                pass  # what is undefined, or no name, is for python-liquid to tell
        return super().get(path, token=token, default=default)
