"""What depends on whether a person watches: colour, and hints on stderr."""

from __future__ import annotations

import os
import sys

import click


def has_colour() -> bool:
    """Return whether standard output is a terminal that shows colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, **style: str | bool) -> str:
    """Return text in a style, or plain where colour is off."""
    return click.style(text, **style) if has_colour() else text  # type: ignore[arg-type]


def hint(message: str) -> None:
    """Tell the person at the terminal what is not output; silent when standard output is piped."""
    if sys.stdout.isatty():
        click.echo(styled(message, dim=True), err=True)


def note(message: str) -> None:
    """Say on stderr, also to a script, why there is no output."""
    click.echo(message, err=True)
