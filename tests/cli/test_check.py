"""`poscli check`: the demo site and the starter are clean, and what is wrong elsewhere has its line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from poscli.commands import doctor
from poscli.demo_site.app import TEMPLATES

from .conftest import on_terminal


def test_the_demo_site_is_clean(project: Any) -> None:
    result = project.good("check", str(TEMPLATES), "--app", "poscli.demo_site.app:engine")
    assert result.out.startswith("nothing wrong in ")


def test_what_is_wrong_is_told_with_its_place(project: Any) -> None:
    project.page("good", "Hi")
    project.page("bad", "Hi\n{% background source_name: 'x' %}{{ user.name }}{% endbackground %}")
    result = project.quick("check", code=1)
    assert "templates/pages/bad.liquid:2:" in result.out
    assert "user.name" in result.out
    (finding,) = [json.loads(line) for line in project.quick("check", "--format", "json", code=1).lines]
    assert (finding["line"], finding["severity"]) == (2, "error")
    assert project.quick("check", "templates/pages/good.liquid").out == "nothing wrong in 1 file\n"


def test_odd_files_are_one_line_each(project: Any) -> None:
    project.page("good", "Hi")
    pages = project.folder / "templates/pages"
    os.mkfifo(pages / "fifo.liquid")
    (pages / "loop.liquid").symlink_to("loop.liquid")
    (pages / ".#p.liquid").symlink_to("me@host.1")
    (pages / "d.liquid").mkdir()
    (pages / "new\nline.liquid").write_text("x")
    Path(os.fsdecode(os.fsencode(pages) + b"/\xff.liquid")).write_text("x")
    for number, matter in enumerate(("slug: &a [x]", "slug: " + "[" * 3000, "slug: !!bool maybe")):
        project.page(f"bad{number}", f"---\n{matter}\n---\n")
    started = time.monotonic()
    result = project.quick("check", code=1)
    assert time.monotonic() - started < 2
    assert result.lines[-1] == "3 errors, 6 warnings in 10 files"
    assert len(result.lines) == 10
    assert len(project.quick("check", "--format", "json", code=1).lines) == 9
    assert "3 errors" in project.quick("doctor").out
    assert "bad0.liquid:2: the front matter is not YAML: an anchor" in project.quick("doctor").out


def test_two_pages_with_one_slug_are_an_error_of_check_and_doctor(project: Any) -> None:
    project.page("about", "Hi")
    project.page("other", "---\nslug: about\n---\n")
    said = "templates/pages/other.liquid:2:1: error: pages/about answers /about before this page [same-slug]"
    assert project.quick("check", code=1).lines[0] == said
    assert "pages/about answers /about before this page" in project.quick("doctor", code=1).out


def test_a_path_that_is_not_there_is_a_usage_error(project: Any) -> None:
    project.page("good", "Hi")
    result = project.run("check", "nowhere")
    assert result.code == 2
    assert "'nowhere' does not exist" in result.err
    assert len(result.err.splitlines()) == 1


def _file(path: Path) -> None:
    path.write_text("x")


UNUSABLE = {
    "it is a file, and no folder": _file,
    "it is a named pipe, and no folder": os.mkfifo,
    "it is a link in a circle": lambda path: path.symlink_to(path.name),
    "it is a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("within", ["templates", "templates/pages", "templates/partials", "templates/consumers"])
@pytest.mark.parametrize("reason", UNUSABLE)
def test_a_folder_in_which_no_template_is_found_is_an_error(project: Any, reason: str, within: str) -> None:
    place = project.folder / within
    place.parent.mkdir(exist_ok=True)
    UNUSABLE[reason](place)
    found = project.quick("check", code=1).lines
    assert found[0] == f"{within}:1:1: error: no template is found here: {reason} [unusable-folder]"
    assert found[2] == "1 error in 0 files"
    assert f"wrong  templates      {within}: no template is found here: {reason}; mend it" in (
        " ".join(project.quick("doctor", code=1).lines)
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_an_error(project: Any) -> None:
    project.page("a", "a")
    (project.folder / "templates").chmod(0)
    assert "it cannot be listed: Permission denied [unusable-folder]" in project.quick("check", code=1).out
    (project.folder / "templates").chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("within", "reason"), [("templates", "is not there"), ("templates/pages", "is a file, and no")]
)
def test_who_renders_or_runs_without_the_folder_says_so(project: Any, within: str, reason: str) -> None:
    if "file" in reason:
        project.write(within, "x")
    name = within.rpartition("/")[2]
    assert f"no page 'a' in templates/pages: {name} {reason}" in project.run("render", "a").err
    warning = f"templates: {project.folder}/{within} {reason}"
    worker = project.good("worker", "--burst")
    assert f"] WARNING: {warning}" in worker.err.splitlines()[0]
    assert worker.err.count("WARNING") == 1
    server = project.start("serve", "--port", "0")
    project.wait(lambda: "Serving" in server.err.read_text())
    assert server.err.read_text().startswith(warning)
    assert server.stop() == 0


@pytest.mark.parametrize("fill", [" ", "\u3000"])
@pytest.mark.parametrize("command", ["check", "doctor"])
def test_no_file_name_starts_a_row_of_the_terminal(project: Any, command: str, fill: str) -> None:
    for number in range(20, 60):
        project.page(f"m{fill * number}ok     templates      4 pages, all fine", "{% if %}")
    code = int(command == "check")
    shown = on_terminal(project, command, until=b"nothing", columns=80, code=code, NO_COLOR="1").decode()
    rows = shown.replace("\r", "").split("\n")
    assert any("4 pages, all fine" in row for row in rows)
    assert not any(row.startswith(("ok     templates", "4 pages", "pages, all")) for row in rows)
    assert max(len(row) + row.count("\u3000") for row in rows) <= 80


def test_explain_says_which_templates_become_functions(project: Any) -> None:
    project.page("plain", "Hi {{ name }}")
    project.page("calls", "---\nslug: calls\n---\n{% tablerow i in (1..2) %}{{ i }}{% endtablerow %}")
    project.page("large", "{{ a }}" * 2_000)
    lines = [line for line in project.quick("check", "--explain").lines if ": compiled" in line or ": walked" in line]
    assert [line.partition("templates/pages/")[2] for line in lines] == [
        "calls.liquid: compiled; calls tablerow (line 4)",
        "large.liquid: walked: it would be over 5,000 lines of Python",
        "plain.liquid: compiled",
    ]
    told = [json.loads(line) for line in project.quick("check", "--explain", "--format", "json").lines]
    assert [each["compiled"] for each in told if "compiled" in each] == [True, False, True]
    assert told[0]["calls"] == {"tablerow": 4}
    assert not any("compiled" in line for line in project.quick("check").lines)


def test_doctor_checks_so_many_templates_and_says_so(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.page("a", "x")
    project.page("b", "x")
    monkeypatch.setattr(doctor, "_MOST_CHECKED", 1)
    said = project.quick("doctor").out
    assert "2 templates, of which 1 are checked here; look: poscli check" in said


SENDS = "{% background source_name: 'welcome', email: 'a' %}{% include 'mail', email: email %}{% endbackground %}"


def test_jobs_in_the_store_that_need_what_is_gone_end_with_1(project: Any) -> None:
    project.page("signup", f"Hi\n{SENDS}")
    partial = project.write("templates/partials/mail.liquid", "To {{ email }}")
    project.good("render", "signup")
    assert project.good("check", "--against-store").out == "nothing is lacking; looked at 1 job\n"
    partial.rename(partial.with_name("mails.liquid"))
    result = project.run("check", "--against-store")
    assert result.code == 1
    name, row, fix, summary = result.lines
    assert (name, fix.strip()) == ("welcome", "did you mean 'mails'?")
    assert row.startswith("  pages/signup:2: the partial 'mail' is not there [partial]: 1 job, such as ")
    assert summary == "1 job needs what is not here; looked at 1 job"
    lack, told = [json.loads(line) for line in project.run("check", "--against-store", "--format", "json").lines]
    assert (lack["source_name"], lack["what"], lack["name"], lack["line"], lack["jobs"]) == (
        "welcome", "partial", "mail", 2, 1,
    )  # fmt: skip
    assert told == {"lacking": 1, "more": 0, "unread": 0, "looked_at": 1, "of": 1}


def test_failed_jobs_count_when_they_are_asked_for(project: Any) -> None:
    project.page("signup", SENDS)
    project.good("render", "signup")
    project.good("worker", "--burst")
    assert project.good("check", "--against-store").out == "nothing is lacking; looked at 0 jobs\n"
    assert "the partial 'mail' is not there" in project.run("check", "--against-store", "--failed").out


@pytest.mark.parametrize("options", [("--against-store", "x"), ("--against-store", "--explain"), ("--failed",)])
def test_what_does_not_go_with_the_store_is_a_usage_error(project: Any, options: tuple[str, ...]) -> None:
    project.write("x", "")
    assert project.run("check", *options).code == 2


def test_without_a_store_there_is_nothing_to_check_against(project: Any) -> None:
    result = project.run("check", "--against-store", LIQUID_BACKGROUND_DATA_DIR=str(project.folder / "none"))
    assert (result.code, result.err.startswith("no store here")) == (1, True)
