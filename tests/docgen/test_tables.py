"""The tables have what the program goes by, also when something new is added to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docgen.markdown import table
from docgen.tables import TABLES
from liquid_background.language.syntax import OPTIONS
from liquid_background.lint import RULES
from liquid_background.lint.finding import Rule, Severity
from liquid_background.python_jobs.options import JOB_OPTIONS
from liquid_background.settings import Settings


def _row(name: str, key: str) -> list[str]:
    rows = (line.strip("| ").split(" | ") for line in TABLES[name]().splitlines())
    return next(row for row in rows if row[0] == f"`{key}`")


def test_a_new_option_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIONS, "owner", replace(OPTIONS["delay"], name="owner", says="who asked"))  # type: ignore[arg-type]
    assert _row("options", "owner") == ["`owner`", "who asked", "minutes from 0 to 65535", "0"]


def test_a_new_rule_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "shouting", Rule("shouting", Severity.HINT, "A tag is in capitals."))  # type: ignore[arg-type]
    assert _row("rules", "shouting") == ["`shouting`", "hint", "A tag is in capitals."]


def test_each_option_of_python_jobs_names_its_calls() -> None:
    assert _row("job options", "id")[-1] == "`enqueue`"
    assert _row("job options", "start_at")[-1] == "`enqueue`, `enqueue_many`"
    assert _row("job options", "timeout")[-1] == "`enqueue`, `enqueue_many`, `schedule` and front matter"
    assert all(_row("job options", name) for name in JOB_OPTIONS)


@pytest.mark.parametrize(
    "row",
    [
        "`LEASE` | `LIQUID_BACKGROUND_LEASE` | number | from 0.2 to 3,600 | `3` | Seconds",
        "`PROCESSES` | `LIQUID_BACKGROUND_PROCESSES` | whole number | from 1 to 256 | the machine's processors | Child",
        "`REDIS_URL` | `LIQUID_BACKGROUND_REDIS_URL`, `REDIS_URL` | text | | | URL",
        "`JOB_TIMEOUT` | `LIQUID_BACKGROUND_JOB_TIMEOUT` | number | over 0 to 86,400 | `300` |",
        "`RETRY_DELAYS` | `LIQUID_BACKGROUND_RETRY_DELAYS` | list of numbers | | `5,30,120,600` |",
        "`TEMPLATES` | `LIQUID_BACKGROUND_TEMPLATES` | path | | `templates` |",
        "| list of words | `cookies`, `cookie`, `authorization` | | Secrets",
        "| true or false | | `true` | Whether &lt;% background %> means",
    ],
)
def test_a_setting_says_what_it_may_be(row: str) -> None:
    assert row in TABLES["settings"]()


def test_each_setting_has_a_row_under_the_name_that_the_environment_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(_row("settings", name.upper()) for name in Settings.model_fields)
    for variable in _row("settings", "REDIS_URL")[1].replace("`", "").split(", "):
        monkeypatch.setenv(variable, "redis://elsewhere")
        assert Settings().redis_url == "redis://elsewhere"
        monkeypatch.delenv(variable)


def test_each_row_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []
    says = {each.name: each.says for each in (*OPTIONS.values(), *JOB_OPTIONS.values(), *RULES.values())}
    assert [name for name, text in says.items() if not text] == []


def test_a_cell_holds_what_a_table_cannot() -> None:
    assert (
        table(("a", "b", "c"), [("x | y", "", "<b> `<c>`\n d")])
        == "| a | c |\n|---|---|\n| x \\| y | &lt;b> `<c>` d |\n"
    )
