"""The engine that a command works with: the application's own, or one made from the settings."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import click

from liquid_background import Engine, Settings
from liquid_background.errors import SettingsError, StoreError
from liquid_background.jobs.queue.overview import workers
from liquid_background.jobs.store import embedded
from liquid_background.jobs.store.ownership import check_place
from liquid_background.loading import load_app
from liquid_background.settings import load_settings
from liquid_background.wording import a
from poscli.called import is_guest
from poscli.options import app_option
from poscli.plain_log import make_last_resort_plain
from poscli.sites import given_site
from poscli.terminal import hint, note

__all__ = [
    "app_option",
    "given_engine",
    "hint_waiting",
    "load_engine",
    "needed_engine",
    "no_store",
    "stored_engine",
]


def load_engine(app: str | None = None, *, for_pages: bool = False) -> Engine:
    """Return the engine that --app names, else `given_engine`, else that of the setting APP or of the settings alone.

    Args:
        app: what --app says.
        for_pages: whether those who ask for pages wait for the store, who have less patience than a command.

    Raises:
        SettingsError: when a setting is wrong, or the application cannot be loaded.
        UsageError: when it is another site than --site names.
    """
    found = _found_engine(app)
    site, own = given_site(), found.settings.site
    if site is not None and site != own:
        raise click.UsageError(
            f"--site {site}: the application says itself that its site is {own!r}; leave --site out, or have the "
            "application leave that to the setting SITE"
        )
    if not for_pages:
        found.be_patient()
    return found


def _found_engine(app: str | None) -> Engine:
    given = given_engine()
    if given is not None and app is None:
        return given
    make_last_resort_plain()
    settings = load_settings(app=app)
    if settings.app is None:
        return Engine(settings=settings)
    found = load_app(settings.app)
    if not isinstance(found, Engine):
        raise SettingsError(f"setting app: {settings.app!r} is {a(type(found).__name__)}, not an Engine")
    return found


def given_engine() -> Engine | None:
    """Return the engine of the program that the command is a part of, such as `flask`; None in poscli itself."""
    context = click.get_current_context(silent=True)
    return context.find_object(Engine) if context is not None else None


def stored_engine(app: str | None) -> Engine | None:
    """Return the engine of a command that looks at a store; None, which is said, where there is none to look at.

    Raises:
        SettingsError: or another error, as `load_engine` does.
    """
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing:
        note(missing)
        return None
    return engine


def needed_engine(app: str | None) -> Engine:
    """Return the engine of a command that can do nothing without a store, and ends where there is none.

    Raises:
        SettingsError: or another error, as `load_engine` does.
    """
    engine = stored_engine(app)
    if engine is None:
        sys.exit(1)
    return engine


def no_store(settings: Settings) -> str | None:
    """Return what to say when there is no store to look at; looking must not make one. None when there is one.

    Raises:
        StoreStartError: when the folder, or what is in it, cannot be a store of this user's.
    """
    folder = settings.data_dir
    if settings.redis_url:
        return None
    embedded.own_socket(folder)
    check_place(folder)
    if _has_files(folder):
        return None
    makers = "'poscli worker'" if is_guest() else "'poscli render PAGE' or 'poscli dev'"
    return f"no store here, in {folder}: {makers} makes one, LIQUID_BACKGROUND_REDIS_URL names another"


def _has_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # somebody else's, or no folder, as whoever connects says


def hint_waiting(engine: Engine) -> None:
    """Tell the person at the terminal when jobs wait and no worker runs, if the store can be asked just now."""
    if not sys.stdout.isatty():
        return
    with suppress(StoreError):  # what follows outlives the store's absence, and is not to end by a hint
        waiting = sum(count.queued + count.scheduled for count in engine.jobs.counts())
        if waiting and not any(worker.is_readable for worker in workers(engine.store)):
            hint(f"{waiting} {'job' if waiting == 1 else 'jobs'} waiting, no worker running. Start one: poscli worker")
