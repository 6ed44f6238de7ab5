"""Parsed sources that are kept: what was used the least recently goes when there are too many, or too much of them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from sys import getsizeof
from typing import Final, Protocol, TypeVar

from liquid import Token
from liquid.token import TOKEN_COMMENT, TOKEN_CONTENT, TOKEN_DOC, TOKEN_EXPRESSION
from liquid.utils import ThreadSafeLRUCache

MAX_TEMPLATES: Final = 1_000
"""Parsed templates that a site keeps."""
MAX_TEMPLATE_WEIGHT: Final = 64 * 1024 * 1024
"""Bytes that they take, parsed: 250 KB of text take little more than that, 250 KB of `{{a}}` 30 MB."""
MAX_BODIES: Final = 500
"""Parsed bodies of jobs that an executor keeps."""
MAX_BODY_WEIGHT: Final = 16 * 1024 * 1024
"""Bytes that they take, parsed."""

_WORD: Final = re.compile(r"\w+")
_OF_A_WORD: Final = 300  # bytes of the expressions, tokens and names that a word in markup becomes
_OF_A_TOKEN: Final = 300  # bytes of a text, an output or a tag beside that
_TEXT: Final = frozenset((TOKEN_CONTENT, TOKEN_COMMENT, TOKEN_DOC))


class Parsed(Protocol):
    """What was parsed, and says what it takes."""

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""


_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V", bound=Parsed)


class KeptSources(ThreadSafeLRUCache[_K, _V]):
    """Keeps what was parsed, by a key; threads may share it.

    Args:
        capacity: how many it keeps at most.
        most: bytes of them that it keeps at most.
    """

    def __init__(self, capacity: int, most: int) -> None:
        super().__init__(capacity)
        self.weight = 0
        self.most = most

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
            self.weight += value.weight - sum(each.weight for each in gone)
            while self.weight > self.most or len(self._cache) > self.capacity:
                _, oldest = self._cache.popitem(last=False)
                self.weight -= oldest.weight
                gone.append(oldest)

    def __delitem__(self, key: _K) -> None:
        with self._lock:
            gone = self._cache.pop(key)
            self.weight -= gone.weight


def weigh(tokens: Sequence[Token]) -> int:
    """Return about how many bytes a template takes when it is parsed: its source, and what its markup becomes.

    Measured, it is between half of that and a third more, whatever stands in it.
    """
    weight = getsizeof(tokens[0].source) + _OF_A_TOKEN * len(tokens) if tokens else 0
    for token in tokens:
        if token.kind in _TEXT:
            weight += getsizeof(token.value)
        elif token.kind == TOKEN_EXPRESSION:
            weight += _OF_A_WORD * len(_WORD.findall(token.value))
    return weight
