"""Every command does something sensible without a store, without a worker, in an empty project and in no project."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns import fuzz, pairs

from .conftest import POSCLI

LOOKING = [
    ["logs"],
    ["logs", "--source-name", "x", "-n", "5"],
    ["jobs", "list"],
    ["status"],
    ["status", "--format", "json"],
    ["store", "status"],
    ["store", "path"],
    ["store", "stop"],
    ["doctor"],
]


@pytest.fixture
def bare(project: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder that is no project, with nothing set."""
    for name in list(project.env):
        if name.startswith("LIQUID_BACKGROUND_"):
            del project.env[name]
            monkeypatch.delenv(name, raising=False)
    return project


@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
def test_looking_around_makes_nothing(bare: Any, arguments: list[str]) -> None:
    result = bare.quick(*arguments)
    assert result.out or result.err
    assert not any(bare.folder.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["render", "welcome"], 1, "no page 'welcome' in templates/pages: templates is not there"),
        (["check"], 2, "no folder templates"),
        (["jobs", "show", "x"], 1, "no store here"),
        (["jobs", "retry", "x"], 1, "no store here"),
        (["jobs", "cancel", "x"], 1, "no store here"),
    ],
)
def test_what_cannot_be_done_is_said(bare: Any, arguments: list[str], code: int, error: str) -> None:
    result = bare.run(*arguments)
    assert result.code == code
    assert error in result.err
    assert len(result.err.splitlines()) == 1
    assert not any(bare.folder.iterdir())


def test_a_burst_in_an_empty_project_ends(project: Any) -> None:
    (project.folder / "templates").mkdir()
    assert project.good("worker", "--burst", "--quiet").err == ""


@pytest.mark.parametrize(
    "arguments", [["logs"], ["jobs", "list"], ["status"], ["jobs", "show", "x"], ["worker", "--burst"]]
)
def test_a_store_that_is_away_is_one_line(project: Any, arguments: list[str]) -> None:
    result = project.run(*arguments, REDIS_URL="redis://127.0.0.1:1/0")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "127.0.0.1:1" in result.err


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    for arguments in (["init"], ["demo"], ["logs", "--tail"]):
        done = subprocess.run([*POSCLI, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode in (1, 2)
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("store_dir")
@fuzz
@pytest.mark.parametrize(("package", "command"), pairs(["uvicorn", "starlette"], ["serve", "dev"], few=1))
def test_without_the_web_extra_one_line_says_what_to_install(project: Any, command: str, package: str) -> None:
    project.write(f"{package}.py", f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')")
    result = project.run(command, PYTHONPATH=str(project.folder))
    assert (result.code, result.out) == (1, "")
    assert result.err == f"poscli: the package {package} is not installed: run pip install 'liquid-background[web]'\n"
    assert not any(project.data_dir.iterdir())
