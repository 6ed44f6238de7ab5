"""Rules for objects with much in them that is not for pages, some of which are lists, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from liquid_background.errors import NotExposed
from liquid_background.language.exposed.listing import listed_as
from liquid_background.language.exposed.rules import Read, Rule, reading
from liquid_background.language.exposed.unread import has, not_among
from liquid_background.wording import a

Items = Callable[[Any], Sequence[Any] | Mapping[Any, Any]]

_ENDS: Final[Mapping[str, int]] = {"first": 0, "last": -1}
_ITEMS: Final = (*_ENDS, "size")


class Told(Rule):
    """What pages read of an object: fields, and items where they may loop over it; what else it has is told.

    Args:
        kind: the class, as messages name it.
        fields: what reads each field, by its name; an object need not have all of them.
        text: whether an object may be printed itself.
        items: returns what a loop goes through; None for what is no list.
    """

    def __init__(
        self, kind: str, fields: Mapping[str, Read], *, text: bool = False, items: Items | None = None
    ) -> None:
        super().__init__(kind, fields, text=text)
        self.is_list = items is not None
        self.stands_for_items = self.is_list and not text
        self._items = items

    def member(self, found: object, name: object) -> object:
        """Return what is listed under a name, or an item.

        Raises:
            KeyError: when the object has nothing of that name.
            NotExposed: when it has something that is not listed.
        """
        if isinstance(name, str) and name in self.fields and has(found, name):
            return reading(self.fields[name], found)
        if self._items is not None and (isinstance(name, int) or name in _ITEMS):
            items = [*self.items(found)]
            return len(items) if name == "size" else items[_ENDS[name] if isinstance(name, str) else name]
        raise self.unread(found, name)

    def why_unread(self, found: object, name: str) -> str:
        """Return why pages do not read what an object has."""
        listed = listed_as(type(found), name)
        instead = f"have the application pass it by itself, or list all that pages read, expose({self.kind}, {listed})"
        return f"{not_among(self.kind, name, (each for each in self.names(found) if has(found, each)))}: {instead}"

    def items(self, found: Any, most: int | None = None) -> Any:
        """Return what a loop goes through."""
        return reading(self._items, found) if self._items is not None else found

    def written(self, found: object) -> object:
        """Return the items of a list; refuse others, which hold more than a page should show.

        Raises:
            NotExposed: for what is no list.
        """
        if self.stands_for_items:
            return self.items(found)
        raise NotExposed(f"is {a(self.kind)}, which is not shown as a whole: print what is in it")


def attributes(*names: str) -> dict[str, Read]:
    """Return fields that are attributes of an object, or methods without arguments: their results."""
    return {name: _reader(name) for name in names}


def _reader(name: str) -> Read:
    def read(found: object) -> object:
        value = getattr(found, name)
        return value() if callable(value) else value

    return read
