"""Errors as one line on stderr that says what to do next, and the exit code of each."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Final

import click
from click.exceptions import NoArgsIsHelpError
from liquid.exceptions import LiquidError
from redis.exceptions import RedisError

from liquid_background.errors import AppLoadError, LiquidBackgroundError
from liquid_background.extras import MissingExtra
from liquid_background.jobs.log import printable
from liquid_background.language.syntax import explain, locate
from liquid_background.nearest import nearest
from poscli.called import as_called
from poscli.terminal import fitted

FAILED = 1
_SHOWN = 80  # characters of an argument
_MEANT: Final[Mapping[str, tuple[str, ...]]] = {
    "--limit": ("--lines",),
    "--priority": ("--queues", "--queue"),
    "--queue": ("--queues",),
}
"""Options that a command has by another name than the one that was given."""
_STRAY: Final = re.compile(r"Got unexpected extra arguments? \((\w+=\S*)(?: .*)?\)")  # of click
_PLACES = (  # of an OSError: what is wrong with where something is to be written
    *(errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
)


def report(error: Exception) -> int | None:
    """Print an error that users may cause and return the exit code; return None for one that is our own fault."""
    if isinstance(error, NoArgsIsHelpError):
        click.echo(error.format_message())
        return error.exit_code
    if isinstance(error, click.ClickException):
        _say(_usage(error), path=_path(error))
        return error.exit_code
    message = _message(error)
    if message is None:
        return None
    _say(message)
    for frame in error.frames if isinstance(error, AppLoadError) else ():
        click.echo(fitted(f"  {printable(frame)}", to_stderr=True), err=True)
    return FAILED


def _message(error: Exception) -> str | None:
    if isinstance(error, LiquidError):
        return explain(error)
    if isinstance(error, LiquidBackgroundError):  # of a template's author, or of whoever runs the program
        return explain(error) if locate(error)[0] else str(error)
    if isinstance(error, RedisError):
        return f"the store failed: {error}; see 'poscli doctor'"
    return _python_message(error)


def _python_message(error: Exception) -> str | None:
    if isinstance(error, MissingExtra):
        return str(error)
    if isinstance(error, UnicodeEncodeError):  # of what Python makes of bytes that are none: lone surrogates
        return f"{error.object[:_SHOWN]!a} is not UTF-8 text: write it otherwise"
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        return "the working folder has been removed: go to another one, as by cd"
    if isinstance(error, OSError) and error.filename is not None and error.errno in _PLACES:
        return f"cannot write {error.filename}: {error.strerror}; run in a folder that you may write to"
    return None


def _is_folder_gone() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def warn(warning: Warning | str) -> None:
    """Print a warning as one line; python-liquid's draw the place below, of which only the place is kept."""
    first, *rest = str(warning).splitlines() or [""]
    place = next((line.strip().removeprefix("-> ") for line in rest if line.strip().startswith("-> ")), None)
    line = printable(f"warning: {first} ({place})" if place else f"warning: {first}")
    click.echo(fitted(line, to_stderr=True), err=True)


def _say(message: str, path: str = "poscli") -> None:
    label = click.style(as_called(f"{path}:"), fg="red", bold=True)
    click.echo(fitted(f"{label} {printable(as_called(message))}", to_stderr=True), err=True)


def _path(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if isinstance(context, click.Context) else "poscli"


def _usage(error: click.ClickException) -> str:
    """Return what click says, as one sentence with the way to the help."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        known = [name for parameter in (context.command.params if context else ()) for name in parameter.opts]
        meant = [name for name in _MEANT.get(error.option_name, ()) if name in known]
        near = meant[0] if meant else nearest(error.option_name, known)
        hint = f"did you mean '{near}'?" if near else f"see '{_path(error)} --help'"
        return f"no option '{error.option_name}'; {hint}"
    stray = _STRAY.match(error.message) if context is not None and isinstance(error, click.UsageError) else None
    if stray and context is not None and any("--param" in parameter.opts for parameter in context.command.params):
        return f"{stray[1]} stands alone: write --param {stray[1]}"
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:] if message[1:2].islower() else message
    if isinstance(error, click.UsageError) and "--help" not in message and "did you mean" not in message:
        return f"{message}; see '{_path(error)} --help'"
    return message
