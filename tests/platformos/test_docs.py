"""The page about porting runs, and tells of every tag and filter of the dialect."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from liquid_background import Engine, Environment
from liquid_background.platformos import PLATFORMOS
from liquid_background.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "porting.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- example: (\{.*?\}) -->\n```liquid\n(.*?)```", PAGE, re.DOTALL)


def test_its_examples_print_what_it_says(settings: Settings) -> None:
    assert len(EXAMPLES) == PAGE.count("```liquid\n")
    engine = Engine(environment=Environment(dialect="platformos"), settings=settings)
    given: dict[str, Any] = {"engine": engine, "MESSAGES": {"k": "{n} here"}}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, given)
    for example, source in EXAMPLES:
        told = SimpleNamespace(**json.loads(example))
        assert " ".join(engine.render_string(source, told.data).split()) == told.prints
    shown = "{{ 'a.css' | asset_url }} {{ '2026-11-26' | to_time | l }} {{ 'k' | t: n: 2 }}"
    assert engine.render_string(shown) == "https://cdn.example.com/a.css 26.11.2026 2 here"


@pytest.mark.parametrize("section", ["Tags", "Filters"])
def test_its_tables_are_whole(section: str) -> None:
    _, _, text = PAGE.partition(f"\n## {section}\n")
    rows = re.findall(r"^\| (`.*?) \|", text.partition("\n## ")[0], re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    own = {tag.name for tag in PLATFORMOS.tags} if section == "Tags" else {*PLATFORMOS.filters}
    assert told - {"try_rc", "t"} == own - {"t"}


def test_what_it_says_is_missing_is_missing() -> None:
    environment = Environment(dialect="platformos")
    _, _, missing = PAGE.partition("\n## What platformOS has that this does not\n")
    names = set(re.findall(r"`([a-z_]+)`", missing)) - {"graphql", "action", "consumers", "pages"}
    assert names.isdisjoint(environment.tags)
    assert names.isdisjoint(environment.filters)
