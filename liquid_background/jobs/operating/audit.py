"""The audit: who did which operation, retry, cancel, delete, edit, pause and the like, in a stream of its own.

What is done by a script has its entry written in the same script, by the function of `audit.lua`; `Audit.note` is for
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.jobs.contract import APPLICATION
from liquid_background.jobs.log.entry import encoded, order_of
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.protocol import LONGEST_AUDITED
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. What its entry does not say is blank."""

    time: datetime
    by: str  # such as ada@web-3; `APPLICATION` for what an application does by itself
    action: str  # such as retry
    about: str  # what it was done to, such as "job 3fa9… (send_email)"
    id: str = ""  # where it stands in the stream


class Audit:
    """The audit of a store. It holds no state of its own, and is safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def entries(self, limit: int = 100, since: datetime | None = None, *, before: str = "") -> Sequence[AuditEntry]:
        """Return the newest entries, oldest first.

        Args:
            limit: of how many at most.
            since: none before that time.
            before: the id of an entry, of which those before are returned; empty for the newest.

        Raises:
            ValueError: when the limit is negative, or no entry can have that id.
            StoreUnavailable: when the store cannot be reached.
        """
        if limit < 0:
            raise ValueError(f"at most {limit} entries of the audit: give a limit from 0")
        if before and not _ID.fullmatch(before):
            raise ValueError(f"no entry of the audit has the id {before[:40]!r}: give one that an entry has")
        if before and order_of(before.encode()) == (0, 0):
            return []  # nothing is, and the store takes no such end of a range
        oldest = str(max(0, int(since.timestamp() * 1000))) if since else "-"
        pipeline: Any = self._store.client.pipeline(transaction=False)
        # A count of 0 would mean all.
        pipeline.xrevrange(
            own_name(self._store.site, keys.AUDIT), f"({before}" if before else "+", oldest, count=max(1, limit)
        )
        [found] = read_replies(pipeline, self._store.url)
        return [_entry(entry_id, fields) for entry_id, fields in reversed((found or [])[:limit])]

    def note(self, action: str, about: str, by: str = APPLICATION) -> None:
        """Write an entry of what was done without a script of its own.

        Raises:
            StoreUnavailable: when it cannot be written.
        """
        scripts.run(self._store, "note", [encoded(by), encoded(action), encoded(about)], "the entry may be written")


_ID: Final = re.compile(r"[0-9]{1,19}-[0-9]{1,19}", re.ASCII)
_LONGEST_ID: Final = 41  # bytes
_LONGEST_TIME: Final = 253_402_300_799_000  # milliseconds: the end of the year 9999


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> AuditEntry:
    by, action, about = (text(fields.get(name), LONGEST_AUDITED) for name in (b"by", b"action", b"about"))
    milliseconds = min(order_of(entry_id)[0], _LONGEST_TIME)
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return AuditEntry(time=time, by=by, action=action, about=about, id=text(entry_id, _LONGEST_ID))
