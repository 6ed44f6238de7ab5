"""`poscli stats`: what jobs have done."""

from __future__ import annotations

import json
from typing import Any

import pytest

_PAGE = (
    "{% for i in (1..3) %}{% background source_name: 'good' %}x{% endbackground %}{% endfor %}"
    "{% background source_name: 'bad' %}{% include 'none' %}{% endbackground %}"
)


def test_a_table_of_what_ran(project: Any) -> None:
    project.page("p", _PAGE)
    project.quick("render", "p")
    assert project.run("worker", "--burst").code == 0
    lines = project.quick("stats", "--since", "1h").lines
    assert lines[0].split()[:4] == ["SOURCE", "NAME", "RUNS", "FAILED"]
    assert [line.split()[:4] for line in lines[1:4]] == [
        ["good", "3", "0", "0.0%"],
        ["bad", "1", "1", "100.0%"],
        ["(all)", "4", "1", "25.0%"],
    ]
    found = json.loads(project.quick("stats", "--format", "json", "--source-name", "g*").out)
    assert [each["source_name"] for each in found["names"]] == ["good"]
    assert found["total"]["succeeded"] == 3
    assert found["names"][0]["waited_ms"]["p50"] is not None


def test_what_cannot_be_told_says_why(project: Any) -> None:
    project.page("p", _PAGE)
    project.quick("render", "p")
    old = project.run("stats", "--since", "40d")
    assert (old.code, old.out) == (1, "")
    assert "kept for 31 days" in old.err
    assert "of the source name 'none'" in project.quick("stats", "--source-name", "none").err


def test_a_name_passes_for_no_row_of_a_table(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_DIALECT", "platformos")
    forged = "good     300   300     100.0%"
    project.page(
        "p",
        "\n".join(
            f"{{% background source_name: '{name}' %}}{{% include 'none' %}}{{% endbackground %}}"
            for name in ("(all)", forged, 'a"  b', "plain/name")
        ),
    )
    project.quick("render", "p")
    assert project.run("worker", "--burst").code == 0
    shown = {'"(all)"', f'"{forged}"', '"a""  b"', "plain/name"}
    for command in (("stats",), ("jobs", "list"), ("failures", "list"), ("store", "usage")):
        lines = project.quick(*command).out
        assert all(f"{name}  " in lines for name in shown), command
