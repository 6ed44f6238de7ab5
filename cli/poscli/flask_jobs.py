"""`flask jobs …`: the program's commands that concern jobs, for the engine of a Flask application."""

from __future__ import annotations

import re
import sys
from functools import partial
from typing import Any, Final

import click
from flask.cli import ScriptInfo

from poscli.called import CALLED, renamed
from poscli.group import HELP_OPTIONS, Group
from poscli.loader import load
from poscli.output import give_up, prepare
from poscli.sections import SECTIONS

_BESIDE: Final = ("worker", *(name for name in SECTIONS["Watch"] if name != "jobs"), "check", "doctor", "health")
"""Commands of the program that stand here beside those of `poscli jobs`."""
_THESE: Final = re.compile(rf"\bposcli(?: jobs\b|(?=:| (?:{'|'.join(_BESIDE)})\b))")
_APP: Final = "app"  # the option, which Flask has itself
_NOT_HERE: Final = (_APP, "site")  # which the application's configuration says


class FlaskJobs(Group):
    """The commands of `poscli jobs`, and some more of the program's, loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help text."""
        return [*_jobs().commands, *_BESIDE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of the program, as Flask has it."""
        own = _jobs().commands
        if cmd_name in own or cmd_name not in _BESIDE:
            return own.get(cmd_name)
        return _as_flasks(load(f"poscli.commands.{cmd_name}:command"))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command with the application's engine; errors are one line, as everywhere in the program."""
        if sys.stdout is sys.__stdout__:  # and not a test's
            prepare()
        try:
            ctx.meta[CALLED] = _as_flask_calls_it
            ctx.obj = ctx.ensure_object(ScriptInfo).load_app().extensions["liquid_background"].engine
            return super().invoke(ctx)
        except (click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            give_up()
            ctx.exit(0)
        except Exception as error:
            code = load("poscli.failures:report")(error)
            if code is None:
                raise
            ctx.exit(code)


def _jobs() -> click.Group:
    found = _as_flasks(load("poscli.commands.jobs:command"))
    assert isinstance(found, click.Group)
    return found


def _as_flasks(command: click.Command) -> click.Command:
    """Return a command, or a group of them, whose application is Flask's, and whose help says `flask`."""
    own = renamed(command, _as_flask_calls_it)
    if isinstance(own, click.Group):
        own.commands = {name: _as_flasks(each) for name, each in own.commands.items()}
    own.params = [parameter for parameter in command.params if parameter.name not in _NOT_HERE]
    if own.callback is not None and len(own.params) < len(command.params):
        own.callback = partial(own.callback, **{_APP: None})
    return own


def _as_flask_calls_it(text: str) -> str:
    """Return a text in which the commands that Flask has are called as Flask does: others are poscli's."""
    return _THESE.sub("flask jobs", text)


@click.command("jobs", cls=FlaskJobs, context_settings=HELP_OPTIONS)
def command() -> None:
    """Run jobs, and look after them: the commands of poscli, for this application.

    \b
    Examples:
      flask jobs worker
      flask jobs logs --tail
      flask jobs list --status failed
    """
