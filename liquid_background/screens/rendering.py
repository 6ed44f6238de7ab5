"""Pages of the dashboard: templates of its own in an environment of its own, every value in them shown as text."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

from liquid import BoundTemplate, CachingDictLoader, Environment
from liquid.exceptions import LiquidError
from markupsafe import Markup

from liquid_background.engine import Engine
from liquid_background.errors import SettingsError
from liquid_background.jobs.log import printable_once
from liquid_background.nearest import nearest
from liquid_background.screens.assets import asset_urls
from liquid_background.screens.formats import FILTERS
from liquid_background.screens.messages import ScreenAnswer, ScreenRequest, path_of
from liquid_background.screens.told import told, told_job

TEMPLATES: Final = files("liquid_background.screens") / "templates"
_SUFFIX: Final = ".liquid"

NAVIGATION: Final = (
    ("Overview", "", "o"),
    ("Jobs", "jobs", "j"),
    ("Failures", "failures", "f"),
    ("Source names", "names", ""),
    ("Queues", "queues", ""),
    ("Schedules", "schedules", ""),
    ("Workers", "workers", ""),
    ("Logs", "logs", "l"),
    ("Operations", "operations", ""),
)
"""The screens, the first segments of their paths, and the key that leads there behind `g`: see the template `keys`."""

HEADERS: Final = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_LIVE: Final = '<div id="live">'
_LIVE_END: Final = "</div><!-- live -->"
Live: TypeAlias = Literal["events", "poll"]
"""How a page that is open learns of what is new: it is told, by one stream of events, or it asks again and again."""


class Exact(str):
    """A text that a page gives back as it is, such as the value of a field of a form. It is escaped, as all are."""


class Pages:
    """The templates of a dashboard.

    Args:
        engine: for what the frame of all pages says of it.
        templates: Liquid in the place of the dashboard's own, by name without a suffix.
        live: how a page learns of what is new.

    Raises:
        SettingsError: when the dashboard has no template of such a name, or what is given for one is none.
    """

    def __init__(self, engine: Engine, templates: Mapping[str, str], live: Live = "poll") -> None:
        self._templates = _parsed(templates) if templates else _own()
        self._site = engine.settings.site
        self._live = live

    def answer(
        self, request: ScreenRequest, template: str, values: Mapping[str, Any], status: int = 200
    ) -> ScreenAnswer:
        """Return a page, within the frame of all pages."""
        nonce = secrets.token_urlsafe(16)
        frame = {
            "root": Exact(request.root),
            "nonce": nonce,
            "assets": asset_urls(request.root),
            "navigation": _navigation(request),
            "site": self._site,
            "live": self._live,
            "visitor": request.visitor.name,
            "may": {str(action): True for action in request.visitor.actions},
            "told": told(request.query),
            "told_job": Exact(f"{request.root}/{path_of('jobs', made)}") if (made := told_job(request.query)) else None,
            "message": None,  # what is wrong with what was asked for
            "here": Exact(_here(request)),
        }
        shown = {name: plain(value) for name, value in {**frame, **values}.items()}
        content = self._templates[template].render(**shown)
        if request.is_live:
            return ScreenAnswer(
                status=status, headers=headers_of(nonce), body=live_part(content).encode("utf-8", "replace")
            )
        if "live_url" not in values and _LIVE in content:
            shown["live_url"] = Exact(_here(request, "live/"))
        text = self._templates["layout"].render(**shown, content=Markup(content))
        return ScreenAnswer(status=status, headers=headers_of(nonce), body=text.encode("utf-8", "replace"))

    def part(self, request: ScreenRequest, template: str, values: Mapping[str, Any]) -> str:
        """Return a piece of a page alone, such as rows that came while it was open."""
        may = {str(action): True for action in request.visitor.actions}
        shown = {name: plain(value) for name, value in {**values, "root": Exact(request.root), "may": may}.items()}
        return self._templates[template].render(**shown)


@cache
def _own() -> Mapping[str, BoundTemplate]:
    """Return the dashboard's own templates, which all dashboards of a process share: parsing them takes a while."""
    return _parsed({})


def _parsed(given: Mapping[str, str]) -> Mapping[str, BoundTemplate]:
    own = {each.name.removesuffix(_SUFFIX): each for each in TEMPLATES.iterdir() if each.name.endswith(_SUFFIX)}
    for name in given:
        if name not in own:
            near = nearest(name, own)
            raise SettingsError(
                f"the dashboard has no template {name[:120]!r}" + (f"; did you mean {near!r}?" if near else "")
            )
    sources = {name: each.read_text("utf-8") for name, each in own.items()} | dict(given)
    environment = Environment(loader=CachingDictLoader(sources), autoescape=True, extra=True)
    environment.filters |= FILTERS
    return {name: _template(environment, name, source) for name, source in sources.items()}


def _template(environment: Environment, name: str, source: str) -> BoundTemplate:
    if _LIVE in source and _LIVE_END not in source:
        raise SettingsError(f"the dashboard's template {name!r} has {_LIVE} and not its end, {_LIVE_END}")
    try:
        return environment.from_string(source, name)
    except LiquidError as error:
        raise SettingsError(f"the dashboard's template {name!r} cannot be used: {error}") from error


def headers_of(nonce: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of a page whose scripts carry a nonce."""
    policy = ("content-security-policy", _POLICY.format(nonce=nonce))
    return (("content-type", "text/html; charset=utf-8"), policy, *HEADERS)


def live_part(content: str) -> str:
    """Return what stands inside of `<div id="live">` and `</div><!-- live -->`; empty where there is none.

    Values are escaped, so that none of them holds either.
    """
    return content.partition(_LIVE)[2].rpartition(_LIVE_END)[0]


def plain(value: Any) -> Any:
    """Return a value for a template: its texts without controls, bidi marks and the like, which are shown by number."""
    if isinstance(value, Markup | Exact | bool | int | float | datetime) or value is None:
        return value
    if isinstance(value, str):
        return printable_once(str(value))
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is nothing that a page can show: give plain values")


def _navigation(request: ScreenRequest) -> list[dict[str, Any]]:
    at = request.segments[0] if request.segments else ""
    return [
        {"title": title, "url": Exact(f"{request.root}/{path}"), "is_here": path == at, "key": key}
        for title, path, key in NAVIGATION
    ]


def _here(request: ScreenRequest, part: str = "") -> str:
    """Return the URL of the page itself, for forms that come back to it, or of a part of it."""
    query = str(request.query.but("done", "about"))
    return f"{request.root}/{part}{quote(request.path)}" + (f"?{query}" if query else "")
