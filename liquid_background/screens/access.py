"""Who may see the dashboard, and do what: decided by its host, held here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from liquid_background.errors import SettingsError
from liquid_background.jobs.log import printable_once
from liquid_background.wording import a


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

NOBODY: Final = "dashboard"
"""Whom the audit names where the host does not know who asks."""
_LONGEST_NAME: Final = 100  # characters


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


def visitor_of(permission: Permission, name: object) -> Visitor | None:
    """Return who asks, by the answer of `authorize`; None when nothing is allowed.

    Args:
        permission: the answer. An empty set is nothing: whose actions are none is not thereby a reader.
        name: who that is, in the host's words.

    Raises:
        SettingsError: when the answer is none: it is not taken for a yes.
    """
    if permission is None:
        return None
    if permission == "read":
        return Visitor(_named(name))
    if isinstance(permission, str | bytes | Mapping) or not isinstance(permission, Collection):
        raise SettingsError(
            f"authorize answered {a(type(permission).__name__)}: it is to answer None, 'read', or a set of actions, "
            "such as ACTIONS"
        )
    unknown = sorted(repr(each) for each in permission if each not in tuple(Action))
    if unknown:
        raise SettingsError(
            f"authorize allowed the action {unknown[0][:_LONGEST_NAME]}: the actions are {', '.join(Action)}; reading "
            "goes with each of them"
        )
    return Visitor(_named(name), frozenset(Action(each) for each in permission)) if permission else None


def _named(name: object) -> str:
    """Return a name as one short word or line: it stands in the audit, beside those of others."""
    said = "" if name is None else " ".join(str(name)[: 4 * _LONGEST_NAME].split())
    shown = printable_once(said)
    return (shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…") or NOBODY
