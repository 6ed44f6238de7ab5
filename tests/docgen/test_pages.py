"""What is generated is up to date, complete, and stays between its markers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import liquid_background
from docgen.pages import ROOT, WHOLE, fill, generated_pages
from docgen.tables import TABLES
from liquid_background import errors, pytest_plugin

MARKED = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "<!-- table:" in page.read_text(encoding="utf-8")
]


@cache
def _generated() -> Mapping[Path, str]:
    return generated_pages()


@pytest.mark.parametrize("page", [*(ROOT / name for name in WHOLE), *MARKED], ids=lambda page: page.name)
def test_the_page_is_what_the_code_says(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == _generated()[page], f"{page.name} is stale; run: make docs"


@pytest.mark.parametrize("name", TABLES)
def test_each_table_stands_in_a_page(name: str) -> None:
    assert any(f"<!-- table: {name}, by" in page.read_text(encoding="utf-8") for page in MARKED)


@pytest.mark.parametrize("module", ["", ".rapidai", ".web", ".testing", ".lint"])
def test_each_public_name_is_in_the_api(module: str) -> None:
    public = import_module(f"liquid_background{module}").__all__
    text = _generated()[ROOT / "docs/api.md"]
    assert [name for name in public if f"\n### {name}\n" not in text] == []


def test_each_error_that_the_api_tells_of_can_be_imported() -> None:
    text = _generated()[ROOT / "docs/api.md"]
    told = {name for name in re.findall(r"^- `(\w+)`: when ", text, re.M) if hasattr(errors, name)} - {"LiquidError"}
    assert "ResultTimeout" in told
    assert told - set(liquid_background.__all__) == set()


def test_each_fixture_is_in_the_api() -> None:
    source = Path(str(pytest_plugin.__file__)).read_text(encoding="utf-8")
    fixtures = re.findall(r"@pytest\.fixture.*?\ndef (\w+)", source)
    assert fixtures
    text = _generated()[ROOT / "docs/api.md"]
    assert [name for name in fixtures if f"\n### {name}\n" not in text] == []


@pytest.mark.parametrize(
    "promised",
    [
        "#### Engine.render_async\n",
        "#### Engine.enqueue\n",  # inherited
        "#### Queue.retry\n",  # engine.jobs
        "#### StoredLog.follow\n",  # engine.log
        "#### Handle.result_async\n",
        "#### FakeJobs.entries\n\n`entries: list[LogEntry]`\n",
        "| `count` | `int` | `6` | runs after the first, from 0 to 100 |",  # a default by a constant's name
        "- `JobCancelled`: when it was taken back.\n",  # Raises:
        "- `hands_over`: whether the page values that its arguments name travel with a background block.\n",  # Args:
        "def background(max_retries: Callable[P, R], /) -> Function[P, R]\n",  # an overload
        "backoff: float = 2.0)\n",  # a constant of another module
    ],
)
def test_the_api_shows_what_pages_promise(promised: str) -> None:
    assert promised in _generated()[ROOT / "docs/api.md"]


def test_the_api_leaves_out_what_applications_do_not_call() -> None:
    text = _generated()[ROOT / "docs/api.md"]
    assert not re.search(
        r"^#+ (Engine\.(perform|dispatch)|Environment\.new_collector|Queue\.send|\w+\._\w+)", text, re.M
    )


def test_prose_around_a_table_stays() -> None:
    page = "Before.\n\n<!-- table: rules, by `make docs` -->\nstale\n<!-- end -->\n\nAfter.\n"
    filled = fill(page, "page.md")
    assert filled == page.replace("stale\n", TABLES["rules"]())
    assert fill(filled, "page.md") == filled


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            "<!-- table: rulez, by `make docs` -->\n<!-- end -->\n",
            "page.md: no table is called 'rulez'; tables are rules",
        ),
        ("<!-- table: rules, by `make docs` -->\n", "page.md: a table has one marker only"),
        ("text <!-- end -->\n", "page.md: a table has one marker only"),
    ],
)
def test_markers_that_are_wrong_are_named(page: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        fill(page, "page.md")
