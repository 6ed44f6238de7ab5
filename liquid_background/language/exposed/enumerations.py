"""The ready rule for a member of an enumeration: its name and value, and the label of one of Django's choices."""

from __future__ import annotations

from enum import Enum
from numbers import Number
from operator import attrgetter
from typing import Any

from liquid_background.language.exposed.names import is_kind
from liquid_background.language.exposed.rules import Rule


class Member(Rule):
    """What pages read of a member of an enumeration, which is printed as its class does that.

    Args:
        kind: the class.
    """

    shows_itself = True

    def __init__(self, kind: type) -> None:
        names = ["name", "value"]
        if is_kind(kind, "django.db.models.enums", "Choices"):
            names.append("label")
        super().__init__(kind.__name__, {name: attrgetter(name) for name in names}, text=True)
        self.is_value = issubclass(kind, str | Number)
        """Whether it is a text or number itself, too, as filters take it."""

    def member(self, found: Any, name: object) -> object:
        """Return its name, value or label; of one that is a text its size, too."""
        return len(found) if name == "size" and isinstance(found, str) else super().member(found, name)

    def written(self, found: Any) -> object:
        """Return what `json` writes."""
        return found.value


def member_rule(kind: type) -> Rule | None:
    """Return the rule for members of an enumeration."""
    return Member(kind) if issubclass(kind, Enum) else None
