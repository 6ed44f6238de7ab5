"""Options that several commands have, for those that are not to import the engine, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from poscli.sites import site_option


def app_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --app and --site."""
    app = click.option(
        "--app",
        metavar="MODULE:ATTR",
        help="The application's Engine, such as shop.site:engine, or a function that makes it, such as "
        "shop.site:make_engine. Default: the setting APP, else the settings alone.",
    )
    return app(site_option(command))
