"""What the program's commands are called where a framework's own program has them, in messages and in help."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

import click

from poscli.url_place import with_place

CALLED: Final = "poscli.called"
"""Of a command's context: what gives a text with the program's commands the names that they have there."""
Rename = Callable[[str], str]

called: ContextVar[Rename | None] = ContextVar("called", default=None)
"""The same for a whole run of the program."""


def as_called(text: str) -> str:
    """Return a text in which the program and its commands are called as whoever runs them does: `flask jobs`.

    The store's URL is named by where it was given, but in a framework's program, which has places of its own for that.
    """
    rename = _rename()
    return rename(text) if rename is not None else with_place(text)


def is_guest() -> bool:
    """Return whether the command is a part of a framework's own program."""
    return _rename() is not None


def _rename() -> Rename | None:
    context = click.get_current_context(silent=True)
    rename: Rename | None = context.meta.get(CALLED) if context is not None else None
    return rename or called.get()


def renamed(command: click.Command, rename: Rename) -> click.Command:
    """Return a command, or a group of them, whose help has the names that it has there."""
    own = copy.copy(command)
    if isinstance(own, click.Group):
        own.commands = {name: renamed(each, rename) for name, each in own.commands.items()}
    own.help = rename(command.help or "")
    return own
