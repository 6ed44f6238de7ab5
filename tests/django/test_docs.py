"""What docs/django.md says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import override_settings
from django.urls import path

from liquid_background import Engine
from liquid_background.django import checks, project
from liquid_background.django.conf import SEND_ON_COMMIT, _names
from liquid_background.django.modules import MODULES

PAGE = Path(__file__).parents[2] / "docs" / "django.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

urlpatterns = [path("orders/<int:id>/", lambda request, id: None, name="order")]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_snippet_is_python(snippet: str) -> None:
    compile(snippet, PAGE.name, "exec")


def test_every_check_and_every_setting_of_djangos_own_has_a_row() -> None:
    text = PAGE.read_text()
    told = set(re.findall(r"^\| `liquid_background\.([EW]\d+)` \|", text, re.M))
    in_code = set()
    for file in Path(checks.__file__).parent.rglob("*.py"):
        in_code |= set(re.findall(r"\b([EW]00\d)\b", file.read_text()))
    assert told == in_code
    for name in (SEND_ON_COMMIT, MODULES):
        assert f"| `{name}` |" in text
    settings_page = (PAGE.parent / "settings.md").read_text()
    assert {name for name in _names() if f"| `{name}` |" not in settings_page} == {SEND_ON_COMMIT, MODULES}


def test_the_environment_with_filters_for_urls(
    make_project: Callable[..., Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (snippet,) = (text for text in SNIPPETS if "def environment" in text)
    (tmp_path / "documented_environment.py").write_text(snippet)
    monkeypatch.syspath_prepend(tmp_path)
    options = {"environment": "documented_environment.environment"}
    make_project({"p.liquid": "{{ 'logo.svg' | static }} {{ 'order' | url: id }}"}, options=options)
    with override_settings(ROOT_URLCONF=__name__, STATIC_URL="/static/"):
        assert render_to_string("p.liquid", {"id": 7}) == "/static/logo.svg /orders/7/"


def test_without_an_entry_the_folder_of_the_project_has_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates" / "pages").mkdir(parents=True)
    (tmp_path / "templates" / "pages" / "checkout.liquid").write_text("{{ x }}")
    with override_settings(BASE_DIR=tmp_path, LIQUID_BACKGROUND={}, TEMPLATES=settings.TEMPLATES):
        project._engine.cache_clear()
        try:
            assert project.engine().render("checkout", {"x": 7}) == "7"
            assert project.engine().settings.data_dir == tmp_path / ".liquid-background"
        finally:
            project._engine.cache_clear()
