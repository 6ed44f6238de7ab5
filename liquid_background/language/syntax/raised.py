"""Python errors of what a template calls, as errors of the template."""

from __future__ import annotations

import logging
from typing import Final

from liquid import Token
from liquid.exceptions import LiquidError

from liquid_background.errors import CodeError, LiquidBackgroundError
from liquid_background.language.syntax.excerpt import cut
from liquid_background.language.syntax.location import explain, token_in, what_was_wrong
from liquid_background.language.syntax.nesting import too_deep

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
        return cut(limit)
    token, name = token_in(error.__traceback__)
    seen = error
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration | StopAsyncIteration):
        error = error.__cause__  # which no generator or coroutine lets pass as it is
        token, name = token_in(seen.__traceback__, error.__traceback__)
    told = cut(code_error(error, token, name))
    for level in (error, seen):  # the deeper tags noted their way in on the one, those above the wrapper on the other
        for note in getattr(level, "__notes__", ()):
            told.add_note(note)
        if hasattr(level, "__notes__"):
            del level.__notes__  # they tell of this render; the same error may be raised in another one
    return told


def class_of(error: BaseException) -> str:
    """Return the name of the class of an error as it was raised, where another stands for it."""
    if type(error) is CodeError and error.__cause__ is not None:
        error = error.__cause__
    return type(error).__name__


def code_error(error: Exception, token: Token | None, template: str) -> CodeError:
    """Return the error for one that Python code raised: of its class, too, for those who expect that in a host.

    Made without that class's `__init__`, which takes what the class likes; it has what that has set.
    """
    message = what_was_wrong(error)
    try:
        kind = _kind(type(error))
        told = kind.__new__(kind, message)
        vars(told).update({name: value for name, value in vars(error).items() if name != "__notes__"})
        told.args = (message,)
        told.token = token
        told.template_name = template or None
    except Exception:  # noqa: BLE001  an application's class may refuse another one beside it in any way
        return CodeError(message, token=token, template_name=template or None)
    return told


_KINDS: Final[dict[type[Exception], type[CodeError]]] = {}


def _kind(raised: type[Exception]) -> type[CodeError]:
    if issubclass(raised, StopIteration | StopAsyncIteration):  # no generator on the way would let it pass
        return CodeError
    if raised not in _KINDS:
        _KINDS[raised] = type(raised.__name__, (CodeError, raised), {})
    return _KINDS[raised]
