"""Errors of a server that are about the server, and not about what it was asked."""

from __future__ import annotations

from typing import Final

import hiredis

from liquid_background.jobs.store.refusals import unknown_command

NO_SCRIPT: Final = "NOSCRIPT"

_FULL: Final = "OOM"
_TOO_FEW: Final = "NOREPLICAS"
# These say "not now", of a server that takes no writes: what must be heard is sent again.
_REFUSALS: Final = (_FULL, "MISCONF", _TOO_FEW)
# Likewise, of a server that is of no use now: all is sent again. Every call is harmless when it arrives twice.
_NOT_NOW: Final = ("READONLY", "LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "UNBLOCKED", NO_SCRIPT)


def is_refusal(reply: object) -> bool:
    """Return whether a reply says that the store takes no writes now: it is full, or its disk is."""
    return isinstance(reply, hiredis.ReplyError) and says(reply, _REFUSALS)


def is_full(reply: object) -> bool:
    """Return whether a reply says that the store is full."""
    return isinstance(reply, hiredis.ReplyError) and says(reply, (_FULL,))


def is_unusable(reply: object) -> bool:
    """Return whether a reply says that the connection, or the server behind it, is of no use now."""
    return isinstance(reply, hiredis.ReplyError) and says(reply, _NOT_NOW)


def is_unknown_command(reply: object) -> bool:
    """Return whether a reply says that the server has no such command: it is disabled or renamed there."""
    return isinstance(reply, hiredis.ReplyError) and unknown_command(str(reply)) is not None


def has_too_few(reply: object) -> bool:
    """Return whether a reply says that a primary has too few replicas: it may have been replaced by one of them.

    So the next call goes over a new connection.
    """
    return isinstance(reply, hiredis.ReplyError) and says(reply, (_TOO_FEW,))


def says(error: hiredis.ReplyError, codes: tuple[str, ...]) -> bool:
    """Return whether an error is of one of these codes; servers before 7 put a script's in mid-sentence."""
    text = str(error)
    return text.startswith(codes) or any(f"-{code} " in text for code in codes)
