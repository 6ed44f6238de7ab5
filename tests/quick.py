"""The tests of the change at hand: `python -m tests.quick` runs those of the rooms whose files differ from main.

The tests mirror the code, so a changed file names its room: `liquid_background/jobs/queue/moves.py` is of `tests/jobs`.
With them go the tests of the whole house (`tests/test_*.py`, `tests/docgen`). Where what all of them
share has changed, all rooms are run but those that start processes. What is marked `slow` waits for `make test`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
OF_PROCESSES = frozenset(("browser", "cli", "demo", "faults", "fastapi", "groups", "web", "worker"))
"""Rooms that take minutes, because nearly each of their tests starts workers, servers or commands."""
ELSEWHERE = {
    "templates": "demo",
    "cli/poscli/demo_site": "demo",
    "cli": "cli",
    "worker": "worker",
    "docgen": "docgen",
    "examples/fastapi_shop": "fastapi",
    "examples/flask_shop": "flask",
    "examples/django_shop": "django",
    "liquid_background/program.py": "django",
    "liquid_background/pytest_plugin.py": "testing",
    "liquid_background/rq_entry.py": "faults",
}
"""Where code's tests are in a room of another name. The rest of `liquid_background` is in rooms of the same names."""


def changed() -> list[str]:
    """Return the files that differ from main, committed or not; where there is no main, from the last commit."""
    base = _git("merge-base", "HEAD", "main") or ["HEAD"]
    return [*_git("diff", "--name-only", base[0]), *_git("ls-files", "--others", "--exclude-standard")]


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def chosen(files: Iterable[str]) -> list[str]:
    """Return the rooms and files below `tests` to run for changed files, in order."""
    rooms = {room for file in files if (room := _room(file)) is not None}
    if "" in rooms:
        rooms |= {path.name for path in TESTS.iterdir() if any(path.glob("**/test_*.py"))} - OF_PROCESSES
    house = {path.name for path in TESTS.glob("test_*.py")} | {"docgen"}
    return sorted((rooms - {""}) | house)


def _room(file: str) -> str | None:
    """Return the name of a file's room; "" for what all rooms share, None for what only the house's tests read."""
    path = Path(file)
    elsewhere = next((room for place, room in ELSEWHERE.items() if path.is_relative_to(place)), None)
    if elsewhere is not None or path.parts[0] not in ("tests", "liquid_background") or path.match("tests/test_*.py"):
        return elsewhere
    room = Path(path.parts[1]).stem
    return room if (TESTS / room).is_dir() else ""


def main(options: Sequence[str]) -> None:
    """Become pytest on the chosen tests."""
    places = chosen(changed())
    print("tests:", *places, flush=True)
    command = [sys.executable, "-m", "pytest", "-m", "not slow", *options, *(f"tests/{place}" for place in places)]
    os.chdir(ROOT)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
