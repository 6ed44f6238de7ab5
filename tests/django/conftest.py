"""A Django project in this process, with settings and templates as a test wants them, and a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from liquid_background import Engine
from liquid_background.django import project
from liquid_background.settings import Settings
from tests import warm
from tests.django_project import set_up

set_up()

BACKEND = "liquid_background.django.liquid.LiquidTemplates"
PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
DJANGOS = {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [], "APP_DIRS": True, "OPTIONS": {}}


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm.ahead.update(("django.core.management", "django.forms", "django.db.backends.postgresql.base", "django.urls"))


@pytest.fixture
def make_project(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """`make_project({"page.liquid": "…"}, SEND_ON_COMMIT=False)` sets the project up anew and returns its engine."""
    with ExitStack() as stack:

        def make(
            files: Mapping[str, str] | None = None,
            *,
            options: Mapping[str, Any] | None = None,
            backend: str = BACKEND,
            app_dirs: bool = False,
            djangos: Mapping[str, Any] | None = None,
            **said: Any,
        ) -> Engine:
            root = tmp_path / "templates"
            for name, text in (files or {}).items():
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            root.mkdir(exist_ok=True)
            given = {"context_processors": PROCESSORS, **(options or {})}
            liquid = {"BACKEND": backend, "DIRS": [root], "APP_DIRS": app_dirs, "OPTIONS": given}
            ours = {"DATA_DIR": settings.data_dir, **said}
            stack.enter_context(override_settings(**(djangos or {})))
            stack.enter_context(override_settings(TEMPLATES=[liquid, DJANGOS], LIQUID_BACKGROUND=ours))
            project._engine.cache_clear()
            stack.callback(project._engine.cache_clear)
            engine = project.engine()
            stack.callback(lambda: engine.store.close() if engine._link._store else None)
            return engine

        yield make


@pytest.fixture(scope="session")
def _tables() -> None:
    for alias in ("default", "other"):
        call_command("migrate", database=alias, verbosity=0)


@pytest.fixture
def databases(_tables: None) -> Iterator[None]:
    """Tables in both databases, and no transaction or connection of a test is left to the next one."""
    yield
    for connection in connections.all(initialized_only=True):
        assert not connection.in_atomic_block
        connection.close()
