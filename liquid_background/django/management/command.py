"""A command of `manage.py` that is one of `poscli`, with all of its options and its help, on the project's engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liquid_background.django.starting import INTERRUPTED, end_as_usual
from liquid_background.program import renaming, run_program

APP: Final = "liquid_background.django:engine"
_COMMANDS: Final = ("worker", "logs", "jobs")
_DJANGOS: Final = ("--settings", "--pythonpath")
"""Options of all of Django's commands that are Django's here, too; `manage.py` has acted on them by now."""


class ProgramCommand(BaseCommand):
    """Hands its arguments on to a command of `poscli`.

    Attributes:
        command: its name there.
    """

    command: ClassVar[str]
    requires_system_checks = ()  # a worker runs what jobs there are; `manage.py check` is for people

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command and leave with its exit code."""
        rename = _renaming(Path(argv[0]).name)
        try:
            end_as_usual()
            code = run_program([self.command, *_without_djangos(argv[2:])], APP, rename)
        except KeyboardInterrupt:  # before the program listens
            code = INTERRUPTED
        raise SystemExit(code)

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Show the command's own help, for `manage.py help`."""
        run_program([self.command, "--help"], APP, _renaming(prog_name))

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that takes what there is as it is, for `call_command`."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.prefix_chars = "\0"
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Take any arguments."""
        parser.add_argument("arguments", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command for `call_command("liquid_jobs", "list")`, with its output where that wants it."""
        streams: tuple[Any, Any] = self.stdout, self.stderr  # which add line ends of their own
        with redirect_stdout(streams[0]._out), redirect_stderr(streams[1]._out):
            code = run_program([self.command, *options["arguments"]], APP, _renaming("manage.py"))
        if code:
            raise CommandError(f"liquid_{self.command} ended with {code}", returncode=code)


def _renaming(program: str) -> Callable[[str], str]:
    """Return what gives poscli's commands the names that they have here; others are run with the project's settings."""
    start = {"manage.py": "python manage.py", "__main__.py": "python -m django"}.get(program, program)
    settings = os.environ.get("DJANGO_SETTINGS_MODULE")
    names = {name: f"{start} liquid_{name}" for name in _COMMANDS}
    return renaming(names, APP, f"DJANGO_SETTINGS_MODULE={settings} " if settings else "")


def _without_djangos(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that are not for Django: those before `--` that name its settings."""
    left: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*left, argument, *rest]
        if argument in _DJANGOS:
            next(rest, None)
        elif not argument.startswith(tuple(f"{name}=" for name in _DJANGOS)):
            left.append(argument)
    return left
