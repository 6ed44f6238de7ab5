"""The job log: a capped stream of entries, how it is read, followed and shown. Names are loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.jobs.log.entry import encode_entry
    from liquid_background.jobs.log.following import follow
    from liquid_background.jobs.log.lines import Format, format_entry, is_word, printable, printable_once, steady
    from liquid_background.jobs.log.searching import ENDS, KEY, LONG, MARKS
    from liquid_background.jobs.log.stream import entries, last_id, oldest_first

__all__ = [
    "ENDS",
    "KEY",
    "LONG",
    "MARKS",
    "Format",
    "encode_entry",
    "entries",
    "follow",
    "format_entry",
    "is_word",
    "last_id",
    "oldest_first",
    "printable",
    "printable_once",
    "steady",
]

__getattr__ = lazy_attributes(
    __name__,
    {
        "encode_entry": "entry",
        **dict.fromkeys(("Format", "format_entry", "is_word", "printable", "printable_once", "steady"), "lines"),
        **dict.fromkeys(("ENDS", "KEY", "LONG", "MARKS"), "searching"),
        **dict.fromkeys(("entries", "last_id", "oldest_first"), "stream"),
        "follow": "following",
    },
)
