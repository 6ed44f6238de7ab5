"""`poscli jobs save-test`: a job that a worker ran, as a file for pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from liquid_background import JobNotFound

PAGE = """{% background source_name: 'pay', api_key: 'k-1234', note: 'hello' %}
{% assign who = order.customer %}{{ who.name }} {{ api_key }} {{ note }}{% log who.Password %}
{% endbackground %}"""
DATA = '{"order": {"customer": {"name": "Ada", "Password": "pw-777"}}}'


@pytest.fixture
def paid(project: Any) -> str:
    """The id of a job that a worker ran."""
    project.page("shop", PAGE)
    project.write("data.json", DATA)
    project.quick("render", "shop", "--data", "data.json")
    project.good("worker", "--burst")
    (job_id,) = [line.split('"')[3] for line in project.quick("jobs", "list", "--format", "json").lines]
    return job_id


@pytest.mark.slow
def test_a_job_becomes_a_test_that_passes_and_fails_with_another_template(project: Any, paid: str) -> None:
    name = f"test_pay_{paid[:8]}.py"
    assert project.good("jobs", "save-test", paid[:8]).out == f"wrote {name}\n"
    text = (project.folder / name).read_text()
    assert not any(secret in text for secret in ("k-1234", "pw-777"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name]
    place: dict[str, Any] = {"cwd": project.folder, "env": {**os.environ, **project.env}, "text": True}
    assert "1 passed" in subprocess.run(command, capture_output=True, check=False, **place).stdout
    project.page("shop", PAGE.replace("{{ note }}", "{{ note | upcase }}"))
    assert "1 failed" in subprocess.run(command, capture_output=True, check=False, **place).stdout


def test_a_file_that_is_there_stays_unless_it_is_to_go(project: Any, paid: str) -> None:
    project.write("mine.py", "mine")
    arguments = ("jobs", "save-test", paid, "--output", "mine.py")
    refused = project.run(*arguments)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "poscli: mine.py is there already: --force writes over it, --output names another file\n"
    assert (project.folder / "mine.py").read_text() == "mine"
    assert project.quick(*arguments, "--force").out == "wrote mine.py\n"
    written = (project.folder / "mine.py").read_text()
    assert project.quick("jobs", "save-test", paid, "--output", "-").out == written
    assert written.startswith(f"# Job {paid}: pay, of pages/shop, line 1.\n")
    gone = project.run("jobs", "save-test", paid, "--output", "no/folder.py")
    assert (gone.code, gone.err) == (1, "poscli: cannot write no/folder.py: No such file or directory\n")
    (project.folder / "saved").mkdir()
    folder = project.run("jobs", "save-test", paid, "--output", "saved")
    assert (folder.code, folder.err) == (1, "poscli: cannot write saved: Is a directory\n")


def test_a_job_whose_record_is_gone_is_one_line(project: Any, paid: str) -> None:
    project.quick("jobs", "delete", paid)
    gone = project.run("jobs", "save-test", paid)
    assert gone.code == 1
    assert gone.err.count("\n") == 1
    assert paid in gone.err
    with pytest.raises(JobNotFound):
        project.quick("jobs", "save-test", "0" * 32)
