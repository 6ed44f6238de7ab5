"""Click groups that name the nearest command for a wrong one, and the program's own, which loads commands lazily."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from liquid_background.nearest import nearest
from poscli.called import called, renamed
from poscli.loader import load
from poscli.output import give_up
from poscli.sections import SECTIONS

HELP_OPTIONS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Group(click.Group):
    """A group of commands; a wrong name gets the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            UsageError: with the nearest name, when there is none.
        """
        name = args[0]
        found = self.get_command(ctx, name)
        if found is not None:
            return name, found, args[1:]
        if name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = nearest(name, self.list_commands(ctx), cutoff=0.5)
        hint = f"did you mean '{near}'?" if near else f"see '{ctx.command_path} --help'"
        raise click.UsageError(f"no command '{name}'; {hint}", ctx)


class Program(Group):
    """The top level: its help comes from the table of sections, so that it imports no command."""

    @property
    def homes(self) -> Mapping[str, str]:
        """Return the place of each command."""
        return {name: f"poscli.commands.{name}:command" for names in SECTIONS.values() for name in names}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help text."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command's module and return the command."""
        if cmd_name not in self.homes:
            return None
        command: click.Command = load(self.homes[cmd_name])
        rename = called.get()
        return command if rename is None else renamed(command, rename)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that leaves early, as `head` does, has seen enough and is no error."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            give_up()
            ctx.exit(0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))
