"""Templates that are nested deeper than Python's stack: an error of the template, with its place."""

from __future__ import annotations

from collections import deque
from traceback import walk_tb
from typing import Final

from liquid import Token

from liquid_background.errors import NestedTooDeep
from liquid_background.language.syntax.location import token_in

_OURS: Final = ("liquid.", "liquid_background.")
_LOOKED_AT: Final = 50  # frames


def nested_too_deep(token: Token | None, template: str) -> NestedTooDeep:
    """Return the error for what cannot be parsed from a token on, such as brackets in brackets in brackets."""
    return NestedTooDeep("the template is nested too deep", token=token, template_name=template or None)


def too_deep(error: RecursionError) -> NestedTooDeep | None:
    """Return the error of a render that came to the end of the stack; None when an application's function did.

    Whose frames come again and again at the stack's end tells: the very last ones may be of Python's own modules.
    """
    ends = deque(walk_tb(error.__traceback__), maxlen=_LOOKED_AT)
    if not any(str(frame.f_globals.get("__name__", "")).startswith(_OURS) for frame, _ in ends):
        return None
    token, name = token_in(error.__traceback__)
    return nested_too_deep(token, name)
