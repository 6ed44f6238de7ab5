"""docs/checks.md: its examples run, and its table of what --fix mends is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import mend_files

PAGE = (Path(__file__).parents[2] / "docs/checks.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| (`.+?) \| (`.+?) \|$", PAGE[PAGE.index("## Mending") :], re.M)
AROUND = {
    "option": "{%% background %s %%}x{%% endbackground %%}",
    "value": "---\nmetadata: {%s}\n---\n",
    "key": "---\n%s\n---\n",
    "block": "{%% background source_name: 's' %%}%s{%% endbackground %%}",
    "tag": "{%% %s %%}",
    "filter": "{{ x | %s }}",
}


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_table_has_rows_of_each_kind() -> None:
    assert len(ROWS) == 13


@pytest.mark.parametrize(("kind", "before", "after"), ROWS, ids=[row[0] for row in ROWS])
def test_each_row_is_what_is_mended(tmp_path: Path, kind: str, before: str, after: str) -> None:
    for folder in ("consumers/paid", "layouts", "pages", "partials/mails"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("consumers/paid/a", "layouts/main", "partials/mails/welcome"):
        (tmp_path / f"{name}.liquid").write_text("x")
    page = tmp_path / "pages/a.liquid"
    written = [re.findall(r"`([^`]+)`", cell.replace("\\|", "|")) for cell in (before, after)]
    ones = [written[1]] if len(written[0]) == 1 else [[each] for each in written[1]]
    for wrong, right in zip(written[0], ones, strict=True):
        around = _around(kind, wrong)
        page.write_text(around % wrong)
        (mended,) = mend_files(Environment(loader=SiteLoader(tmp_path)), [page]).mended
        assert mended.after == around % "".join(right)


def _around(kind: str, wrong: str) -> str:
    if "front matter" in kind:
        return AROUND["key"]
    if "YAML" in kind:
        return AROUND["value"]
    if kind == "a misspelt filter":
        return AROUND["filter"]
    if "sign" in kind or "end tag" in kind:
        return {"endfi": "{%% if a %%}x{%% %s %%}", "elif": "{%% if a %%}x{%% %s b %%}y{%% endif %%}"}.get(
            wrong, "{%% if %s %%}x{%% endif %%}"
        )
    if "colon" in kind:
        return "{{ %s }}"
    return AROUND["block" if wrong.startswith("{{") else "tag" if wrong.startswith(("trigger", "incl")) else "option"]


def test_the_example_in_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = examples("python")
    page = tmp_path / "templates/pages/a.liquid"
    page.parent.mkdir(parents=True)
    page.write_text("{{ total | upcas }}")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "checks.md", "exec"), {})
    assert page.read_text() == "{{ total | upcase }}"
    assert capsys.readouterr().out.splitlines() == [
        "templates/pages/a.liquid 1 unknown-filter unknown filter 'upcas' "
        "(Edit(line=1, column=11, end_line=1, end_column=16, text='upcase'),)",
        "did you mean 'upcase'?",
        "templates/pages/a.liquid 1",
    ]


def test_the_configurations_can_be_read() -> None:
    site, local, workflow = map(yaml.safe_load, examples("yaml"))
    hooks = {hook["id"] for hook in yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for hook in site["repos"][0]["hooks"]} <= hooks
    assert local["repos"][0]["hooks"][0]["entry"].startswith("poscli check")
    assert any("--format sarif" in step.get("run", "") for step in workflow["jobs"]["templates"]["steps"])
    (buffers,) = re.findall(r"^echo '(.*)' \|$", PAGE, re.M)
    assert json.loads(buffers)["version"] == 1
