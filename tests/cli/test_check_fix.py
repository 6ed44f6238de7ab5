"""`poscli check` as it mends, takes texts that are not saved, and goes on while files change."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import in_bash, on_terminal

ROOT = Path(__file__).parents[2]
WRONG = "{% background source_name: 's', dealy: 2 %}{{ user.name }}{% endbackground %}\n"
RIGHT = (
    "{% background source_name: 's', delay: 2 %}{% assign user_name = user.name %}{{ user_name }}{% endbackground %}\n"
)


def test_fix_says_what_was_mended_and_what_is_left(project: Any) -> None:
    page = project.page("a", WRONG + "{% include 'x' %}")
    project.page("b", "x")
    result = project.quick("check", "--fix", code=1)
    assert result.lines == [
        "templates/pages/a.liquid:1:33: mended: 'dealy' is taken for a parameter [misspelt-option]",
        "templates/pages/a.liquid:1:47: mended: `user.name` is blank in the job: a job sees no page variable here "
        "[blank-variable]",
        "templates/pages/a.liquid:2:12: error: the partial 'x' is not there [missing-partial]",
        "    write partials/x.liquid",
        "2 mended in 1 file; 1 error left in 2 files",
    ]
    assert page.read_text() == RIGHT + "{% include 'x' %}"
    page.write_text(RIGHT)
    state = page.stat()
    assert project.quick("check", "--fix").lines == ["nothing mended; nothing wrong in 2 files"]
    assert page.stat() == state


def test_fix_in_the_formats_that_programs_read(project: Any) -> None:
    page = project.page("a", WRONG + "{% include 'x' %}")
    lines = [json.loads(line) for line in project.quick("check", "--fix", "--format", "json", code=1).lines]
    assert [(line["rule"], line.get("mended", False)) for line in lines] == [
        ("misspelt-option", True),
        ("blank-variable", True),
        ("missing-partial", False),
    ]
    page.write_text(WRONG)
    assert json.loads(project.quick("check", "--fix", "--format", "sarif").out)["runs"][0]["results"] == []
    page.write_text(WRONG)
    assert project.quick("check", "--fix", "--format", "github").lines == [
        "2 mended in 1 file; nothing wrong left in 1 file"
    ]


def test_what_cannot_be_written_is_told_and_left(project: Any, tmp_path: Path) -> None:
    page = project.page("a", "x")
    other = tmp_path / "other.liquid"
    other.write_text(WRONG)
    result = project.quick("check", "--fix", str(other), code=1)
    assert other.read_text() == WRONG
    assert result.lines[-1] == "nothing mended; 2 errors in 1 file"
    if os.geteuid() == 0:
        return  # who may write everything
    page.write_text(WRONG)
    page.chmod(0o444)
    result = project.quick("check", "--fix", code=1)
    assert "a.liquid: it may not be written: its mode is 0444" in result.err
    assert result.lines[-1] == "nothing mended; 2 errors in 1 file"
    assert page.read_text() == WRONG


def test_diff_shows_what_fix_writes_and_patch_takes_it(project: Any) -> None:
    page = project.page("a", "one\r\n" + WRONG + "--x\n{{ a | upcas }}")
    before = page.read_bytes()
    result = project.run("check", "--diff")
    assert result.code == 1
    assert result.err == "3 to mend in 1 file; nothing wrong left in 1 file\n"
    assert page.read_bytes() == before
    in_bash(project, "check --diff > diff")
    subprocess.run(["git", "apply", "--ignore-space-change", "-p1", "diff"], cwd=project.folder, check=True)
    assert page.read_bytes() == before.replace(WRONG.encode(), RIGHT.encode()).replace(b"upcas ", b"upcase ")
    assert project.quick("check", "--diff").out == ""


def test_a_diff_on_a_terminal_moves_nothing(project: Any) -> None:
    project.page("a", "\x1b[2J{{ a | upcas }}\u202e")
    shown = on_terminal(project, "check", "--diff", until=b"left in 1 file", code=1).decode()
    assert "\\x1b[2J{{ a | upcase }}\\u202e" in shown
    assert "\x1b[2J" not in shown


def test_a_text_on_standard_input_is_checked_as_its_file(project: Any) -> None:
    project.write("templates/partials/mail.liquid", "{{ email }}")
    page = project.page("a", "saved")
    text = "{% include 'mial' %}\n{% background 's', email: 1 %}{% include 'mail' %}{% endbackground %}"
    result = project.run("check", "-", "--stdin-filename", "templates/pages/a.liquid", stdin=text)
    assert (result.code, result.lines) == (
        1,
        [
            "templates/pages/a.liquid:1:12: error: the partial 'mial' is not there [missing-partial]",
            "    did you mean 'mail'?",
            "1 error in 1 file",
        ],
    )
    result = project.run("check", "-", "--stdin-filename", "templates/pages/new.liquid", stdin="x")
    assert (result.code, result.out) == (0, "nothing wrong in 1 file\n")
    assert page.read_text() == "saved"
    assert not (project.folder / "templates/pages/new.liquid").exists()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_text_on_standard_input_is_mended_onto_standard_output(project: Any, mark: str) -> None:
    page = project.page("a", "saved")
    arguments = ("check", "-", "--stdin-filename", "templates/pages/a.liquid", "--fix")
    result = project.run(*arguments, stdin=mark + WRONG)
    assert (result.code, result.out) == (0, mark + RIGHT)
    assert result.err.splitlines()[-1] == "2 mended in 1 file; nothing wrong left in 1 file"
    assert project.run(*arguments, stdin=mark + RIGHT).out == mark + RIGHT
    assert page.read_text() == "saved"


def test_several_texts_are_checked_together(project: Any) -> None:
    project.page("saved", "{% include 'mail' %}")
    buffers = {
        "templates/pages/a.liquid": "{% background 's', email: 1 %}{% include 'mail' %}{% endbackground %}",
        "templates/partials/mail.liquid": "{{ email }}",
    }
    given = json.dumps({"version": 1, "buffers": buffers})
    assert project.run("check", "--buffers", "-", stdin=given).out == "nothing wrong in 2 files\n"
    result = project.run("check", "--buffers", "-", "templates", stdin=given)
    assert result.out == "nothing wrong in 1 file\n"
    project.write("buffers.json", given)
    assert project.run("check", "--buffers", "buffers.json").out == "nothing wrong in 2 files\n"
    assert project.run("check").code == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "--buffers: no JSON: Expecting value"),
        ("[" * 100_000, "--buffers: no JSON: "),
        ("[]", "--buffers: its version is null; this poscli reads version 1"),
        ('{"version": 2, "buffers": {}}', "--buffers: its version is 2; this poscli reads version 1"),
        ('{"version": 1}', '"buffers" must be an object that has a text for each path'),
        ('{"version": 1, "buffers": {"a.liquid": 1}}', '"buffers" must be an object that has a text for each path'),
        ('{"version": 1, "buffers": {"a\\u0000": "x"}}', "no path may hold a NUL"),
    ],
)
def test_what_are_no_buffers_is_one_line(project: Any, given: str, said: str) -> None:
    project.page("a", "x")
    result = project.run("check", "--buffers", "-", stdin=given)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-"], "- needs --stdin-filename"),
        (["--stdin-filename", "a.liquid"], "--stdin-filename is for the path -"),
        (["-", "templates", "--stdin-filename", "a.liquid"], "- is checked alone"),
        (["--fix", "--buffers", "-"], "--fix writes files"),
        (["--watch", "--fix"], "--watch only checks"),
        (["--diff", "--format", "json"], "--diff has a format of its own"),
        (["--fix", "--explain"], "--explain and --values are for a check that mends nothing"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(project: Any, arguments: list[str], said: str) -> None:
    project.page("a", "x")
    result = project.run("check", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_watch_says_what_is_new_until_it_is_stopped(project: Any) -> None:
    project.page("a", "{% include 'x' %}")
    watch = project.start("check", "--watch")
    watch.until("1 error in 1 file")
    project.page("b", "{{ a | upcas }}")
    watch.until("1 new, 0 gone: 2 errors in 2 files")
    project.page("a", "\n\n\n{% include 'x' %}")  # moved: nothing is new
    project.page("b", "x")
    watch.until("0 new, 1 gone: 1 error in 2 files")
    project.write("templates/partials/x.liquid", "x")
    watch.until("0 new, 1 gone: nothing wrong in 3 files")
    assert watch.stop() == 0
    assert watch.err.read_text() == ""
    assert [line for line in watch.lines() if "error:" in line] == [
        "templates/pages/a.liquid:1:12: error: the partial 'x' is not there [missing-partial]",
        "templates/pages/b.liquid:1:8: error: unknown filter 'upcas' [unknown-filter]",
    ]


def test_watch_of_one_file_sees_its_partials_and_ends_by_sigterm(project: Any) -> None:
    project.page("a", "{% background 's', email: 1 %}{% include 'mail' %}{% endbackground %}")
    project.page("b", "{% nope %}")
    project.write("templates/partials/mail.liquid", "{{ email }}")
    watch = project.start("check", "--watch", "--format", "json", "templates/pages/a.liquid")
    project.wait(lambda: watch.process.poll() is None)
    project.write("templates/partials/mail.liquid", "x")
    assert json.loads(watch.until("unused-parameter"))["path"] == "templates/pages/a.liquid"
    assert watch.stop(signal.SIGTERM) == 0
    assert len(watch.lines()) == 1


@pytest.mark.parametrize(
    "hook", yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()), ids=lambda hook: hook["id"]
)
def test_a_hook_is_a_command_that_fails_a_commit(project: Any, hook: dict[str, Any]) -> None:
    """pre-commit runs an entry with the names of the files that are committed, unless the hook wants none."""
    program, *arguments = hook["entry"].split()
    assert program == "poscli"
    page = project.page("a b", WRONG + "{% include 'x' %}")
    names = ["templates/pages/a b.liquid"] if hook.get("pass_filenames", True) else []
    assert all(re.search(hook["files"], name) for name in names)
    assert project.quick(*arguments, *names, code=1).lines[-1].endswith("in 1 file")
    page.write_text(RIGHT)
    project.quick(*arguments, *names)
