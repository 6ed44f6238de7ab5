"""Each trouble of a store, made for real, is named with its remedy by doctor, status, health and a worker's start."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Job
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.queue.applications import Application, digest_of
from liquid_background.jobs.store import Store, connect
from liquid_background.settings import load_settings
from tests.cli.conftest import Project, data_dir, project

__all__ = ["data_dir", "project"]

pytestmark = pytest.mark.usefixtures("store_dir")

PAGE = Path(__file__).parents[2].joinpath("docs/sites.md").read_text()
RULE = re.findall(r"^ACL SETUSER shop on >SECRET (.*)$", PAGE, re.MULTILINE)[0].split()
"""The rights of a site's own user."""
KEPT = ("--appendonly", "yes")
LOST = ("--save", "60 1", "--dir", "{folder}")
SAVED = ("--save", "3600 1 300 100 60 10000")


@dataclass(frozen=True)
class Trouble:
    """How a server is made to have it, and what is then said."""

    name: str
    severity: str
    found: str
    remedy: str
    options: tuple[str, ...] = KEPT
    config: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Store, Any, Path], None] = lambda store, wait, folder: None
    login: str = ""
    site: str = ""


def _fail_a_save(store: Store, wait: Any, folder: Path) -> None:
    store.client.set("x", "1")
    folder.rmdir()
    store.client.bgsave()
    wait(lambda: store.client.info("persistence")["rdb_last_bgsave_status"] == "err")


def _leave_jobs_unserved(store: Store, wait: Any, folder: Path) -> None:
    jobs = [Job(source_name="x", template="pages/x", line=1, source="", priority="high") for _ in range(3)]
    Queue(store, load_settings()).send(jobs)
    store.client.hset(keys.worker("w"), mapping={"state": "idle", "queues": "low"})
    store.client.sadd(keys.RQ_WORKERS, keys.worker("w"))


def _register_two_applications(store: Store) -> None:
    for name in ("shop", "blog"):
        said = Application(folder=f"/{name}", templates={digest_of("page"): digest_of(name)}).encode()
        fields = {"state": "idle", "queues": "high,default,low", keys.RUNS: said}
        store.client.hset(keys.worker(name), mapping=fields)
        store.client.sadd(keys.RQ_WORKERS, keys.worker(name))


def _fill(store: Store, wait: Any, folder: Path) -> None:
    limit = 32 * 1024 * 1024
    store.client.config_set("maxmemory", limit)
    while _counted(store) < limit * 93 // 100:
        store.client.rpush("rest", b"x" * 90_000)


def _counted(store: Store) -> int:
    memory = store.client.info("memory")
    count: int = memory["used_memory"] - memory["mem_not_counted_for_evict"]
    return count


TROUBLES = [
    Trouble("persistence", "warning", "only now and then (save 3600 1", "set appendonly to yes", SAVED),
    Trouble("persistence", "warning", "keeps nothing on disk", "set appendonly to yes", ()),
    Trouble("sync", "warning", "(appendfsync no)", "set appendfsync to everysec", (*KEPT, "--appendfsync", "no")),
    Trouble("writes", "wrong", "is out of memory", "raise its maxmemory", config={"maxmemory": "1"}),
    Trouble("writes", "wrong", "fewer replicas", "bring its replicas back", config={"min-replicas-to-write": "1"}),
    Trouble("writes", "wrong", "cannot save to its disk and refuses writes", "see its log", LOST, {}, _fail_a_save),
    Trouble("snapshots", "warning", "its last background save failed", "its disk is full", LOST, {}, _fail_a_save),
    Trouble("role", "wrong", "is a replica", "its primary", (*KEPT, "--replicaof", "127.0.0.1 1")),
    Trouble("memory", "warning", "full (", "raise maxmemory", prepare=_fill),
    Trouble("commands", "wrong", "does not know HSET", "(rename-command)", (*KEPT, "--rename-command", "HSET", "")),
    Trouble(
        *("rights", "wrong", "may not run ZADD", "its ACL rule must grant"),
        (*KEPT, "--user", "jobs", "on", ">x", "~*", "+@all", "-zadd"),
        login="jobs:x@",
    ),
    Trouble(
        *("rights", "wrong", "may not run EVAL, SETRANGE, EVALSHA, TIME", "its ACL rule must grant"),
        (*KEPT, "--user", "jobs", "on", ">x", "~*", "+@read", "+@connection", "+info", "+config|get"),
        login="jobs:x@",
    ),
    Trouble(
        *("rights", "wrong", "may not use the keys rq:*, liquid_background:*", "its ACL rule must grant"),
        (*KEPT, "--user", "jobs", "on", ">x", "%R~*", "+@all", "-multi"),
        login="jobs:x@",
    ),
    Trouble(
        *("rights", "wrong", "may not use the keys rq:results:*", "(see docs/sites.md)"),
        (*KEPT, "--user", "jobs", "on", ">x", *(word for word in RULE if word != "~rq:results:*")),
        login="jobs:x@",
        site="shop",
    ),
    Trouble(
        *("server", "unknown", "this user may not run INFO", "grant it +info"),
        (*KEPT, "--user", "jobs", "on", ">x", *RULE),
        login="jobs:x@",
        site="shop",
    ),
    Trouble(
        *("server", "unknown", "the server does not know INFO", "(rename-command)"),
        (*KEPT, "--rename-command", "INFO", ""),
    ),
    Trouble(
        *("persistence", "unknown", "the server does not know CONFIG", "(rename-command)"),
        ("--rename-command", "CONFIG", ""),
    ),
    Trouble(
        *("sites", "warning", "two applications with no SITE share this store", "give each a SITE"),
        prepare=lambda store, wait, folder: _register_two_applications(store),
    ),
    Trouble(
        *("queues", "warning", "3 jobs waiting in high, which no running worker serves", "poscli worker --queues high"),
        prepare=_leave_jobs_unserved,
    ),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: f"{trouble.name}: {trouble.found}")
