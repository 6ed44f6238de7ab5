"""The application contexts of jobs, and of hooks that are called outside of jobs; each is put away as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, cast

from flask import Flask
from flask.ctx import AppContext
from flask.globals import app_ctx
from flask.signals import appcontext_tearing_down
from werkzeug.local import LocalProxy
from werkzeug.routing import MapAdapter

from liquid_background.calling import call
from liquid_background.errors import SettingsError
from liquid_background.flask.configuration import BaseUrl
from liquid_background.hooks import Attempt, Hooked, Hooks
from liquid_background.hooks.hooks import Hook


class Contexts:
    """Opens application contexts for what a worker calls.

    Each function that Flask calls at the end of one is called, whatever another one raises: Flask itself stops at the
    first that does, and a database session that stays open is the next job's, with what it has written.

    Args:
        app: whose contexts.
        hooks: tell of what those functions raise.
        base_url: where `url_for` leads; None leaves that to SERVER_NAME.
    """

    def __init__(self, app: Flask, hooks: Hooks, base_url: BaseUrl | None) -> None:
        self._app = app
        self._hooks = hooks
        self._base_url = base_url
        self._ending: set[AppContext] = set()
        self._told_of: dict[tuple[int, int], Hook] = {}
        self._usual: Final = app.do_teardown_appcontext
        setattr(app, "do_teardown_appcontext", self._tear_down)  # noqa: B010  of this one application

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Be inside an application context."""
        context = self._app.app_context()
        if self._base_url is not None:
            host, root = self._base_url.host, self._base_url.root
            context.url_adapter = self._app.url_map.bind(host, root, url_scheme=self._base_url.scheme)
        elif context.url_adapter is None:
            context.url_adapter = cast("MapAdapter", _NoAddress())
        context.push()
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._pop(context, error)

    def inside(self, hook: Callable[..., Any]) -> Callable[..., None]:
        """Return a hook that is called in an application context."""

        @wraps(hook)
        def called(*args: object) -> None:
            with self():
                call(hook, args)

        return called

    def _pop(self, context: AppContext, error: BaseException | None) -> None:
        """End a context, and before it those that the job has begun and not ended, or theirs were never closed."""
        try:
            while app_ctx and (left := _current()) is not context and self._pop_one(left, error):
                pass
        finally:
            self._pop_one(context, error)

    def _pop_one(self, context: AppContext, error: BaseException | None) -> bool:
        self._ending.add(context)
        try:
            context.pop(error)
        except Exception as trouble:  # noqa: BLE001  what the job has done stays done
            self._report(AppContext.pop, "app_context", trouble)
            return False
        finally:
            self._ending.discard(context)
        return True

    def _tear_down(self, *args: Any) -> None:
        """Do what Flask does at the end of a context; of ours, call all that there is to call.

        Args:
            args: the error, which Flask 3.2 has the context stand before.
        """
        if not args or not app_ctx or _current() not in self._ending:
            self._usual(*args)
            return
        error, stopped = args[-1], None
        for event, function, given, named in self._ends(error):
            try:
                self._app.ensure_sync(function)(*given, **named)
            except self._hooks.time_limits as limit:
                stopped = limit
            except BaseException as trouble:  # noqa: BLE001  whatever it raises costs no job, as of other hooks
                self._report(function, event, trouble)
        if stopped is not None:
            raise stopped

    def _ends(
        self, error: BaseException | None
    ) -> Iterator[tuple[str, Callable[..., Any], tuple[Any], dict[str, Any]]]:
        """Yield what the end of a context calls, in Flask's order: the event, the function, and its arguments."""
        for function in reversed(self._app.teardown_appcontext_funcs):
            yield "teardown_appcontext", function, (error,), {}
        for receiver in appcontext_tearing_down.receivers_for(self._app):
            yield "appcontext_tearing_down", receiver, (self._app,), {"exc": error}

    def _report(self, function: Callable[..., Any], event: str, trouble: BaseException) -> None:
        """Tell of trouble as of a hook's, which is the same one each time, so that it is not told with each job."""
        key = id(getattr(function, "__self__", None)), id(getattr(function, "__func__", function))
        self._hooks.report(self._told_of.setdefault(key, Hook(event, function)), trouble)


class _NoAddress:
    """Stands for the site's address where nobody has said it."""

    def build(self, endpoint: str, *_: object, **__: object) -> str:
        raise SettingsError(
            f"cannot make the URL of {endpoint!r} outside of a request: set LIQUID_BACKGROUND_BASE_URL in app.config "
            "to the address of the site, such as https://shop.example, or Flask's 'SERVER_NAME'"
        )


def _current() -> AppContext:
    return cast("LocalProxy[AppContext]", app_ctx)._get_current_object()


def run_in_context(contexts: Contexts, engine: Hooked) -> None:
    """Have each attempt of a job run in an application context of its own."""

    @engine.around_job(required=True)  # a job that asks for `current_app` is not to run without
    @contextmanager
    def application_context(_job: Attempt) -> Iterator[None]:
        with contexts():
            yield
