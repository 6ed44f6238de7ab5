"""What a page knows of the request that is going on, under the names that all pages have, and nothing else of it."""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from liquid_background.errors import NotPlain
from liquid_background.flask.installation import Installation
from liquid_background.language.rendering import Request
from liquid_background.variables import parse_variables


def asked() -> Request:
    """Return what `engine.render` is told of the request; nothing where none is going on.

    Raises:
        BadRequest: when its body says that it is JSON, and is no object of plain values.
    """
    if not has_request_context():
        return {}
    return {
        "params": _params(),
        "session": _session(),
        "cookies": request.cookies.to_dict(),
        "headers": {name.lower(): value for name, value in request.headers.items()},
    }


def request_variable() -> dict[str, Any]:
    """Return what `request` is on a page: plain values, and nothing of Flask's own object."""
    if not has_request_context():
        return {}
    return {
        "method": request.method,
        "path": request.path,
        "url": request.url,
        "host": request.host,
        "scheme": request.scheme,
        "endpoint": request.endpoint,
        "blueprint": request.blueprint,
        "args": _last(request.args),
        "form": _last(request.form),
        "view_args": dict(request.view_args or {}),
    }


def current_user(installed: Installation, given: object) -> object:
    """Return the user of the request: who the application says it is, else Flask-Login, else what `g.user` is.

    Args:
        installed: has the application's own function.
        given: what Flask-Login has given to templates.
    """
    user = installed.user() if installed.user is not None else given if given is not None else g.get("user")
    # Flask-Login stands an object for nobody, which a template would take for somebody.
    return user if getattr(user, "is_authenticated", True) else None


def _session() -> dict[str, Any]:
    """Return the session without what extensions keep there for themselves, such as `_user_id`."""
    return {name: value for name, value in session.items() if not name.startswith("_")}


def _params() -> dict[str, Any]:
    """Return the parameters by name; those of the route count before what a visitor adds to them."""
    return {**_last(request.args), **_last(request.form), **_json(), **(request.view_args or {})}


def _last(fields: MultiDict[str, str]) -> dict[str, str]:
    """Return fields by name; of several with one name the last one counts, as on other pages."""
    return {name: values[-1] for name, values in fields.lists()}


def _json() -> dict[str, Any]:
    body = request.get_data(cache=True) if request.is_json else b""
    try:
        return parse_variables(body) if body else {}
    except NotPlain as error:
        raise BadRequest(f"The body {error}.") from error
