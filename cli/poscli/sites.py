"""The option --site: which of the sites that share a store a command works for. It is the setting SITE of this run."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import click

from liquid_background.job import SITE
from poscli.loader import load

_VARIABLE: Final = "LIQUID_BACKGROUND_SITE"  # the application, which makes its engine itself, reads it, too
_GIVEN: Final = "poscli.site"


def site_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command, or the program, the option --site."""
    return click.option(
        "--site",
        metavar="NAME",
        expose_value=False,
        callback=_use,
        shell_complete=_complete,
        help="Name of the site, where several share a store. Default: the setting SITE.",
    )(command)


def given_site() -> str | None:
    """Return the site that --site names for the command that runs; None without the option."""
    context = click.get_current_context(silent=True)
    return context.meta.get(_GIVEN) if context is not None else None


def _use(ctx: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    """Have the settings of this run, and of what it starts, say so."""
    if name is None:
        return
    if not SITE.fullmatch(name):
        raise click.BadParameter(f"{name[:80]!r} is not 1 to 40 letters, digits, - and _", ctx)
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = ctx.meta[_GIVEN] = name
    if not ctx.resilient_parsing:  # which ends before the completion asks for values
        ctx.call_on_close(partial(_put_back, before))


def _put_back(before: str | None) -> None:
    os.environ.pop(_VARIABLE, None)
    if before is not None:
        os.environ[_VARIABLE] = before


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    found: list[str] = load("poscli.completing:sites")(ctx, parameter, incomplete)
    return found
