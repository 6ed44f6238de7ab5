"""Who may see the dashboard, and do what: decided by its host, held here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from liquid_background.errors import SettingsError


class Action(StrEnum):
    """What somebody may be allowed to do at a dashboard, beside reading."""

    RETRY = "retry"  # jobs, one or many
    CANCEL = "cancel"
    DELETE = "delete"
    EDIT = "edit"  # run a job again with other values
    PAUSE = "pause"  # and resume: queues, source names, groups, schedules
    RUN = "run"  # a schedule now
    SILENCE = "silence"  # failure groups
    ABORT = "abort"  # operations


ACTIONS: Final = frozenset(Action)
"""All actions."""

Permission: TypeAlias = Literal["read"] | Collection[str] | None
"""What a host's `authorize` answers: None for nothing at all, "read", or the actions that are allowed beside it."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks.

    Attributes:
        name: whom the audit names.
        actions: what is allowed beside reading.
    """

    name: str
    actions: frozenset[Action] = field(default=frozenset())

    def may(self, action: Action | str) -> bool:
        """Return whether an action is allowed."""
        return action in self.actions


def visitor_of(permission: Permission, name: str) -> Visitor | None:
    """Return who asks, by the answer of `authorize`; None when nothing is allowed.

    Raises:
        SettingsError: when the answer is none: it is not taken for a yes.
    """
    if permission is None:
        return None
    if permission == "read":
        return Visitor(name)
    if isinstance(permission, str | bool) or not isinstance(permission, Collection):
        raise SettingsError(
            f"authorize answered {permission!r}: it is to answer None, 'read', or a set of actions, such as ACTIONS"
        )
    unknown = sorted(str(each) for each in permission if each not in tuple(Action))
    if unknown:
        raise SettingsError(f"authorize allowed the action {unknown[0]!r}: the actions are {', '.join(Action)}")
    return Visitor(name, frozenset(Action(each) for each in permission))