def test_each_trouble_is_named_everywhere(
    project: Project, start_server: Any, trouble: Trouble, tmp_path: Path, wait_until: Any
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    server = start_server(*(option.format(folder=folder) for option in trouble.options))
    store = connect(load_settings(redis_url=server.url))
    trouble.prepare(store, wait_until, folder)
    for name, value in trouble.config.items():
        store.client.config_set(name, value)
    store.close()
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = server.url.replace("//", f"//{trouble.login}")
    project.env["LIQUID_BACKGROUND_SITE"] = trouble.site
    is_wrong = trouble.severity == "wrong"
    code = int(is_wrong or trouble.options == LOST)  # where writes are refused, too

    lines = _about(trouble, project.quick("doctor", code=code).lines)  # other checks may want the same of the server
    marks = [line.split()[:2] for line in lines]
    assert [mark for mark in marks if mark[1] == trouble.name] == [["wrong" if is_wrong else "note", trouble.name]]

    (line,) = _about(trouble, project.quick("status").lines)
    assert line.startswith(f"{trouble.severity}: ")
    told = json.loads(project.quick("status", "--format", "json").out)["verdicts"]
    (verdict,) = [each for each in told if each["name"] == trouble.name and trouble.found in each["found"]]
    assert verdict["severity"] == trouble.severity
    assert trouble.remedy in verdict["fix"]

    (line,) = project.quick("health", "--min-workers", "0", code=code).lines
    assert line.startswith("failed: " if code else "ok: ")
    assert _about(trouble, line.split("; ")) or trouble.remedy in line
    told = json.loads(project.quick("health", "--min-workers", "0", "--format", "json", code=code).out)
    kept = ("name", "severity", "fix")  # what was found may be a percent more by now
    assert [verdict[part] for part in kept] in [[each[part] for part in kept] for each in told["verdicts"]]

    worker = project.start("worker", "--queues", "default,low")
    wait_until(lambda: _about(trouble, worker.err.read_text().splitlines()))
    assert worker.process.poll() is None
    worker.process.kill()


def _about(trouble: Trouble, lines: list[str]) -> list[str]:
    return [line for line in lines if trouble.found in line and trouble.remedy in line]


def test_a_database_that_there_is_not_is_told_at_once(project: Project, start_server: Any) -> None:
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = start_server().url.replace("/0", "/99")
    told = "has no database of the number that LIQUID_BACKGROUND_REDIS_URL ends with: write a lower one"
    doctor = project.quick("doctor", code=1)
    assert told in doctor.out
    assert "python-liquid" in doctor.out, "the other checks are printed, too"
    assert told in project.run("status").err
    said = json.loads(project.quick("status", "--format", "json", code=1).out)
    assert [(verdict["name"], verdict["severity"]) for verdict in said["verdicts"]] == [("store", "wrong")]
    assert told in project.quick("health", code=1).out
    worker = project.run("worker", timeout=20)  # and not after the minute that a store has to come up
    assert worker.code == 1
    assert told in worker.err


def test_a_stopped_store_is_told(project: Project, start_server: Any) -> None:
    server = start_server()
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = server.url
    server.kill()
    assert "cannot be reached" in project.quick("doctor", code=1).out
    assert "cannot be reached" in project.run("status").err
    said = json.loads(project.quick("status", "--format", "json", code=1).out)
    assert said["verdicts"][0]["fix"].startswith("start it")
    assert "cannot be reached" in project.quick("health", code=1).out


def test_what_cannot_be_seen_hides_no_verdict(project: Project, start_server: Any) -> None:
    server = start_server(*KEPT, "--user", "jobs", "on", ">x", "~*", "+@all", "-smembers", "-zcard")
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = server.url.replace("//", "//jobs:x@")
    told = "this user may not run SMEMBERS, ZCARD, which jobs need"
    assert told in project.quick("doctor", code=1).out
    status = project.run("status")
    assert (status.code, told in status.out) == (1, True)
    assert "does not allow this user what is needed" in status.err
    said = json.loads(project.quick("status", "--format", "json", code=1).out)
    assert said["verdicts"][0]["found"] == told


def test_a_healthy_store_is_silent(project: Project, start_server: Any) -> None:
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = start_server(*KEPT, "--stream-node-max-bytes", "512").url
    marks = [line.split()[:2] for line in project.quick("doctor").lines if not line.startswith("ok")]
    assert [subject for _, subject in marks] == ["templates"]
    assert not [line for line in project.quick("status").lines if line.startswith(("wrong", "warning", "unknown"))]
    assert json.loads(project.quick("status", "--format", "json").out)["verdicts"] == []
    assert "warning" not in project.quick("health", "--min-workers", "0").out


def test_a_folder_that_cannot_be_written_to_is_told(project: Project) -> None:
    place = project.folder / "file"
    place.touch()
    env = {"LIQUID_BACKGROUND_DATA_DIR": str(place / "data")}
    for arguments in (("doctor",), ("health",), ("status",), ("worker",)):
        result = project.run(*arguments, **env)
        assert result.code == 1
        assert f"{place}, which is not a folder: move that away" in result.out + result.err


@pytest.mark.parametrize("number", [0, 1])
def test_what_the_server_is_is_told_alone(project: Project, start_sentinels: Any, number: int) -> None:
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = f"redis://127.0.0.1:{start_sentinels().sentinel_ports[0]}/{number}"
    for line in _lines_of_health(project):
        assert "is a Sentinel, which holds no data: write redis+sentinel://" in line
        assert "does not know" not in line
    if number == 0:
        assert "is a Sentinel, which holds no data" in project.quick("doctor", code=1).out


def test_a_cluster_is_told_alone(project: Project, start_server: Any) -> None:
    project.env["LIQUID_BACKGROUND_REDIS_URL"] = start_server("--cluster-enabled", "yes").url
    for line in (*_lines_of_health(project), project.quick("doctor", code=1).out):
        assert "is a Redis Cluster, which is not supported: use one primary" in line.replace("; use", ": use")


def _lines_of_health(project: Project) -> list[str]:
    (line,) = project.quick("health", code=1).lines
    return [line]


def test_the_same_words_are_said_of_a_store_that_is_away(project: Project) -> None:
    for url in ("redis://127.0.0.1:1/0", f"unix://{project.folder}/no.sock", "redis://no-such-host.invalid:1/0"):
        project.env["LIQUID_BACKGROUND_REDIS_URL"] = url
        (line,) = project.quick("health", code=1).lines
        said = line.removeprefix("failed: ")
        assert "cannot be reached (" in said
        assert "Error" not in said
        assert said in project.quick("doctor", code=1).out
        assert said in project.run("status").err
        (verdict,) = json.loads(project.quick("status", "--format", "json", code=1).out)["verdicts"]
        assert said == f"{verdict['found']}: {verdict['fix']}"


@pytest.fixture
def read_only(project: Project) -> Iterator[Path]:
    """The folder of the project's store, on a disk that may not be written to."""
    folder = str(project.data_dir)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=200m,mode=700", "tmpfs", folder], check=False).returncode:
        pytest.skip("may not mount a file system")
    yield project.data_dir
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_folder_on_a_disk_that_may_not_be_written_to_is_told(project: Project, read_only: Path) -> None:
    found = f"cannot write to the store's folder {read_only} (Read-only file system)"
    remedy = "make it writable, or set LIQUID_BACKGROUND_DATA_DIR to another folder"
    for arguments in (("doctor",), ("health",), ("status",), ("worker",), ("worker", "--burst")):
        result = project.run(*arguments)
        assert result.code == 1
        assert f"{found}: {remedy}" in result.out + result.err
        assert "run poscli worker" not in result.out
    verdict = {"name": "folder", "severity": "wrong", "found": found, "fix": remedy}
    health = json.loads(project.quick("health", "--format", "json", code=1).out)
    assert health["verdicts"] == [verdict]
    status = project.quick("status", "--format", "json", code=1)
    assert json.loads(status.out) == {"error": f"{found}: {remedy}", "verdicts": [verdict]}
    [same] = Engine(data_dir=read_only).health()
    assert (same.name, same.found, same.remedy) == ("folder", found, remedy)


def test_a_status_as_json_is_an_object_before_there_is_a_store(project: Project) -> None:
    said = json.loads(project.quick("status", "--format", "json").out)
    assert said["verdicts"] == []
    assert "no store here" in said["error"]
