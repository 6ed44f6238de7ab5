"""The files in examples/deploy: what docs/worker.md shows, valid for who reads them, and run where that can be."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from poscli.program import program
from tests.worker.conftest import children_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples/deploy"
LONGEST = 300  # seconds: the default of JOB_TIMEOUT


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _check_command(words: Sequence[str]) -> None:
    """Raise what poscli says of words that it does not take."""
    assert words[0] == "poscli"
    context = click.Context(program, info_name="poscli")
    command = program.get_command(context, words[1])
    assert command is not None, words
    command.make_parser(context).parse_args(list(words[2:]))


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_the_documentation_shows_each_file_as_it_is(name: str) -> None:
    page = (ROOT / "docs/worker.md").read_text(encoding="utf-8")
    assert f"\n{_text(name)}```" in page
    assert f"](../examples/deploy/{name})" in page


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the names keep their capitals
    parser.read_string(_text("shop-worker.service"))
    return parser


def test_the_unit_gives_jobs_their_time_and_signals_to_the_supervisor(unit: configparser.ConfigParser) -> None:
    service = unit["Service"]
    words = shlex.split(service["ExecStart"])
    _check_command([Path(words[0]).name, *words[1:]])
    assert (service["Type"], service["KillMode"]) == ("notify", "mixed")
    assert int(service["TimeoutStopSec"]) > LONGEST


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "shop-worker.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", _text(unit.name)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert said == []


def test_the_container_runs_poscli_without_a_shell() -> None:
    lines = dict(re.findall(r"^(\w+) (.+)$", _text("Containerfile"), re.MULTILINE))
    _check_command([*json.loads(lines["ENTRYPOINT"]), *json.loads(lines["CMD"])])
    assert lines["USER"] != "root"


def test_compose_runs_the_worker_with_its_store() -> None:
    services: dict[str, Any] = yaml.safe_load(_text("compose.yaml"))["services"]
    worker, store = services["worker"], services["store"]
    _check_command(["poscli", *worker["command"]])
    _check_command(worker["healthcheck"]["test"][1:])
    assert int(worker["stop_grace_period"].removesuffix("s")) > LONGEST
    options = {
        "appendonly": "yes",
        "maxmemory": "1gb",
        "maxmemory-policy": "noeviction",
        "stream-node-max-bytes": "512",
    }
    assert store["command"][1:] == [word for name, value in options.items() for word in (f"--{name}", value)]
    _check_environment(worker["environment"])


def test_kubernetes_gives_jobs_their_time() -> None:
    pod: dict[str, Any] = yaml.safe_load(_text("kubernetes.yaml"))["spec"]["template"]["spec"]
    (worker,) = pod["containers"]
    _check_command(["poscli", *worker["args"]])
    _check_command(worker["readinessProbe"]["exec"]["command"])
    assert "livenessProbe" not in worker
    assert pod["terminationGracePeriodSeconds"] > LONGEST
    _check_environment({each["name"]: each.get("value", "") for each in worker["env"]})
    memory = int(worker["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert memory > 2 * Settings.model_fields["memory_limit"].default


def _check_environment(variables: dict[str, str]) -> None:
    names = {f"LIQUID_BACKGROUND_{name.upper()}" for name in Settings.model_fields}
    assert set(variables) <= names


SHOP = """
import subprocess
from liquid_background import Engine

def orphan(_):
    # Its parent is gone at once, so it becomes a child of PID 1.
    subprocess.run(["sh", "-c", "setsid sleep 0.2 & exit 0"], check=True)
    return ""

engine = Engine()
engine.environment.add_filter("orphan", orphan)
"""

ISOLATED = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]


def _may_isolate() -> bool:
    with suppress(OSError):
        return subprocess.run([*ISOLATED, "true"], capture_output=True, check=False).returncode == 0
    return False


@pytest.mark.skipif(not _may_isolate(), reason="this user may not make a PID namespace")
def test_as_pid_1_a_worker_runs_jobs_collects_orphans_and_ends_in_order(
    store: Store, settings: Settings, tmp_path: Path, wait_until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container, whose file runs poscli itself."""
    (tmp_path / "shop.py").write_text(SHOP)
    pages = tmp_path / "templates/pages"
    pages.mkdir(parents=True)
    (pages / "a.liquid").write_text("{% background source_name: 'a' %}{{ 1 | orphan }}{% endbackground %}")
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("LIQUID_BACKGROUND_PROCESSES", "1")
    log = tmp_path / "log"
    poscli = [sys.executable, "-P", "-m", "poscli"]
    with log.open("wb") as stream:
        worker = subprocess.Popen(
            [*ISOLATED, *poscli, "worker", "--app", "shop:engine"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stderr=stream,
        )
    try:
        wait_until(lambda: ".1 starts: " in log.read_text())
        (first,) = children_of(worker.pid)
        subprocess.run([*poscli, "render", "a", "--app", "shop:engine"], cwd=tmp_path, check=True, capture_output=True)
        wait_until(lambda: store.client.xlen("liquid_background:log"))
        wait_until(lambda: len(children_of(first)) == 1)  # the worker's child; the orphan came, went and was collected
        Path(f"/proc/{first}").stat()
        subprocess.run(["kill", str(first)], check=True)
        assert worker.wait(30) == 0
        assert "stops: SIGTERM; it ran 1 attempt, 0 of them failed" in log.read_text()
    finally:
        for pid in (*children_of(worker.pid), worker.pid):
            with suppress(OSError):
                subprocess.run(["kill", "-9", str(pid)], capture_output=True, check=False)
        worker.wait()
