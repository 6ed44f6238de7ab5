"""The program: runs a command and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

import click

from poscli.called import Rename, called
from poscli.group import HELP_OPTIONS, Program
from poscli.loader import load
from poscli.output import OutputLost, give_up, prepare
from poscli.sites import site_option

INTERRUPTED = 130  # what shells make of Ctrl-C


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        version = load("importlib.metadata:version")  # it takes a fifth of a probe's time to import
        click.echo(f"poscli {version('liquid-background')}")
        ctx.exit()


@click.group(cls=Program, context_settings=HELP_OPTIONS)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
@site_option
def program() -> None:
    """Background jobs for Liquid templates: render pages, run their jobs, watch them.

    Settings come from LIQUID_BACKGROUND_… variables and from [tool.liquid_background] in pyproject.toml.
    """


def run(arguments: Sequence[str], rename: Rename | None = None) -> NoReturn:
    """Run a command and leave with its exit code: 0 fine, 1 failed, 2 wrong usage."""
    warnings.showwarning = _warn
    before = called.set(rename)
    try:
        _run(arguments)
    finally:
        called.reset(before)  # of a program that calls several, as a test may


def _run(arguments: Sequence[str]) -> NoReturn:
    try:
        prepare()
        code = program.main(arguments, prog_name="poscli", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Exception as error:
        if isinstance(error, OutputLost):
            give_up()
        # Loaded here because telling errors apart needs the template engine, which takes longer than most commands.
        code = load("poscli.failures:report")(error)
        if code is None:
            raise
    sys.exit(code if isinstance(code, int) else 0)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    load("poscli.failures:warn")(message)
