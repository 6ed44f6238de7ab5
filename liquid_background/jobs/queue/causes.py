"""Why a job failed, as its failure group knows it: the place of its body, the error's class, what messages share."""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b64decode
from typing import Final, NamedTuple

from liquid_background.jobs.queue.likeness import likeness

FAILURE_ID: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)
"""The id of a failure group."""
MAX_PLACE: Final = 255  # bytes of a template's name that a group keeps
GARBAGE: Final = "its record is garbage"
"""What begins what is said of a job that no move can make sense of."""
_MAX_RAISED: Final = 100  # characters
_MAX_TRACE_READ: Final = 1024 * 1024  # bytes of a traceback: another tool's may be longer
_LAST_LINE: Final = re.compile(r"([A-Za-z_][\w.]*)(?::\s(.*))?")


class Cause(NamedTuple):
    """What the failed jobs of one group share."""

    failure: str  # the group's id: a digest of the rest
    template: str  # of a function, its path
    line: int
    raised: str  # the error's class; where no error was raised, the word that the log has for such an end
    message: str  # without what changes

    @classmethod
    def of(cls, template: str, line: int, raised: str, error: str) -> Cause:
        """Return the cause of a failure.

        Args:
            template: in which the job's body stands, or the path of its function.
            line: of the body, or the function.
            raised: the class of the error, or the log's word.
            error: the line that says why.
        """
        raised = raised[:_MAX_RAISED]
        message = likeness(error)
        shared = "\n".join((template, str(line), raised, message)).encode("utf-8", "backslashreplace")
        return cls(hashlib.sha1(shared, usedforsecurity=False).hexdigest()[:12], template, line, raised, message)

    def encoded(self) -> bytes:
        """Return it as the scripts take it beside a job's template and line: id, class and message, a line each."""
        return "\n".join((self.failure, self.raised, self.message)).encode("utf-8", "backslashreplace")


class Raised(NamedTuple):
    """What a traceback ends in."""

    name: str
    error: str


def raised_in(exc_string: bytes | None) -> Raised:
    """Return the error that a traceback ends in, which RQ keeps in a result; blank when it cannot be read."""
    try:
        trace = zlib.decompressobj().decompress(b64decode(exc_string or b""), _MAX_TRACE_READ)
    except (ValueError, zlib.error):
        return Raised("", "")
    for line in reversed(trace.decode("utf-8", "backslashreplace").splitlines()):
        found = _LAST_LINE.fullmatch(line)
        if found:
            return Raised(found[1].rpartition(".")[2][:_MAX_RAISED], line[:1000])
    return Raised("", "")
