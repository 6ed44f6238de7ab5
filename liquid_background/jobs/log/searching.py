"""The names of the log's streams, and the script that searches them: for whatever client runs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from liquid_background.job import LogStatus
from liquid_background.jobs.log.entry import FIELDS, MAX_FIELD, encoded
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store.asking import Asking, Refusal

KEY: Final = "liquid_background:log"
ENDS: Final = "liquid_background:log:ends"
"""The ends of attempts that are older than the oldest entry under KEY."""
MARKS: Final = "liquid_background:log:marks"
"""What lines of templates weigh: since the last mark, then the ids of the marks, oldest first (see room.lua)."""
LONG: Final = "liquid_background:log:long"
"""What long reasons of failed attempts take, in bytes, and an entry no newer than the last of them (see said.lua)."""
_BUDGET: Final = 300  # entries that one script call looks at: 2 ms of the store's time, 6 on a busy machine
_MOST_LOOKS: Final = 100_000 // _BUDGET  # calls that a count takes at most
_FAILURES: Final = (LogStatus.FAILED, LogStatus.LOST)


def keys_of(site: str) -> tuple[str, str]:
    """Return the keys of a site's log, and of the ends that are older."""
    return own_name(site, KEY), own_name(site, ENDS)


def search(
    newest: str | bytes,
    oldest: bytes,
    limit: int,
    wanted: Mapping[str, str | None],
    *,
    longest: int = MAX_FIELD,
    site: str = "",
) -> tuple[str | bytes | int, ...]:
    """Return the arguments with which `script` finds entries, newest first.

    Args:
        newest: id to go back from, as the call before returned it; "+" at first.
        oldest: id to end at.
        limit: entries to return.
        wanted: what fields must be; empty for any.
        longest: bytes of a field that are returned.
        site: whose log it is.
    """
    filters = [part for name, value in wanted.items() for part in (FIELDS.index(name) + 1, _compared(name, value))]
    return (newest, oldest, limit, _BUDGET, longest, *keys_of(site), *filters)


def _compared(name: str, value: str | None) -> bytes:
    """Return what a field must be, as the script compares it: a type in small letters, of ASCII's."""
    sought = encoded(value or "")
    return sought.lower() if name == "type" else sought


@cache
def script() -> str:
    """Return the script that searches the log; it has no keys."""
    # Not by importlib.resources, which takes 15 ms to import: a tenth of what a probe may take.
    return Path(__file__).with_name("entries.lua").read_text("ascii")


def count_failures(ask: Asking, seconds: float, most: int, site: str = "") -> int | None:
    """Return how many attempts failed or were lost in the last seconds, at most `most`; None when that is not told.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    [clock] = ask.ask(("TIME",))
    if isinstance(clock, Refusal):
        return None
    oldest = b"%d" % max(0, int((int(clock[0]) - seconds) * 1000))
    count = 0
    for status in _FAILURES:
        newest: str | bytes = "+"
        for _ in range(_MOST_LOOKS):
            if not newest or count >= most:
                break
            words = search(newest, oldest, most - count, {"status": status}, longest=1, site=site)
            [reply] = ask.ask(("EVAL", script(), 0, *words))
            if isinstance(reply, Refusal):
                return None
            count, newest = count + len(reply[0]), reply[1]
    return count
