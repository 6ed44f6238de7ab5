"""The settings of a Django project: its dict LIQUID_BACKGROUND, with the names of the engine's and two of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings as project

from liquid_background.django.modules import DEFAULT_MODULES, MODULES, NAME, are_names
from liquid_background.errors import SettingsError
from liquid_background.nearest import nearest
from liquid_background.settings import Settings, load_settings
from liquid_background.wording import a

SEND_ON_COMMIT: Final = "SEND_ON_COMMIT"
_OWN: Final = (SEND_ON_COMMIT, MODULES)
_NOT_HERE: Final = ("APP",)  # which names an engine, and is this project itself
_FOLDERS: Final = ("templates", "data_dir")
"""Settings that name a folder: those of a project are in its BASE_DIR, whatever folder a process is started in."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a setting of the project, and the id of the system check that tells of it."""

    message: str
    id: str


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What a project's settings say.

    Attributes:
        engine: the engine's settings.
        on_commit: the databases whose transactions hold jobs back; None for all, an empty tuple for none.
    """

    engine: Settings
    on_commit: tuple[str, ...] | None


def read_settings() -> ProjectSettings:
    """Return the project's settings.

    Raises:
        SettingsError: for the first one that is wrong.
    """
    for wrong in problems():
        raise SettingsError(wrong.message)
    given = _given()
    return ProjectSettings(_engine_settings(given), _on_commit(given))


def says(name: str) -> bool:
    """Return whether the project's dict gives a setting."""
    return name in _given()


def store_url() -> str | None:
    """Return the store's URL, also where another setting is wrong; None when there is none to ask about."""
    given = _given()
    try:
        return load_settings(redis_url=given.get("REDIS_URL") if isinstance(given, Mapping) else None).redis_url
    except SettingsError:
        return None


def problems() -> Iterator[Problem]:
    """Yield what is wrong with the project's settings."""
    given = getattr(project, NAME, {})
    if not isinstance(given, Mapping):
        yield Problem(f"{NAME} is {a(type(given).__name__)}; it must be a dict of settings", "E001")
        return
    names = _names()
    yield from (_unknown(name) for name in given if name not in names)
    for check in (_on_commit_problem, _modules_problem):
        found = check(given)
        if found is not None:
            yield found
    known = {name: value for name, value in given.items() if name in names}
    yield from (Problem(f"{NAME}: {text}", "E002") for text in _wrong_values(known))


def _wrong_values(given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the values of settings: of each by itself, or of them together."""
    together = _wrong_value(given)
    if together is None:
        return []
    alone = dict.fromkeys(_wrong_value({name: value}) for name, value in given.items())
    return [text for text in alone if text is not None] or [together]


def _wrong_value(given: Mapping[str, Any]) -> str | None:
    try:
        _engine_settings(given)
    except SettingsError as error:
        return str(error)
    return None


def _names() -> list[str]:
    return sorted({*(name.upper() for name in Settings.model_fields), *_OWN} - set(_NOT_HERE))


def _unknown(name: object) -> Problem:
    if name in _NOT_HERE:
        reason = "the engine is this project's own; leave it out"
    else:
        near = nearest(str(name).upper(), _names())
        reason = f"did you mean {near!r}?" if near else f"settings are {', '.join(_names())}"
    return Problem(f"{NAME} has the unknown setting {name!r}: {reason}", "E001")


def _on_commit_problem(given: Mapping[str, Any]) -> Problem | None:
    said = given.get(SEND_ON_COMMIT, True)
    allowed = "it must be True, False, or the alias of a database, or a list of them"
    if isinstance(said, bool):
        return None
    aliases = [said] if isinstance(said, str) else said
    if not are_names(aliases) or not aliases:
        return Problem(f"{NAME}: {SEND_ON_COMMIT} is {said!r}; {allowed}", "E003")
    unknown = [alias for alias in aliases if alias not in project.DATABASES]
    if not unknown:
        return None
    near = nearest(unknown[0], project.DATABASES)
    hint = f"did you mean {near!r}?" if near else f"DATABASES has {', '.join(project.DATABASES) or 'none'}"
    return Problem(f"{NAME}: {SEND_ON_COMMIT} names {unknown[0]!r}, which is no database: {hint}", "E003")


def _modules_problem(given: Mapping[str, Any]) -> Problem | None:
    said = given.get(MODULES, DEFAULT_MODULES)
    if are_names(said):
        return None
    return Problem(f"{NAME}: {MODULES} is {said!r}; it must be a list of names such as 'jobs'", "E004")


def _given() -> Mapping[str, Any]:
    given: Mapping[str, Any] = getattr(project, NAME, {})
    return given


def _on_commit(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    said = given.get(SEND_ON_COMMIT, True)
    if isinstance(said, bool):
        return None if said else ()
    return (said,) if isinstance(said, str) else tuple(said)


def _engine_settings(given: Mapping[str, Any]) -> Settings:
    said = {name.lower(): value for name, value in given.items() if name not in _OWN}
    found = load_settings(**said)
    base = getattr(project, "BASE_DIR", None)
    if base is None:
        return found
    folders = {name: Path(base, getattr(found, name)) for name in _FOLDERS if name not in found.model_fields_set}
    return load_settings(**said, **folders)
