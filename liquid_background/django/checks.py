"""Django's system checks: of the settings, the folders of templates and what is in them, and of the store.

| id | what it says |
|---|---|
| `liquid_background.E001` | LIQUID_BACKGROUND is no dict, or has an unknown setting |
| `liquid_background.E002` | a setting is malformed or out of range |
| `liquid_background.E003` | SEND_ON_COMMIT is wrong, or names no database |
| `liquid_background.E004` | MODULES is no list of names |
| `liquid_background.E005` | the entry of TEMPLATES is wrong, or a context processor of it, or there are two |
| `liquid_background.E008` | engine() is called while models load, and needs them: told at the start, not by `check` |
| `liquid_background.W001` | a folder of templates is not there |
| `liquid_background.W002` | a template has an error, as `poscli check` finds it |
| `liquid_background.W003` | the store cannot be reached (with `--deploy`) |
| `liquid_background.W004` | engine() is called while Django loads its models |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from liquid_background.django.conf import problems, says, store_url
from liquid_background.django.early import REMEDY, places
from liquid_background.django.environment import entry, project_environment, wrong_processors
from liquid_background.django.modules import NAME
from liquid_background.django.project import engine
from liquid_background.engine import Engine
from liquid_background.errors import SettingsError, StoreError
from liquid_background.jobs.store import connect
from liquid_background.jobs.store.address import parse_address
from liquid_background.language.pages import sites_of
from liquid_background.lint import Severity, check_files, files_under
from liquid_background.settings import Settings

_NAMESPACE = "liquid_background"


def check_project(**_: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings and the templates of the project."""
    return wrong_settings() or [*_early_calls(), *_check_templates(engine())]


def _early_calls() -> Iterator[CheckMessage]:
    for place in dict.fromkeys(places):
        text = f"engine() is called at {place} while Django loads its models: what it is made of must need none"
        yield Warning(text, hint=REMEDY, id=f"{_NAMESPACE}.W004")


def wrong_settings() -> list[CheckMessage]:
    """Return all that is wrong with the settings."""
    found: list[CheckMessage] = [Error(wrong.message, id=f"{_NAMESPACE}.{wrong.id}") for wrong in problems()]
    found += _check_url()
    about_pages = dict.fromkeys([*_wrong_environment(has_engine=not found), *_wrong_processors()])
    return [*found, *(Error(text, id=f"{_NAMESPACE}.E005") for text in about_pages)]


def _wrong_environment(*, has_engine: bool) -> Iterator[str]:
    try:
        if has_engine:
            engine()
        else:
            project_environment(Settings.model_construct())  # there is no engine to ask for its environment
    except SettingsError as error:
        yield str(error)


def _wrong_processors() -> Iterator[str]:
    try:
        yield from wrong_processors()
    except SettingsError as error:
        yield str(error)


def _check_url() -> list[CheckMessage]:
    """Return what is wrong with the store's URL, which an engine finds when it connects."""
    try:
        parse_address(store_url() or "redis://")
    except SettingsError as error:
        return [Error(f"{NAME}: {error}", id=f"{_NAMESPACE}.E002")]
    return []


def _check_templates(engine: Engine) -> Iterator[CheckMessage]:
    for site in sites_of(engine.environment.loader):
        if not site.root.is_dir():
            if entry() is None and not says("TEMPLATES"):
                continue  # nobody named it: a project may have jobs and no pages
            hint = "make it, or correct DIRS of the entry in TEMPLATES, or TEMPLATES in LIQUID_BACKGROUND"
            yield Warning(f"the folder of templates {site.root} is not there", hint=hint, id=f"{_NAMESPACE}.W001")
            continue
        for found in check_files(engine.environment, files_under(site.root), engine.settings.job_timeout_of):
            text = f"{found.message} ({found.path}:{found.line})"
            if found.rule.severity is Severity.ERROR:
                yield Warning(text, hint=found.fix or None, id=f"{_NAMESPACE}.W002")


def check_store(**_: Any) -> list[CheckMessage]:
    """Return whether the store can be reached: for `manage.py check --deploy`."""
    if any(problems()):
        return []
    try:
        with closing(connect(engine().settings)):
            return []
    except (SettingsError, StoreError) as error:
        return [Warning(str(error), id=f"{_NAMESPACE}.W003")]
