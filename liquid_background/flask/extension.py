"""The Flask extension: sets an engine up for each application, and has it registered what was declared."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar
from weakref import WeakSet

from flask import Flask, Response

from liquid_background.engine import Engine
from liquid_background.errors import NoApplication, SettingsError
from liquid_background.flask.configuration import read_configuration
from liquid_background.flask.contexts import Contexts, run_in_context
from liquid_background.flask.databases import keep_connections
from liquid_background.flask.installation import KEY, Installation, current, installation_of
from liquid_background.flask.pages import url_filter
from liquid_background.flask.registering import Registering
from liquid_background.language.environment import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.settings import Settings

U = TypeVar("U", bound=Callable[[], object])


class LiquidBackground(Registering):
    """Background jobs and Liquid pages in Flask applications.

    Args:
        app: set up at once; without one, `init_app` does that later, for one application or several.
        environment: makes an application's Liquid environment from its settings, such as for a loader of its own.
            Without it, pages are in the site's folder, and what they print is escaped.
    """

    def __init__(
        self, app: Flask | None = None, *, environment: Callable[[Settings], Environment] | None = None
    ) -> None:
        self._make_environment = environment or site_environment
        self._steps: list[Callable[[Installation], object]] = []
        self._installations: WeakSet[Installation] = WeakSet()  # which the applications hold
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make the engine of an application from its config, as `app.extensions["liquid_background"].engine`.

        Raises:
            SettingsError: when a setting is wrong, or the application has an engine already.
        """
        if installation_of(app) is not None:
            raise SettingsError(f"the Flask application {app.name!r} has an engine already: call init_app once")
        configuration = read_configuration(app)
        environment = self._make_environment(configuration.settings)
        environment.add_filter("url_for", url_filter, pure=True)
        engine = Engine(settings=configuration.settings, environment=environment)
        contexts = Contexts(app, engine.hooks, configuration.base_url)
        run_in_context(contexts, engine)
        keep_connections(app, contexts, engine)
        app.extensions[KEY] = made = Installation(app, engine, contexts)
        self._installations.add(made)
        app.after_request(partial(_settle, engine))
        for step in self._steps:
            step(made)
        for command in _commands():
            if command.name not in app.cli.commands:  # the application's own of that name stays
                app.cli.add_command(command.load(), command.name)

    @property
    def engine(self) -> Engine:
        """The engine of the current application.

        Raises:
            NoApplication: outside of an application context, and when this extension was not set up for it.
        """
        found = current()
        if found not in self._installations:
            raise NoApplication(
                f"the Flask application {found.app.name!r} has another LiquidBackground: use that, or get_engine()"
            )
        return found.engine

    def record(self, step: Callable[[Installation], object]) -> None:
        """Have something done with each application that the extension is set up for, now and later."""
        self._steps.append(step)
        for each in list(self._installations):
            step(each)

    def user(self, function: U) -> U:
        """Have a function say who the user of a request is, before Flask-Login and `g.user` are asked."""

        def step(to: Installation) -> None:
            to.user = function

        self.record(step)
        return function


def site_environment(settings: Settings) -> Environment:
    """Return an environment for the site's folder; as Flask's templates do, it escapes what pages print."""
    return Environment(
        loader=SiteLoader(settings.templates),
        autoescape=True,
        ejs_tags=settings.ejs_tags,
        event_context=settings.event_context,
    )


def _settle(engine: Engine, response: Response) -> Response:
    """Send what waits for nothing but the end of a request, while Flask still answers for what that raises."""
    hook = engine.hooks.send_when
    settle = getattr(hook.function, "settle", None) if hook is not None else None
    if settle is not None:
        settle()
    return response


@cache
def _commands() -> tuple[EntryPoint, ...]:
    """Return the commands that the program has for `flask`; it stands above the library, which cannot import it."""
    return tuple(entry_points(group="liquid_background.flask"))
