"""What one Flask application has of the extension: its engine, and who the user of a request is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, current_app
from flask.sansio.app import App

from liquid_background.engine import Engine
from liquid_background.errors import NoApplication
from liquid_background.flask.contexts import Contexts

KEY: Final = "liquid_background"
"""Where it is in `app.extensions`."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class Installation:
    """The extension in one application.

    Attributes:
        app: the application.
        engine: its own.
        contexts: of its jobs and hooks.
        user: gives the user of the request that is going on; None when nobody said how.
    """

    app: Flask
    engine: Engine
    contexts: Contexts
    user: Callable[[], object] | None = None


def installation_of(app: App) -> Installation | None:
    """Return what an application has of the extension, None when that was never set up."""
    found = app.extensions.get(KEY)
    return found if isinstance(found, Installation) else None


def current() -> Installation:
    """Return what the current application has.

    Raises:
        NoApplication: outside of an application context, and when the extension was not set up.
    """
    if not current_app:
        raise NoApplication(
            "Working outside of application context: the engine is the current application's; use it in a view, a "
            "command or a job, or inside `with app.app_context():`"
        )
    found = installation_of(current_app)
    if found is None:
        raise NoApplication(
            f"the Flask application {current_app.name!r} has no engine: set the extension up, "
            "LiquidBackground(app) or background.init_app(app)"
        )
    return found


def get_engine() -> Engine:
    """Return the engine of the current application.

    Raises:
        NoApplication: outside of an application context, and when the extension was not set up.
    """
    return current().engine
