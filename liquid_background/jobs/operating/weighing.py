"""What single keys take in the store's memory, as the server says it, or as their lengths suggest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from liquid_background.jobs.queue import scripts
from liquid_background.jobs.store import Store, translated_errors

_AT_ONCE: Final = 100  # keys in one round trip: about a millisecond of the store's time
_FIELDS: Final = 50  # of a key that the server weighs, and takes the others to be like: more than a record has


class Scales:
    """Weighs keys; `is_exact` until the server refuses to say what one takes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_exact = True

    def weigh(self, names: Sequence[bytes]) -> Iterator[int]:
        """Yield what each key takes in bytes, in their order; 0 for one that is not there.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        for at in range(0, len(names), _AT_ONCE):
            part = names[at : at + _AT_ONCE]
            weights = self._measured(part) if self.is_exact else None
            yield from weights if weights is not None else scripts.run(self._store, "sizes", part)

    def _measured(self, names: Sequence[bytes]) -> list[int] | None:
        pipeline: Any = self._store.client.pipeline(transaction=False)
        for name in names:
            pipeline.execute_command("MEMORY", "USAGE", name, "SAMPLES", _FIELDS)
        with translated_errors(self._store.url):
            replies: list[Any] = pipeline.execute(raise_on_error=False)
            for reply in replies:
                if isinstance(reply, ResponseError):  # the command is not there, or not for this user
                    self.is_exact = False
                    return None
                if isinstance(reply, Exception):
                    raise reply
        return [reply or 0 for reply in replies]
