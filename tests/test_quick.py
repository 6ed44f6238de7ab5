"""`make test-quick`: which tests a change names."""

from __future__ import annotations

import pytest

from tests.quick import OF_PROCESSES, TESTS, chosen

HOUSE = {"docgen", *(path.name for path in TESTS.glob("test_*.py"))}


@pytest.mark.parametrize(
    ("files", "rooms"),
    [
        (["liquid_background/jobs/queue/moves.py"], {"jobs"}),
        (["liquid_background/testing.py", "README.md"], {"testing"}),
        (["worker/liquid_background_worker/alarm.py", "cli/poscli/times.py"], {"worker", "cli"}),
        (["cli/poscli/demo_site/app.py"], {"demo"}),
        (["templates/pages/welcome.liquid"], {"demo"}),
        (["examples/fastapi_shop/shop/app.py"], {"fastapi"}),
        (["tests/faults/test_time.py"], {"faults"}),
        (["examples/flask_shop/shop.py", "liquid_background/sqlalchemy.py"], {"flask", "sqlalchemy"}),
        (["liquid_background/rq_entry.py"], {"faults"}),
        (["tests/test_engine.py", "liquid_background/lint/rules.py"], {"lint"}),
        ([], set()),
        (["CHANGELOG.md"], set()),
    ],
)
def test_a_changed_file_names_the_room_of_its_tests(files: list[str], rooms: set[str]) -> None:
    assert set(chosen(files)) == rooms | HOUSE


@pytest.mark.parametrize("files", [["tests/conftest.py"], ["liquid_background/errors.py"]])
def test_what_all_rooms_share_runs_all_that_start_no_processes(files: list[str]) -> None:
    rooms = {path.name for path in TESTS.iterdir() if path.is_dir() and any(path.glob("**/test_*.py"))}
    assert set(chosen(files)) == rooms - OF_PROCESSES | HOUSE


def test_shared_code_comes_on_top_of_the_room_that_was_changed() -> None:
    assert {"worker", "language"} <= set(chosen(["tests/conftest.py", "worker/liquid_background_worker/alarm.py"]))
    assert "faults" not in chosen(["tests/conftest.py"])
