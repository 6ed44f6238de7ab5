"""The project's settings, and Django's checks of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from liquid_background import Engine, SettingsError
from liquid_background.django import checks, project
from liquid_background.django.conf import read_settings
from tests import warm

MakeProject = Callable[..., Engine]


def test_the_names_are_the_engines(make_project: MakeProject) -> None:
    engine = make_project(JOB_TIMEOUT=7, RETRY_DELAYS=[1, 2], REDIS_URL="redis://127.0.0.1:1", PROCESSES=3)
    found = engine.settings
    assert (found.job_timeout, found.retry_delays, found.redis_url, found.processes) == (
        7,
        (1, 2),
        "redis://127.0.0.1:1",
        3,
    )
    assert project.engine() is engine


def test_what_the_dict_leaves_open_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_JOB_TIMEOUT", "9")
    monkeypatch.setenv("LIQUID_BACKGROUND_LEASE", "9")
    with override_settings(LIQUID_BACKGROUND={"LEASE": 4}):
        assert (read_settings().engine.job_timeout, read_settings().engine.lease) == (9, 4)


def test_folders_are_the_projects_wherever_a_process_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no pyproject.toml names any
    with override_settings(BASE_DIR=tmp_path / "site", LIQUID_BACKGROUND={}):
        found = read_settings().engine
        assert (found.data_dir, found.templates) == (tmp_path / "site/.liquid-background", tmp_path / "site/templates")
    with override_settings(BASE_DIR=str(tmp_path), LIQUID_BACKGROUND={"DATA_DIR": "x"}):
        assert read_settings().engine.data_dir == Path("x")


WRONG: list[tuple[Any, str, str]] = [
    (["REDIS_URL"], "E001", "LIQUID_BACKGROUND is a list; it must be a dict of settings"),
    (None, "E001", "LIQUID_BACKGROUND is a NoneType; it must be a dict of settings"),
    ({"REDIS_ULR": "x"}, "E001", "LIQUID_BACKGROUND has the unknown setting 'REDIS_ULR': did you mean 'REDIS_URL'?"),
    ({"redis_url": "x"}, "E001", "has the unknown setting 'redis_url': did you mean 'REDIS_URL'?"),
    ({"SEND_ON_COMIT": True}, "E001", "did you mean 'SEND_ON_COMMIT'?"),
    ({7: True}, "E001", "has the unknown setting 7: settings are ALERTS, ALERT_CAP, "),
    ({"APP": "shop:engine"}, "E001", "has the unknown setting 'APP': the engine is this project's own; leave it out"),
    ({"JOB_TIMEOUT": -1}, "E002", "LIQUID_BACKGROUND: setting job_timeout: "),
    ({"JOB_TIMEOUT": "soon"}, "E002", "setting job_timeout: "),
    ({"SIGNING_KEY": "short"}, "E002", "setting signing_key: "),
    (
        {"SEND_ON_COMMIT": "defualt"},
        "E003",
        "names 'defualt', which is no database: did you mean 'default'?",
    ),
    ({"SEND_ON_COMMIT": []}, "E003", "SEND_ON_COMMIT is []; it must be True, False, or the alias of a database"),
    ({"SEND_ON_COMMIT": 7}, "E003", "SEND_ON_COMMIT is 7; it must be"),
    ({"MODULES": "jobs"}, "E004", "MODULES is 'jobs'; it must be a list of names such as 'jobs'"),
]


@pytest.mark.parametrize(("given", "check", "message"), WRONG)
def test_a_wrong_setting_is_an_error_of_the_check_and_of_the_engine(given: Any, check: str, message: str) -> None:
    with override_settings(LIQUID_BACKGROUND=given):
        project._engine.cache_clear()
        [found] = checks.check_project()
        assert (found.id, found.is_serious()) == (f"liquid_background.{check}", True)
        assert message in found.msg
        with pytest.raises(SettingsError) as caught:
            project.engine()
        assert str(caught.value) == found.msg


def test_all_that_is_wrong_is_told_at_once(databases: None) -> None:
    with override_settings(LIQUID_BACKGROUND={"REDIS_ULR": "x", "LAESE": 1, "SEND_ON_COMMIT": 7}):
        with pytest.raises(SystemCheckError) as caught:
            call_command("check")
        assert str(caught.value).count("(liquid_background.E00") == 3


def test_the_url_and_what_concerns_pages_are_told_beside_other_mistakes(make_project: MakeProject) -> None:
    make_project({"page.liquid": "x"})
    options = {"context_processors": ["shop.none"], "nonsense": 1}
    given = {"JOB_TIMEOUT": -1, "PROCESSES": "x", "REDIS_URL": "http://x"}
    for said, wrong in ((given, ["E002"] * 3 + ["E005"] * 2), ({}, ["E005"] * 2)):
        with override_settings(LIQUID_BACKGROUND=said, TEMPLATES=[{**settings.TEMPLATES[0], "OPTIONS": options}]):
            project._engine.cache_clear()
            found = checks.check_project()
        assert [str(each.id).rpartition(".")[2] for each in found] == wrong
        texts = " ".join(each.msg for each in found)
        expected = ("nonsense", "shop.none", *(("job_timeout", "processes", "redis_url") if said else ()))
        assert not [part for part in expected if part not in texts], texts


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"DIRS": "sitetpl"},
            "DIRS of liquid_background.django.liquid.LiquidTemplates is 'sitetpl'; it must be",
        ),
        ({"OPTIONS": []}, "OPTIONS of liquid_background.django.liquid.LiquidTemplates is []; it must be a dict"),
        ({"OPTIONS": {"context_processors": "x.y"}}, "context_processors is 'x.y'; it must be a list"),
        ({"OPTIONS": {"context_processors": ["shop.none"]}}, "the context processor 'shop.none' cannot be imported"),
        ({"OPTIONS": {"context_processors": ["django.none"]}}, "the context processor 'django.none' cannot be"),
        ({"OPTIONS": {"context_processors": [7]}}, "the context processor 7 cannot be imported"),
    ],
)
def test_a_wrong_entry_of_templates_is_one_error(
    make_project: MakeProject, entry: dict[str, Any], message: str
) -> None:
    make_project({"page.liquid": "x"})
    with override_settings(TEMPLATES=[{**settings.TEMPLATES[0], **entry}]):
        project._engine.cache_clear()
        [found] = checks.check_project()
        assert (found.id, found.is_serious()) == ("liquid_background.E005", True)
        assert message in found.msg


@pytest.mark.parametrize("url", ["http://x", "redis://h:99999"])
def test_a_malformed_url_of_the_store_is_an_error_without_a_connection(make_project: MakeProject, url: str) -> None:
    make_project({"page.liquid": "x"}, REDIS_URL=url)
    [found] = checks.check_project()
    assert (found.id, found.is_serious()) == ("liquid_background.E002", True)
    assert "LIQUID_BACKGROUND: setting redis_url: it " in found.msg


def test_each_wrong_value_has_a_line_of_its_own_beside_all_else(make_project: MakeProject) -> None:
    make_project({"page.liquid": "x"})
    entry = settings.TEMPLATES[0]
    said = {"REDIS_ULR": "x", "LEASE": -1, "JOB_TIMEOUT": "soon", "MODULES": 7}
    with override_settings(LIQUID_BACKGROUND=said, TEMPLATES=[entry, {**entry, "NAME": "second"}]):
        found = checks.check_project()
    assert [each.id.rpartition(".")[2] for each in found if each.id] == ["E001", "E004", "E002", "E002", "E005"]
    assert "lease" in found[2].msg
    assert "job_timeout" in found[3].msg


@pytest.fixture
def wrong_site(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A project as documented, with jobs in `jobs.py` and wrong settings; runs a program there."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "shop/jobs.py").write_text(
        "from liquid_background.django import engine\n\n\n@engine().action\ndef act():\n    pass\n"
    )
    (tmp_path / "shop/urls.py").write_text("from shop.jobs import act\n\nurlpatterns = []\n")
    (tmp_path / "shop/settings.py").write_text(
        "SECRET_KEY = 'x'\nINSTALLED_APPS = ['liquid_background.django', 'shop']\nROOT_URLCONF = 'shop.urls'\n"
        "LIQUID_BACKGROUND = {'REDIS_ULR': 'x', 'SEND_ON_COMMIT': 7}\n"
    )

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": str(tmp_path)}
        return warm.run(*command, cwd=tmp_path, env=environ)

    return run


@pytest.mark.parametrize("command", [("check",), ("check", "--tag", "liquid_background"), ("migrate",), ("shell",)])
def test_jobs_that_need_the_engine_leave_the_word_to_the_checks(
    wrong_site: Callable[..., subprocess.CompletedProcess[str]], command: tuple[str, ...]
) -> None:
    ended = wrong_site("django", *command)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("?: (liquid_background.")]
    assert [line[3:26] for line in lines] == ["(liquid_background.E001", "(liquid_background.E003"]


def test_what_starts_django_otherwise_gets_an_error_of_djangos(
    wrong_site: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "starts.py").write_text(
        "import django; from django.core.exceptions import ImproperlyConfigured\n"
        "try: django.setup()\nexcept ImproperlyConfigured as error: print(error)"
    )
    text = wrong_site("starts").stdout
    assert "(liquid_background.E001) LIQUID_BACKGROUND has the unknown setting 'REDIS_ULR'" in text
    assert "E003" in text


_EARLY = (
    "SECRET_KEY = 'x'\nUSE_TZ = True\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n"
    "INSTALLED_APPS = ['liquid_background.django', 'shop']\n"
    "TEMPLATES = [{'BACKEND': 'liquid_background.django.liquid.LiquidTemplates', 'DIRS': [], 'OPTIONS': {%s}}]\n"
)


@pytest.mark.parametrize("command", [("check",), ("check", "--tag", "liquid_background")])
def test_a_call_while_models_load_is_told_with_the_remedy(
    wrong_site: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "shop/settings.py").write_text(_EARLY % "")
    (tmp_path / "shop/models.py").write_text("from liquid_background.django import engine\n\nengine()\n")
    ended = wrong_site("django", *command)
    assert ended.returncode == 0
    assert "?: (liquid_background.W004) engine() is called at shop/models.py:3 while Django loads" in ended.stderr
    assert "HINT: call engine() in jobs.py of the application" in ended.stderr
    (tmp_path / "shop/models.py").write_text("")
    assert "W004" not in wrong_site("django", *command).stderr


@pytest.mark.parametrize(
    "environment",
    [
        "from django.apps import apps\napps.get_models()\nfrom liquid_background import Environment as make\n",
        "from shop.models import Order\nfrom liquid_background import Environment as make\n",
    ],
)
def test_an_engine_that_needs_models_is_refused_while_they_load(
    wrong_site: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, environment: str
) -> None:
    (tmp_path / "shop/settings.py").write_text(_EARLY % "'environment': 'shop.liquid.make'")
    (tmp_path / "shop/liquid.py").write_text(environment)
    order = "class Order(models.Model):\n    pass\n"
    models = f"from django.db import models\nfrom liquid_background.django import engine\n\nengine()\n{order}"
    (tmp_path / "shop/models.py").write_text(models)
    ended = wrong_site("django", "check")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if "liquid_background" in line]
    assert line.startswith("?: (liquid_background.E008) engine() is called at shop/models.py:4 while Django loads its")
    assert line.endswith("or inside of a function")
    (tmp_path / "script.py").write_text(
        "import django; from django.core.exceptions import ImproperlyConfigured\n"
        "try: django.setup()\nexcept ImproperlyConfigured as error: print(error)"
    )
    assert "(liquid_background.E008) engine() is called at shop/models.py:4" in wrong_site("script").stdout
    (tmp_path / "shop/models.py").write_text(f"from django.db import models\n\n\n{order}")
    assert wrong_site("django", "check").returncode == 0


def test_wrong_settings_are_told_as_by_the_checks_while_models_load(
    wrong_site: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "shop/models.py").write_text("from liquid_background.django import engine\n\nengine()\n")
    ended = wrong_site("django", "check")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "?: (liquid_background.E001) LIQUID_BACKGROUND has the unknown setting 'REDIS_ULR'" in ended.stderr


def test_two_entries_of_liquid_are_one_too_many(make_project: MakeProject) -> None:
    make_project({"page.liquid": "x"})
    entry = settings.TEMPLATES[0]
    with override_settings(TEMPLATES=[entry, {**entry, "NAME": "second"}]):
        project._engine.cache_clear()
        [found] = checks.check_project()
        assert found.id == "liquid_background.E005"
        assert "TEMPLATES has 2 entries of liquid_background.django.liquid.LiquidTemplates" in found.msg


def test_a_missing_folder_and_errors_of_templates_are_warnings(make_project: MakeProject, tmp_path: Path) -> None:
    job = "{% background source_name: 'x' %}{{ y }}{% endbackground %}"
    fine = {"fine.liquid": "{% include 'part' %}{% include 'flat' %}", "partials/part.liquid": "", "flat.liquid": ""}
    bad = {"bad.liquid": "a\n{% if %}", "pages/job.liquid": job, "z.liquid": "{% include 'prat' %}"}
    engine = make_project({**fine, **bad})
    found = checks.check_project()
    assert [(each.id, each.is_serious()) for each in found] == [("liquid_background.W002", False)] * 3
    assert f"({tmp_path}/templates/bad.liquid:2)" in found[0].msg
    assert "y" in found[1].msg
    assert found[1].hint
    assert "the partial 'prat' is not there" in found[2].msg
    assert found[2].hint == "did you mean 'part'?"
    assert "the partial 'prat' is not there" in found[2].msg
    assert found[2].hint == "did you mean 'part'?"
    engine.environment.loader.loaders[0].root = tmp_path / "none"  # type: ignore[attr-defined]
    [missing] = checks.check_project()
    assert missing.id == "liquid_background.W001"
    assert f"{tmp_path}/none is not there" in missing.msg


def test_a_project_without_pages_is_not_told_of_a_folder(tmp_path: Path) -> None:
    for said, wanted in (({}, []), ({"TEMPLATES": tmp_path / "none"}, ["liquid_background.W001"])):
        with override_settings(BASE_DIR=tmp_path, LIQUID_BACKGROUND=said, TEMPLATES=[]):
            project._engine.cache_clear()
            assert [found.id for found in checks.check_project()] == wanted
            project._engine.cache_clear()


def test_the_store_is_looked_at_before_a_deployment_only(
    make_project: MakeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project(REDIS_URL="redis://127.0.0.1:1")
    call_command("check")
    assert "W003" not in capsys.readouterr().err
    call_command("check", deploy=True)
    text = capsys.readouterr().err
    assert "liquid_background.W003" in text
    assert "127.0.0.1:1" in text


def test_modules_with_jobs_are_imported_when_django_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / f"discovered_{name}").mkdir()
        (tmp_path / f"discovered_{name}" / "__init__.py").touch()
    (tmp_path / "discovered_one" / "jobs.py").write_text("seen = True")
    (tmp_path / "discovered_two" / "chores.py").write_text("seen = True")
    (tmp_path / "discovered_two" / "tasks.py").write_text("raise ImportError('not asked for')")
    monkeypatch.syspath_prepend(tmp_path)
    installed = ["discovered_one", "discovered_two", "liquid_background.django"]
    said = {"MODULES": ["jobs", "chores"]}
    with override_settings(LIQUID_BACKGROUND=said), override_settings(INSTALLED_APPS=installed):
        assert {"discovered_one.jobs", "discovered_two.chores"} <= set(sys.modules)


def test_django_starts_without_an_engine() -> None:
    code = (
        "import sys, django; from django.conf import settings;"
        "settings.configure(INSTALLED_APPS=['liquid_background.django']); django.setup();"
        "print({'redis', 'rq', 'liquid', 'pydantic'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
