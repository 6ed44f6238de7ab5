"""The values that a command gives to a page: its parameters and its variables, as options have them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from liquid_background.errors import NotPlain
from liquid_background.variables import parse_variables
from poscli.output import ClosedInput

F = TypeVar("F", bound=Callable[..., Any])

_MAX_DATA: Final = 64 * 1024 * 1024  # bytes: a device, or a pipe that somebody forgot, has no end


def page_options(command: F) -> F:
    """Give a command the options --param and --data."""
    data = click.option(
        "--data",
        type=click.Path(path_type=Path, allow_dash=True),
        metavar="FILE",
        help="JSON object with the page's variables; - reads it from standard input.",
    )
    param = click.option(
        "--param", "params", multiple=True, metavar="NAME=VALUE", help="A request parameter; may be repeated."
    )
    return param(data(command))


def request_of(params: tuple[str, ...]) -> dict[str, str]:
    """Return the request's parameters.

    Raises:
        BadParameter: for one that is not NAME=VALUE.
    """
    return dict(_split(param) for param in params)


def _split(param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"'{param}' is not NAME=VALUE", param_hint="--param")
    return name, value


def read_variables(path: Path | None) -> dict[str, Any]:
    """Return a page's variables from a file, or from standard input.

    Raises:
        BadParameter: when it cannot be read, or is no JSON object.
    """
    if path is None:
        return {}
    if str(path) == "-" and isinstance(sys.stdin, ClosedInput):
        raise click.BadParameter("standard input is closed: redirect a file or a pipe to it", param_hint="--data")
    try:
        with click.open_file(str(path), "rb") as stream:
            text = stream.read(_MAX_DATA + 1)
        if len(text) > _MAX_DATA:
            raise click.BadParameter(f"{path} is over {_MAX_DATA // 1024**2} MB", param_hint="--data")
        return parse_variables(text)
    except OSError as error:
        raise click.BadParameter(f"cannot read {path}: {error.strerror}", param_hint="--data") from error
    except NotPlain as error:
        raise click.BadParameter(f"{path} {error}", param_hint="--data") from error
