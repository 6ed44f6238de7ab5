"""Templates that are nested deeper than Python's stack: an error of the template, with its place."""

from __future__ import annotations

from collections import deque
from traceback import walk_tb
from typing import Final

from liquid import Token

from liquid_background.errors import TagSyntaxError

_OURS: Final = ("liquid.", "liquid_background.")
_LOOKED_AT: Final = 50  # frames


def nested_too_deep(token: Token | None, template: str) -> TagSyntaxError:
    """Return the error for what stands at a token, such as brackets in brackets in brackets."""
    return TagSyntaxError("the template is nested too deep", token=token, template_name=template)


def is_of_templates(error: RecursionError) -> bool:
    """Return whether it was the walk through a template that ended the stack, and not a function of an application.

    Whose frames come again and again at the stack's end tells: the very last ones may be of Python's own modules.
    """
    ends = deque(walk_tb(error.__traceback__), maxlen=_LOOKED_AT)
    return any(str(frame.f_globals.get("__name__", "")).startswith(_OURS) for frame, _ in ends)
