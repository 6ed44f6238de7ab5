"""The settings of a Flask application: `LIQUID_BACKGROUND_…` in its config, and where its folders are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from flask import Flask

from liquid_background.errors import SettingsError
from liquid_background.jobs.store.address import parse_address
from liquid_background.nearest import nearest
from liquid_background.settings import Settings, load_settings

_PREFIX: Final = "LIQUID_BACKGROUND_"
_BASE_URL: Final = "LIQUID_BACKGROUND_BASE_URL"
_NOT_HERE: Final = "LIQUID_BACKGROUND_APP"  # which names an engine, and is this application itself
_NAMES: Final = sorted({*(f"{_PREFIX}{name.upper()}" for name in Settings.model_fields), _BASE_URL} - {_NOT_HERE})


class BaseUrl(NamedTuple):
    """Where visitors find the application."""

    scheme: str
    host: str
    root: str


class Configuration(NamedTuple):
    """What an application's config says: the engine's settings, and where `url_for` leads in jobs, if it says so."""

    settings: Settings
    base_url: BaseUrl | None


def read_configuration(app: Flask) -> Configuration:
    """Return what an application's config says; what it leaves open is as the engine's settings have it elsewhere.

    Its templates are in the folder `liquid` of its own templates, and the embedded store is in its instance folder, so
    that each process finds them, whatever folder it is started in.

    Raises:
        SettingsError: when a setting is unknown or out of range.
    """
    config = {name: value for name, value in app.config.items() if name.startswith(_PREFIX.rstrip("_"))}
    for name in config:
        if name not in _NAMES:
            raise SettingsError(_unknown(name))
    given = {name.removeprefix(_PREFIX).lower(): value for name, value in config.items() if name != _BASE_URL}
    given |= {name: _in(app, name, given[name]) for name in ("templates", "data_dir") if given.get(name) is not None}
    found = load_settings("app.config", **given)
    if found.redis_url:
        parse_address(found.redis_url)  # now, and not with the first job
    defaults = {"templates": Path(app.template_folder or "templates", "liquid"), "data_dir": Path("liquid-background")}
    missing = {name: _in(app, name, path) for name, path in defaults.items() if name not in found.model_fields_set}
    return Configuration(load_settings("app.config", **given, **missing), _base_url(config))


def _unknown(name: str) -> str:
    if name == _PREFIX.rstrip("_"):
        return f"{name} in app.config is no setting: each has a name of its own there, such as {_PREFIX}REDIS_URL"
    if name == _NOT_HERE:
        return f"{name} in app.config: the engine is this application's own; leave it out"
    near = nearest(name, _NAMES)
    hint = f"did you mean {near}?" if near else f"settings are {', '.join(_NAMES)}"
    return f"{name} in app.config is no setting: {hint}"


def _in(app: Flask, name: str, path: Any) -> Path:
    """Return a folder; a relative one is in the folder that Flask has for such files."""
    try:
        return Path(app.root_path if name == "templates" else app.instance_path, path)
    except TypeError as error:
        raise SettingsError(f"{_PREFIX}{name.upper()} in app.config is {path!r}; it must be a path") from error


def _base_url(config: Mapping[str, Any]) -> BaseUrl | None:
    said = config.get(_BASE_URL)
    if said is None:
        return None
    parts = urlsplit(said) if isinstance(said, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            f"{_BASE_URL} in app.config is {said!r}; it must be the address of the site, such as https://shop.example"
        )
    return BaseUrl(parts.scheme, parts.netloc, parts.path or "/")
