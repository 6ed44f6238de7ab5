"""The dashboard as a blueprint: `app.register_blueprint(dashboard_blueprint(authorize=…), url_prefix="/jobs")`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, current_app, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from liquid_background.engine import Engine
from liquid_background.flask.asked import current_user
from liquid_background.flask.extension import LiquidBackground
from liquid_background.flask.installation import get_engine, installation_of
from liquid_background.screens import (
    MAX_FORM,
    Arrival,
    Entrance,
    Entrances,
    Permission,
    Refused,
    ScreenAnswer,
    Visitor,
    too_large,
)

Authorize: TypeAlias = Callable[[Request], Permission]
Name: TypeAlias = Callable[[Request], object]

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_REFUSALS: Final = (300, 499)  # statuses by which a host says that it has nothing for this visitor
_OF_REFUSALS: Final = ("location", "retry-after", "www-authenticate")  # headers that go with them
_NAMES: Final = ("username", "email", "name")  # what users are called by, in most applications


def dashboard_blueprint(
    of: Engine | LiquidBackground | None = None,
    *,
    authorize: Authorize,
    name: Name | None = None,
    templates: Mapping[str, str] | None = None,
    trusted_origins: Iterable[str] | None = None,
) -> Blueprint:
    """Return the dashboard as a blueprint.

    Args:
        of: the engine, or the extension, whose jobs are shown; by default that of the application.
        authorize: called with each request: answers None for nothing at all, "read", or the actions that are allowed
            beside it, such as `ACTIONS`. It may be a coroutine function. What it raises is an error and opens nothing;
            `NotSignedIn` is a 401, or leads to where one signs in.
        name: whom the audit names for a request; by default the user of the request, as pages know it.
        templates: Liquid in the place of the dashboard's own, by name.
        trusted_origins: the addresses at which browsers find the dashboard, such as "https://ops.example", where a
            proxy does not say them; by default the scheme and host of each request.
    """
    shown = _Shown(of, Entrances(templates=templates, trusted_origins=trusted_origins), authorize, name or _user_of)
    blueprint = Blueprint("liquid_background_dashboard", __name__)
    blueprint.record(shown.prepare)
    for rule in ("/", "/<path:path>"):
        blueprint.add_url_rule(rule, "show", shown, methods=_METHODS, provide_automatic_options=False)
    return blueprint


class _Shown:
    """Answers the requests of one blueprint, with the screens of the application that it is registered in."""

    __name__ = "show"

    def __init__(
        self,
        of: Engine | LiquidBackground | None,
        entrances: Entrances,
        authorize: Authorize,
        name: Name,
    ) -> None:
        self._of = of
        self._entrances = entrances
        self._authorize = authorize
        self._name = name

    def prepare(self, state: BlueprintSetupState) -> None:
        """Have what is wrong with the arguments raised as the blueprint is registered, where its engine is known.

        Raises:
            SettingsError: when there is no template of such a name, or an origin is none.
        """
        installed = installation_of(state.app)
        engine = self._of if isinstance(self._of, Engine) else installed.engine if installed is not None else None
        if engine is not None:
            self._entrances.of(engine)

    def __call__(self, path: str = "", **places: Any) -> Response:
        arrival, entrance = _arrival(path, places), self._entrances.of(self._engine)
        answer = entrance.dressed(arrival, self._answer(arrival, entrance))
        # Of an empty body werkzeug would say how long it is, and the answer to HEAD says how long the page is.
        return Response(answer.body or None, answer.status, list(answer.headers))

    def _answer(self, arrival: Arrival, entrance: Entrance) -> ScreenAnswer:
        try:
            entrance.check(arrival)
            visitor = self._visitor(entrance)
            return entrance.answer(arrival, visitor, _body() if arrival.method == "POST" else b"")
        except Exception as error:  # noqa: BLE001  of the host's code, too: it must not open anything
            return entrance.turned_away(arrival, error)

    def _visitor(self, entrance: Entrance) -> Visitor:
        ask = current_app.ensure_sync
        try:
            permission = ask(self._authorize)(request)
            return entrance.admit(permission, ask(self._name)(request) if permission else None)
        except HTTPException as error:  # of `abort`, as applications refuse elsewhere
            answer = error.get_response(request.environ)
            if not _REFUSALS[0] <= answer.status_code <= _REFUSALS[1]:
                raise
            headers = [row for row in answer.headers.to_wsgi_list() if row[0].lower() in _OF_REFUSALS]
            raise Refused(answer.status_code, error.description or "", headers) from None

    @property
    def _engine(self) -> Engine:
        if isinstance(self._of, LiquidBackground):
            return self._of.engine
        return get_engine() if self._of is None else self._of


def _arrival(path: str, places: Mapping[str, Any]) -> Arrival:
    return Arrival(
        method=request.method,
        path=path,
        root=url_for(".show", **places).rstrip("/"),
        query=request.query_string.decode("utf-8", "replace"),
        headers={name.lower(): value for name, value in request.headers.items()},
        scheme=request.scheme,
        host=request.host,
    )


def _body() -> bytes:
    """Return the body of a form.

    Raises:
        Refused: when it is too large, or does not say how large.
    """
    if request.content_length is None and "transfer-encoding" in request.headers:
        raise Refused(411, "The request does not say how long its form is.")
    if (request.content_length or 0) > MAX_FORM:
        raise too_large()
    # There is nothing left of it where a function that Flask calls before requests has taken it apart.
    return request.get_data() or urlencode(list(request.form.items(multi=True))).encode()


def _user_of(_: Request) -> object:
    """Return what the user of the request is called."""
    given: dict[str, Any] = {}
    current_app.update_template_context(given)  # Flask-Login's is there
    installed = installation_of(current_app)
    user = current_user(installed, given.get("current_user")) if installed is not None else given.get("current_user")
    return next((found for name in _NAMES if (found := getattr(user, name, None))), user)
