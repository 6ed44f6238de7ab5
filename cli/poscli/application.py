"""The engine that a command works with: the application's own, or one made from the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from liquid_background import Engine, Settings
from liquid_background.errors import SettingsError
from liquid_background.settings import load_settings
from poscli.terminal import hint


def app_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --app."""
    return click.option(
        "--app",
        metavar="MODULE:ATTR",
        help="The application's Engine, such as shop.site:engine. Default: the setting APP, else the settings alone.",
    )(command)


def load_engine(app: str | None = None) -> Engine:
    """Return the engine that --app or the setting APP names, else one made from the settings.

    Raises:
        SettingsError: when a setting is wrong, or the application cannot be found.
    """
    settings = load_settings(app=app)
    return load_application(settings.app) if settings.app else Engine(settings=settings)


def load_application(app: str) -> Engine:
    """Import the Engine that "module:attr" names, also from the current folder.

    Raises:
        SettingsError: when there is no such module or attribute, or it is no Engine.
    """
    module_name, _, attribute = app.partition(":")
    if not module_name or not attribute:
        raise SettingsError(f"the application {app!r} is not module:attr, such as shop.site:engine")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # an import of the application's own fails: its traceback says where
        where = f"in {os.getcwd()} or on the import path"
        raise SettingsError(f"the application {app!r}: there is no module {error.name} {where}") from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise SettingsError(f"the application {app!r}: {module_name} has no {attribute}")
        found = getattr(found, name)
    if not isinstance(found, Engine):
        raise SettingsError(f"the application {app!r} is a {type(found).__name__}, not a liquid_background.Engine")
    return found


def no_store(settings: Settings) -> str | None:
    """Return what to say when there is no store to look at; looking must not make one. None when there is one."""
    if settings.redis_url or settings.data_dir.exists():
        return None
    return (
        f"no store here: {settings.data_dir} does not exist; 'poscli render PAGE' or 'poscli dev' makes one, "
        "LIQUID_BACKGROUND_REDIS_URL names another"
    )


def hint_waiting(engine: Engine) -> None:
    """Tell the person at the terminal when jobs wait and no worker runs."""
    counts = engine.jobs.counts()
    waiting = sum(count.queued + count.scheduled for count in counts)
    if waiting and not sum(count.workers for count in counts):
        hint(f"{waiting} {'job' if waiting == 1 else 'jobs'} waiting, no worker running. Start one: poscli worker")
