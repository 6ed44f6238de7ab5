"""Python errors of what a template calls, as errors of the template."""

from __future__ import annotations

import logging

from liquid.exceptions import LiquidError

from liquid_background.errors import CodeError, LiquidBackgroundError
from liquid_background.syntax.location import explain, token_in, what_was_wrong
from liquid_background.syntax.nesting import too_deep

logger = logging.getLogger("liquid_background")


def error_of_template(error: Exception) -> Exception:
    """Return what to raise for an error that came out of a render: itself, when it says where in a template it was.

    Its traceback is the error's, and goes to the log at level DEBUG, too.
    """
    if isinstance(error, LiquidError | LiquidBackgroundError):
        return error
    told = _told(error).with_traceback(error.__traceback__)
    logger.debug("%s", explain(told), exc_info=error)
    return told


def _told(error: Exception) -> LiquidBackgroundError:
    limit = too_deep(error) if isinstance(error, RecursionError) else None
    if limit is not None:
        return limit
    token, name = token_in(error.__traceback__)
    told = CodeError(what_was_wrong(error), token=token, template_name=name or None)
    for note in getattr(error, "__notes__", ()):
        told.add_note(note)
    return told
