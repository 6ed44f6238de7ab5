"""Marks: texts that stand for values which nobody knows before the real run, and are found again wherever they went."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from secrets import randbelow
from typing import Any, Final

_DIGITS: Final = 18
"""Digits that are drawn anew for each preview, so that no template or value can write a mark."""
_MOST: Final = 10**6  # different marks of one preview
_NAMED: Final = 3  # effects by which a value is called that depends on several
_MOST_LOOKED: Final = 100_000  # values of a list or object that are looked at; one with more may hold every mark


class Marks:
    """The marks of one preview: each stands for a value that depends on effects, by their numbers.

    A mark is digits between underscores: filters that change letters, escape, or write JSON leave it as it is, and
    nothing takes it for a number.
    """

    def __init__(self) -> None:
        nonce = f"{randbelow(10**_DIGITS):0{_DIGITS}d}"
        self._form = f"_{nonce}{{:06d}}_"
        self._mark = re.compile(rf"_{nonce}(\d{{6}})_")
        self._marks: dict[tuple[str, frozenset[int]], str] = {}
        self._known: list[tuple[str, frozenset[int]]] = []
        self._unions: dict[frozenset[int], str] = {}

    def mark(self, label: str, numbers: Iterable[int]) -> str:
        """Return what stands for a value.

        Args:
            label: what people are shown in its place.
            numbers: of the effects that it depends on.
        """
        key = (label, frozenset(numbers))
        if key not in self._marks and len(self._known) < _MOST:
            self._marks[key] = self._form.format(len(self._known))
            self._known.append(key)
        return self._marks.get(key) or self._form.format(0)

    def union(self, numbers: frozenset[int]) -> str:
        """Return what stands for a value that was made of others which depend on effects."""
        if numbers not in self._unions:
            labels = dict.fromkeys(label for label, of in self._known if len(of) == 1 and of <= numbers)
            self._unions[numbers] = self.mark(", ".join([*labels][:_NAMED]), numbers)
        return self._unions[numbers]

    def numbers(self, value: object) -> frozenset[int]:
        """Return the numbers of the effects that a value depends on, as far as marks in it tell."""
        if not self._known:
            return _NONE
        if isinstance(value, str):
            return self._numbers_in(value)
        if not isinstance(value, list | tuple | dict):
            return _NONE
        found: frozenset[int] = _NONE
        left: list[Any] = [value]
        for _ in range(_MOST_LOOKED):
            if not left:
                return found
            each = left.pop()
            if isinstance(each, str):
                found |= self._numbers_in(each)
            elif isinstance(each, Mapping):
                left += [*each.keys(), *each.values()]
            elif isinstance(each, list | tuple):
                left += each
        return frozenset().union(*(of for _, of in self._known))

    def _numbers_in(self, text: str) -> frozenset[int]:
        ids = {int(found) for found in self._mark.findall(str(text))}
        return frozenset().union(*(self._known[each][1] for each in ids)) if ids else _NONE

    def shown(self, value: Any) -> Any:
        """Return a value as people are shown it: with the labels of marks, such as [post_json?], in their places."""
        if not self._known:
            return value
        if isinstance(value, str):
            return self._mark.sub(lambda found: f"[{self._known[int(found[1])][0]}?]", str(value))
        if isinstance(value, Mapping):
            return {self.shown(key): self.shown(item) for key, item in value.items()}
        return [self.shown(item) for item in value] if isinstance(value, list | tuple) else value


_NONE: Final[frozenset[int]] = frozenset()
