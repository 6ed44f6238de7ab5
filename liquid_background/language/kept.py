"""Parsed sources that are kept: what was used the least recently goes when there are too many, or too much of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Protocol, TypeVar

from liquid.utils import ThreadSafeLRUCache

MAX_TEMPLATES: Final = 1_000
"""Parsed templates that a site keeps."""
MAX_TEMPLATE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of their sources: parsed, each byte takes up to 160, so what is kept is bounded by more than its number."""
MAX_BODIES: Final = 500
"""Parsed bodies of jobs that an executor keeps."""
MAX_BODY_BYTES: Final = 1024 * 1024
"""Bytes of their sources."""


class Parsed(Protocol):
    """What was parsed from a source of a known size."""

    @property
    def source_size(self) -> int:
        """Bytes of its source."""


_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V", bound=Parsed)


class KeptSources(ThreadSafeLRUCache[_K, _V]):
    """Keeps what was parsed, by a key; threads may share it.

    Args:
        capacity: how many it keeps at most.
        most: bytes of their sources that it keeps at most.
    """

    def __init__(self, capacity: int, most: int) -> None:
        super().__init__(capacity)
        self.size = 0
        self._most = most

    def __getitem__(self, key: _K) -> _V:
        with self._lock:  # and no call of the base's, which each job and include would pay for
            value = self._cache[key]
            self._cache.move_to_end(key)
            return value

    def __setitem__(self, key: _K, value: _V) -> None:
        gone: list[_V] = []  # until the lock is free: a large tree takes a while to go
        with self._lock:
            if key in self._cache:
                gone.append(self._cache.pop(key))
            self._cache[key] = value
            self.size += value.source_size - sum(each.source_size for each in gone)
            while self.size > self._most or len(self._cache) > self.capacity:
                _, oldest = self._cache.popitem(last=False)
                self.size -= oldest.source_size
                gone.append(oldest)

    def __delitem__(self, key: _K) -> None:
        with self._lock:
            gone = self._cache.pop(key)
            self.size -= gone.source_size


def size_of(source: str) -> int:
    """Return the bytes of a source, as UTF-8."""
    return len(source.encode("utf-8", "surrogatepass"))
