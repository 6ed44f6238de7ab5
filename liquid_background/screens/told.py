"""What a page says of the action that led to it: its words are these, so that a link can't have it say others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from liquid_background.screens.messages import Fields

DONE: Final[Mapping[str, str]] = {
    "retried": "retried, it runs again",
    "all_retried": "retried, they run again",
    "some_retried": "retried, they run again; the others could not be",
    "cancelled": "cancelled",
    "some_cancelled": "cancelled; the others could not be",
    "deleted": "deleted",
    "some_deleted": "deleted; the others could not be",
    "edited": "runs again with other values, as this new job",
    "paused": "paused",
    "paused, none waits": "paused; no job of it waits now",
    "resumed": "resumed",
    "paused already": "paused already, and left so",
    "not paused": "was not paused",
    "enqueued": "enqueued now",
    "silenced": "silenced",
    "unsilenced": "shown again",
    "aborted": "aborted",
    "started": "started; workers carry it out",
    "proving": "is being proven: workers run its jobs dry",
}
"""What was done, by the word that the query's `done` holds."""
_ENQUEUED: Final = re.compile(r", job ([A-Za-z0-9_-]{1,100})\Z")
_LONGEST: Final = 120  # characters of what it was done to
_ABOUT: Final = re.compile(
    r"(?:(?:job|operation|failure|queue|source name|group|schedule) )?\S+(?:, job \S+)?|job .{1,10}|every worker"
    r"|[\d,]+(?: of [\d,]+)? jobs?"
)
"""What it was done to: a link can name one thing, and not make a sentence."""


def told(query: Fields) -> str:
    """Return the line that a page shows at its top; empty for none."""
    words = DONE.get(query.one("done"), "") if _ABOUT.fullmatch(query.one("about")[:_LONGEST]) else ""
    return f"{query.one('about')[:_LONGEST]} {words}".strip() if words else ""


def told_job(query: Fields) -> str:
    """Return the id of the job that was enqueued by what that line tells of; empty for none."""
    found = _ENQUEUED.search(query.one("about")) if query.one("done") == "enqueued" else None
    return found[1] if found else ""
