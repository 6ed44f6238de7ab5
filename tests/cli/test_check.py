"""`poscli check`: the demo site and the starter are clean, and what is wrong elsewhere has its line."""

from __future__ import annotations

import json
from typing import Any

from poscli.demo_site.app import TEMPLATES


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


def test_a_path_that_is_not_there_is_a_usage_error(project: Any) -> None:
    project.page("good", "Hi")
    result = project.run("check", "nowhere")
    assert result.code == 2
    assert "'nowhere' does not exist" in result.err
    assert len(result.err.splitlines()) == 1
