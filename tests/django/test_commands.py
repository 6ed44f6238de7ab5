"""`manage.py liquid_worker`, `liquid_logs` and `liquid_jobs` are poscli's commands, on the project's engine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, ManagementUtility, call_command
from django.test import override_settings

from liquid_background import Engine
from liquid_background.django import project
from liquid_background.django.management.command import _renaming, _without_djangos

MakeProject = Callable[..., Engine]
PAGE = {"order.liquid": "{% background source_name: 'receipt' %}{{ 1 | divided_by: 0 }}{% endbackground %}"}


def _called(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def _run(*arguments: str) -> int:
    """Run it as `manage.py` does; return the exit code."""
    with pytest.raises(SystemExit) as left:
        ManagementUtility(["manage.py", *arguments]).execute()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_they_work_on_the_projects_engine(make_project: MakeProject) -> None:
    engine = make_project(PAGE)
    engine.render("order.liquid")
    (job,) = engine.jobs.list()
    (shown,) = map(json.loads, _called("liquid_jobs", "list", "--format", "json", "--source-name=receipt").splitlines())
    assert (shown["id"], shown["status"]) == (job.id, "pending")
    assert _called("liquid_jobs", "cancel", job.id) == f"cancelled {job.id} (receipt)\n"
    assert "CANCELLED" in _called("liquid_logs", "-n", "1")


def test_streams_and_settings_are_as_they_were(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(PAGE)
    monkeypatch.setenv("LIQUID_BACKGROUND_APP", "elsewhere:engine")
    before = sys.stdin, sys.stdout, sys.stderr
    _called("liquid_jobs", "list")
    assert (sys.stdin, sys.stdout, sys.stderr) == before
    assert os.environ["LIQUID_BACKGROUND_APP"] == "elsewhere:engine"


def test_what_goes_wrong_is_one_line_and_an_exit_code(
    make_project: MakeProject, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = make_project(PAGE)
    engine.render("order.liquid")
    assert _run("liquid_jobs", "show", "none") == 1
    assert (
        capfd.readouterr().err == "poscli: no job has the id 'none'; it was never enqueued, or its record has expired\n"
    )
    assert _run("liquid_logs", "--tial") == 2
    assert capfd.readouterr().err == "poscli logs: no option '--tial'; did you mean '--tail'?\n"
    with pytest.raises(CommandError) as caught:
        _called("liquid_jobs", "show", "none")
    assert caught.value.returncode == 1


def test_a_wrong_setting_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with override_settings(LIQUID_BACKGROUND={"REDIS_ULR": "x"}):
        project._engine.cache_clear()
        assert _run("liquid_worker", "--burst") == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "LIQUID_BACKGROUND has the unknown setting 'REDIS_ULR': did you mean 'REDIS_URL'?" in line


@pytest.mark.parametrize("command", ["worker", "logs", "jobs"])
def test_help_is_poscli_s(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _run(f"liquid_{command}", "--help") == 0
    shown = capfd.readouterr().out
    assert shown.startswith(f"Usage: poscli {command}")
    ManagementUtility(["manage.py", "help", f"liquid_{command}"]).execute()
    assert capfd.readouterr().out == shown


def test_what_they_say_names_commands_that_the_project_has(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(DATA_DIR=tmp_path / "none")
    assert _run("liquid_jobs", "list") == 0
    told = capfd.readouterr().err
    assert "'python manage.py liquid_worker' makes one, LIQUID_BACKGROUND_REDIS_URL names another" in told
    assert _run("liquid_jobs", "lsit") == 2
    assert "did you mean 'list'?" in capfd.readouterr().err
    assert _run("liquid_jobs", "--help") == 0
    shown = capfd.readouterr().out
    assert "python manage.py liquid_jobs list --status failed" in shown
    assert "poscli" not in shown.partition("\n")[2]
    make_project(DATA_DIR="/dev/null/none")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    assert _run("liquid_logs", "-n", "x") == 2
    assert "see 'python manage.py liquid_logs --help'" in capfd.readouterr().err


def test_commands_that_the_project_has_not_are_named_with_its_engine() -> None:
    rename = _renaming("manage.py")
    assert rename("poscli: see 'poscli logs --tail'") == "poscli: see 'python manage.py liquid_logs --tail'"
    assert rename("look: poscli jobs list") == "look: python manage.py liquid_jobs list"
    assert rename("'poscli doctor'").endswith("poscli doctor --app liquid_background.django:engine'")
    assert rename("poscli completion bash; poscli logs: no") == "poscli completion bash; poscli logs: no"
    assert _renaming("__main__.py")("poscli worker") == "python -m django liquid_worker"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["--tail", "-n", "3"], ["--tail", "-n", "3"]),
        (["--settings", "shop.settings", "list"], ["list"]),
        (["list", "--settings=shop.settings", "--pythonpath=x"], ["list"]),
        (["show", "--", "--settings"], ["show", "--", "--settings"]),
        (["--settings"], []),
    ],
)
def test_djangos_own_options_are_djangos(given: list[str], left: list[str]) -> None:
    assert _without_djangos(given) == left
