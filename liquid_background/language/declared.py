"""What an application says of its filters, tags and functions, for previews: one is pure, or has a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict

from liquid_background.errors import SettingsError

StandIn: TypeAlias = Callable[..., Any]
"""Called in a preview instead of what it stands for, with the same arguments; returns what that would."""


class Said(TypedDict, total=False):
    """What an application may say of what it registers; see `Declared`."""

    pure: bool
    preview: StandIn | None


@dataclass(frozen=True, slots=True)
class Declared:
    """What is said of one filter, tag or function.

    Attributes:
        of: what it is said of: what is registered under the same name later is another one.
        pure: whether calling it changes nothing outside of the render, so that a preview may call it.
        preview: what a preview calls instead of it.
    """

    of: object
    pure: bool = False
    preview: StandIn | None = None

    @classmethod
    def given(cls, of: object, *, pure: bool, preview: StandIn | None) -> Declared:
        """Return what is said of something.

        Raises:
            SettingsError: when both is said.
        """
        if pure and preview is not None:
            raise SettingsError("give pure=True, or preview=, not both: what is pure is called in a preview, too")
        if preview is not None and not callable(preview):
            raise SettingsError(f"preview is {preview!r:.100}; it must be a function that is called in its place")
        return cls(of, pure, preview)
