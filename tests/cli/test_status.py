"""`poscli status`, `doctor` and `store`."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.store import embedded
from tests import warm

PAGE = (
    "{% background source_name: 'a', priority: 'high' %}{% endbackground %}"
    "{% background source_name: 'b' %}{% endbackground %}"
    "{% background source_name: 'c', priority: 'low', delay: 60 %}{% endbackground %}"
)


def test_status_shows_queues_workers_and_store(project: Any) -> None:
    project.page("p", PAGE)
    project.quick("render", "p")
    lines = project.quick("status").lines
    assert lines[0].split() == [
        "QUEUE",
        "QUEUED",
        "OLDEST",
        "SCHEDULED",
        *["RUNNING", "COMPLETED", "FAILED", "CANCELLED"],
    ]
    assert [line.split()[0:2] for line in lines[1:4]] == [["high", "1"], ["default", "1"], ["low", "0"]]
    assert lines[1].split()[2].endswith("s")
    assert lines[3].split()[3] == "1"
    assert "no workers" in lines
    assert "warning: 3 jobs waiting, no worker running: start one: poscli worker" in lines
    assert any(line.startswith("store: embedded, unix://") and "Valkey" in line and "on disk" in line for line in lines)


def test_status_as_json_is_one_object(project: Any) -> None:
    project.page("p", PAGE)
    project.quick("render", "p")
    (line,) = project.quick("status", "--format", "json").lines
    status = json.loads(line)
    assert {name: queue["queued"] for name, queue in status["queues"].items()} == {"high": 1, "default": 1, "low": 0}
    assert status["queues"]["low"]["scheduled"] == 1
    assert status["queues"]["high"]["oldest_seconds"] >= 0
    assert status["store"]["kind"] == "embedded"
    assert status["store"]["persistent"] is True
    assert status["store"]["memory_bytes"] > 100_000


def test_status_shows_what_a_worker_runs(project: Any) -> None:
    project.page("p", "{% background source_name: 'slow' %}{% for i in (1..9000000) %}{% endfor %}{% endbackground %}")
    project.quick("render", "p")
    worker = project.start("worker")
    status = project.wait(
        lambda: next((s for s in [_status(project)] if any(w["jobs"] for w in s["workers"])), None), 20
    )
    (running,) = [worker for worker in status["workers"] if worker["jobs"]]
    assert running["queues"] == ["high", "default", "low"]
    assert "  slow  " in project.quick("status").out
    worker.process.kill()


def _status(project: Any) -> Any:
    return json.loads(project.quick("status", "--format", "json").out)


def test_watch_goes_on_until_ctrl_c(project: Any) -> None:
    project.page("p", PAGE)
    project.quick("render", "p")
    watch = project.start("status", "--watch", "--interval", "0.1", "--format", "json")
    project.wait(lambda: len(watch.lines()) >= 3, 15)
    assert watch.stop(signal.SIGINT) == 0
    assert watch.err.read_text() == ""


def test_watch_outlives_its_store(project: Any, start_server: Any) -> None:
    server = start_server()
    watch = project.start("status", "--watch", "--interval", "0.1", "--format", "json", REDIS_URL=server.url)
    watch.until('"queues"')
    server.kill()
    watch.until('"error"')
    start_server(port=server.port)
    project.wait(lambda: '"queues"' in watch.lines()[-1], 15)
    assert watch.stop(signal.SIGINT) == 0


def test_an_external_store_is_told_with_its_dangers(project: Any, start_server: Any) -> None:
    server = start_server()
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = server.url
    text = project.quick("status").out
    assert f"store: external, {server.url}" in text
    assert "warning: the store keeps nothing on disk" in text
    doctor = project.quick("doctor").out
    assert "keeps nothing on disk" in doctor
    assert "set appendonly to yes" in doctor
    assert "note   results" in doctor
    assert "(stream-node-max-bytes 4096); set stream-node-max-bytes to 512" in doctor


@pytest.mark.usefixtures("store_dir")
def test_doctor_names_each_fix(project: Any) -> None:
    text = project.quick("doctor").out
    assert "no folder templates; run 'poscli init' for a starter project" in text
    assert not any(project.data_dir.iterdir())
    project.page("p", PAGE)
    project.quick("render", "p")
    text = project.quick("doctor").out
    assert "1 page in templates/pages" in text
    assert "3 jobs waiting, no worker running; start one: poscli worker" in text
    project.page("broken", "{% includ 'x' %}")
    assert "2 pages in templates/pages, with 1 error; look: poscli check" in project.quick("doctor").out
    project.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert "cannot be used" in project.quick("doctor", code=1).out
    project.env["LIQUID_BACKGROUND_LEASE"] = "never"
    assert "setting lease" in project.quick("doctor", code=1).out


@pytest.mark.usefixtures("store_dir")
def test_store_status_stop_and_path(project: Any) -> None:
    assert "not running" in project.quick("store", "status").out
    assert not any(project.data_dir.iterdir())
    assert "it was not running" in project.quick("store", "stop").err
    project.page("p", PAGE)
    project.good("render", "p")
    assert project.quick("store", "status").out.startswith(f"running, in {project.data_dir}: pid ")
    path = Path(project.quick("store", "path").out.strip())
    assert path.is_socket()
    assert project.quick("store", "path", "--url").out == f"unix://{path}\n"
    assert project.quick("store", "stop").out == f"stopped, in {project.data_dir}\n"
    assert not embedded.status(project.data_dir).running
    assert len(project.quick("jobs", "list").lines) == 4, "the jobs are kept"
    project.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert "external server" in project.quick("store", "stop", code=1).err


@pytest.mark.parametrize("commands", [("doctor",), ("logs",), ("jobs", "list"), ("status",), ("render", "p")])
@pytest.mark.parametrize("kind", ["a file", "open to all"])
def test_a_data_folder_that_cannot_be_used_is_told(project: Any, commands: tuple[str, ...], kind: str) -> None:
    project.page("p", PAGE)
    place = project.folder / "data"
    if kind == "a file":
        place.touch()
    else:
        place.mkdir(mode=0o700)
        (place / "x").touch()
        place.chmod(0o777)
    result = project.run(*commands, LIQUID_BACKGROUND_DATA_DIR=str(place))
    assert result.code == 1
    said = result.out if commands == ("doctor",) else result.err
    assert ("which is not a folder: move it away" if kind == "a file" else "may be written to by anyone") in said
    assert "Traceback" not in result.err


def test_rq_sees_the_three_queues_at_that_path(project: Any) -> None:
    project.page("p", PAGE.replace(", delay: 60", ""))
    project.good("render", "p")
    url = project.quick("store", "path", "--url").out.strip()
    seen = warm.run("rq.cli", "info", "-u", url, cwd=project.folder, env=project.env).stdout
    for name in ("high", "default", "low"):
        assert any(line.split()[:1] == [name] for line in seen.splitlines()), seen


@pytest.mark.usefixtures("store_dir")
def test_a_linked_log_of_the_store_is_refused_by_every_command(project: Any) -> None:
    project.page("p", "{% background source_name: 'a' %}{% endbackground %}")
    target = project.write("precious", "x" * 2_000_000)
    log = project.data_dir / "store.log"
    log.symlink_to(target)
    commands = (["render", "p"], ["logs"], ["jobs", "list"], ["status"], ["worker", "--burst"])
    for command in (*commands, ["store", "status"], ["dev"]):
        result = project.run(*command)
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith(f"poscli: the embedded store does not use {log}, which is a link: remove it, or ")
        assert result.err.count("\n") == 1
    doctor = project.run("doctor")
    assert doctor.code == 1
    assert f"the embedded store does not use {log}, which is a link" in doctor.out
    assert target.stat().st_size == 2_000_000


READS = [
    *((command, "a folder") for command in (["status"], ["jobs", "list"], ["logs"], ["store", "path"])),
    *((command, "an empty folder") for command in (["status"], ["jobs", "show", "x"], ["logs"], ["store", "stop"])),
    *((command, "a socket") for command in (["status", "--watch"], ["logs", "--tail"], ["store", "path", "--url"])),
]


@pytest.mark.usefixtures("store_dir")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(("command", "kind"), READS)
def test_what_reads_refuses_the_store_of_another_user(project: Any, command: list[str], kind: str) -> None:
    given = project.data_dir
    if kind != "an empty folder":
        given = project.data_dir / "store.sock"
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(given))
        given = given if kind == "a socket" else project.data_dir
    os.chown(given, 12_345, 12_345)
    result = project.run(*command)
    os.chown(given, 0, 0)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"poscli: the embedded store does not use {given}, which belongs to user 12345")
    assert result.err.count("\n") == 1


def test_the_path_of_the_store_can_stand_in_a_shell_s_command(project: Any) -> None:
    folder = project.data_dir / "my #1 store? 100%"
    env = {"LIQUID_BACKGROUND_DATA_DIR": str(folder)}
    project.page("p", "{% background source_name: 'a' %}{% endbackground %}")
    project.good("render", "p", **env)
    try:
        url = project.good("store", "path", "--url", **env).out.strip()
        assert project.good("store", "path", **env).out == f"{folder}/store.sock\n"
        assert project.good("jobs", "list", LIQUID_BACKGROUND_REDIS_URL=url).lines[1:]
        rq, poscli = (shlex.join(warm.command(program)) for program in ("rq.cli", "poscli"))
        done = subprocess.run(
            ["bash", "-c", f'{rq} info -u "$({poscli} store path --url)"'],
            pass_fds=warm.inherited(),
            env={**project.env, **env},
            cwd=project.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "1 jobs total" in done.stdout
    finally:
        embedded.stop(folder)
