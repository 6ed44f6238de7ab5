"""Messages name the store's URL by the place where it was given."""

from __future__ import annotations

from typing import Any

import pytest

_NOBODY = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({}, "redis_url in pyproject.toml:3"),
        ({"REDIS_URL": _NOBODY}, "REDIS_URL"),
        ({"REDIS_URL": _NOBODY, "LIQUID_BACKGROUND_REDIS_URL": _NOBODY}, "LIQUID_BACKGROUND_REDIS_URL"),
    ],
)
def test_an_url_that_leads_nowhere_is_named_by_its_place(project: Any, variables: dict[str, str], place: str) -> None:
    project.write("pyproject.toml", f'[tool.liquid_background]\nlease = 3\nredis_url = "{_NOBODY}"\n')
    said = f"start it, correct {place}, or unset that to use the embedded store"
    assert said in project.run("jobs", "list", **variables).err
    assert said in project.run("doctor", **variables).out
    assert said in project.run("health", **variables).out


def test_where_no_place_has_one_it_is_named_by_the_variable_that_may(project: Any) -> None:
    result = project.run("jobs", "list", LIQUID_BACKGROUND_DATA_DIR=str(project.folder / "none"))
    assert "LIQUID_BACKGROUND_REDIS_URL names another" in result.err
