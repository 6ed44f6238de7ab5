"""The job log: a capped stream of entries, how it is read, followed and shown as lines."""

from liquid_background.joblog.entry import decode_entry, encode_entry
from liquid_background.joblog.lines import format_entry, printable
from liquid_background.joblog.stream import KEY, append, entries, follow

__all__ = ["KEY", "append", "decode_entry", "encode_entry", "entries", "follow", "format_entry", "printable"]
