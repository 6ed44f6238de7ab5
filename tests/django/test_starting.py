"""Commands of ours that are stopped, or whose project raises, while Django starts end as those of `poscli` do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SETTINGS = "SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = ['liquid_background.django', 'shop']\n"
SLOW = "import time\nfrom pathlib import Path\nPath('loading').touch()\ntime.sleep(60)\n"
LISTENS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
DJANGO = f"{LISTENS}from django.core.management import execute_from_command_line as run; import sys; run(sys.argv)"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a command of `manage.py` in a project with this `jobs.py`."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "shop/settings.py").write_text(SETTINGS)

    def started(jobs: str, *command: str) -> subprocess.Popen[str]:
        (tmp_path / "shop/jobs.py").write_text(jobs)
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": str(tmp_path)}
        words = [sys.executable, "-c", DJANGO, *command]
        return subprocess.Popen(words, cwd=tmp_path, env=environ, text=True, stdout=-1, stderr=-1)

    return started


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        (("liquid_worker",), signal.SIGTERM, 0),
        (("liquid_worker",), signal.SIGINT, 0),
        (("liquid_logs", "--tail"), signal.SIGINT, 130),
        (("liquid_jobs", "list"), signal.SIGINT, 130),
    ],
)
def test_a_stop_while_the_project_loads_is_quiet(
    start: Start, tmp_path: Path, command: tuple[str, ...], number: int, code: int
) -> None:
    running = start(SLOW, *command)
    until = time.monotonic() + 60
    while not (tmp_path / "loading").exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    running.send_signal(number)
    assert (running.communicate(timeout=30), running.returncode) == (("", ""), code)


@pytest.mark.parametrize("command", ["liquid_worker", "liquid_logs", "liquid_jobs"])
def test_what_the_project_raises_is_one_line_and_its_own(start: Start, command: str) -> None:
    running = start("def broken():\n    return 1 / 0\n\n\nbroken()\n", command)
    _, errors = running.communicate(timeout=60)
    first, *frames = errors.splitlines()
    assert running.returncode == 1
    assert first == (
        f"manage.py {command}: setting app: cannot load 'liquid_background.django:engine': "
        "ZeroDivisionError: division by zero"
    )
    assert [frame.rpartition(", ")[2] for frame in frames] == ["in <module>: broken()", "in broken: return 1 / 0"]


def test_other_commands_have_the_traceback_of_djangos(start: Start) -> None:
    running = start("1 / 0\n", "check")
    _, errors = running.communicate(timeout=60)
    assert errors.startswith("Traceback")
    assert errors.endswith("ZeroDivisionError: division by zero\n")
