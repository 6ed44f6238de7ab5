"""`poscli health`: one line, an exit code, soon, and nothing changed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from liquid_background.job import LogEntry, LogStatus
from liquid_background.jobs.queue import keys
from liquid_background.jobs.store import Store
from tests.cli.conftest import POSCLI, attempt, write_log

PAGE = "{% background source_name: 'a' %}{% endbackground %}"


def _register(store: Store, *names: str) -> None:
    for name in names:
        store.client.hset(keys.worker(name), mapping={"state": "idle", "queues": "high,default,low"})
        store.client.sadd(keys.RQ_WORKERS, keys.worker(name))


def test_a_store_with_a_worker_is_healthy(project: Any, log: Store) -> None:
    _register(log, "w.1", "w.2")
    assert project.quick("health").out == "ok: 2 workers, 0 waiting, 0 failed in the last minute\n"
    said = json.loads(project.quick("health", "--format", "json").out)
    assert said == {
        "healthy": True,
        "workers": 2,
        "waiting": 0,
        "oldest_seconds": None,
        "failed_last_minute": 0,
        "verdicts": [],
    }


def test_a_real_worker_makes_it_healthy(project: Any) -> None:
    assert project.run("health").code == 1
    worker = project.start("worker")
    project.wait(lambda: project.run("health").code == 0)
    assert project.quick("health").out.startswith("ok: 1 worker, 0 waiting")
    assert worker.stop() == 0


def test_each_trouble_is_named_the_shortest_first(project: Any, log: Store) -> None:
    _register(log, "w.1")
    project.page("p", PAGE)
    project.quick("render", "p")
    log.client.hset(
        keys.job(log.client.lindex(keys.queue("default"), 0).decode()), "enqueued_at", "2020-01-01T00:00:00.0Z"
    )
    write_log(log, *(attempt("x", "FAILED") for _ in range(8)), *(attempt("x", "LOST") for _ in range(4)))
    write_log(
        log, *(attempt("x", "SUCCESS") for _ in range(20)), LogEntry(source_name="x", message="FAILED", status=None)
    )
    (line,) = project.quick("health", "--min-workers", "3", code=1).lines
    assert line.startswith("failed: ")
    troubles = line.removeprefix("failed: ").split("; ")
    workers = next(number for number, text in enumerate(troubles) if text.startswith("1 worker running, fewer than 3"))
    failures = next(number for number, text in enumerate(troubles) if text.startswith("12 attempts failed"))
    oldest = next(number for number, text in enumerate(troubles) if text.startswith("a job has waited for"))
    assert workers < failures < oldest or workers < oldest < failures
    assert "12 attempts failed in the last minute, more than 10: look: poscli logs --status FAILED" in line
    assert "longer than 300 s: run more workers" in line
    said = json.loads(project.quick("health", "--format", "json", code=1).out)
    assert said["healthy"] is False
    assert said["failed_last_minute"] == 12
    assert said["oldest_seconds"] > 100_000_000
    assert [(verdict["name"], verdict["severity"]) for verdict in said["verdicts"]] == [
        ("oldest", "wrong"),
        ("failures", "wrong"),
    ]
    assert all(verdict["found"] and verdict["fix"] for verdict in said["verdicts"])
    wide = ("--max-oldest", "999999999", "--max-failed-per-minute", "12", "--min-workers", "1")
    assert project.quick("health", *wide).out.startswith("ok: 1 worker, 1 waiting, the oldest for ")


def test_failures_of_more_than_a_minute_ago_do_not_count(project: Any, log: Store) -> None:
    _register(log, "w.1")
    old = int(log.time(0) * 1000) - 61_000
    fields = {"status": str(LogStatus.FAILED), "job_id": "x"}
    log.client.xadd("liquid_background:log", fields, id=f"{old}-0")
    write_log(log, attempt("x", "FAILED"))
    assert "1 failed in the last minute" in project.quick("health").out


def test_of_very_many_failures_enough_are_counted(project: Any, log: Store) -> None:
    _register(log, "w.1")
    write_log(log, *(attempt("x", "FAILED") for _ in range(2_500)))
    said = json.loads(project.quick("health", "--format", "json", code=1).out)
    assert said["failed_last_minute"] == 1_000
    assert project.quick("health", "--max-failed-per-minute", "2500").out.startswith("ok: ")
    assert project.quick("health", "--max-failed-per-minute", "2499", code=1).out.startswith("failed: 2,500 attempts")


@pytest.mark.usefixtures("store_dir")
def test_no_store_is_started_and_nothing_made(project: Any) -> None:
    (line,) = project.quick("health", code=1).lines
    assert (
        line == f"failed: the embedded store in {project.data_dir} does not run, so no worker does: run poscli worker"
    )
    assert not any(project.data_dir.iterdir())


def test_a_store_that_cannot_be_used_is_one_line(project: Any, start_server: Any) -> None:
    assert project.quick("health", code=1, REDIS_URL="redis://127.0.0.1:1/0").out == (
        "failed: the store at redis://127.0.0.1:1/0 cannot be reached (Connection refused): start it, correct "
        "REDIS_URL, or unset that to use the embedded store\n"
    )
    url = start_server().url
    for place in (url.replace("/0", "/99"), f"{url.replace('/0', '/99')}?client_name=probe"):
        line = project.quick("health", code=1, REDIS_URL=place).out
        assert line.startswith("failed: the store at ")
        assert "has no database of the number" in line
    assert project.quick("health", code=1, REDIS_URL="ftp://host").out.startswith("failed: setting redis_url: ")
    said = json.loads(project.quick("health", "--format", "json", code=1, REDIS_URL="redis://127.0.0.1:1/0").out)
    assert (said["healthy"], said["workers"], said["waiting"]) == (False, None, None)


def test_an_url_with_options_is_looked_at_all_the_same(project: Any, start_server: Any) -> None:
    url = f"{start_server('--appendonly', 'yes').url}?client_name=probe"
    assert project.quick("health", "--min-workers", "0", REDIS_URL=url).out == (
        "ok: 0 workers, 0 waiting, 0 failed in the last minute\n"
    )


def test_a_warning_is_named_and_no_failure(project: Any, start_server: Any) -> None:
    line = project.quick("health", "--min-workers", "0", REDIS_URL=start_server().url).out
    assert line == (
        "ok: 0 workers, 0 waiting, 0 failed in the last minute; warning: the store keeps nothing on disk, so a restart "
        "loses every job: set appendonly to yes\n"
    )


def test_a_silent_store_has_the_time_limit(project: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        line = project.quick("health", "--timeout", "0.3", code=1, REDIS_URL=url).out
        assert time.monotonic() - started < 5
    assert line.startswith(f"failed: the store at {url} did not answer within 0.3 s")


def test_what_is_loaded_first_is_within_the_time_limit(project: Any) -> None:
    project.write("slow.py", "import time\ntime.sleep(20)\n")
    started = time.monotonic()
    done = project.run("health", "--app", "slow:engine", "--timeout", "0.5")
    assert time.monotonic() - started < 10
    assert done.code == 1
    assert done.out.startswith("failed: the application, or the client for this URL, was not loaded within 0.5 s")
    assert "--timeout" in done.out


def test_sentinels_that_are_silent_have_the_time_limit(project: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        url = f"redis+sentinel://{','.join([place] * 30)}/jobs"  # half a second each
        started = time.monotonic()
        line = project.run("health", "--timeout", "2", REDIS_URL=url).out
        assert time.monotonic() - started < 8
    assert line.startswith("failed: the ")
    assert "within 2 s" in line or "cannot be reached" in line


def test_what_is_not_known_is_named_and_no_failure(project: Any, start_server: Any) -> None:
    url = start_server("--appendonly", "yes", "--rename-command", "INFO", "").url
    line = project.quick("health", "--min-workers", "0", REDIS_URL=url).out
    assert line.startswith("ok: 0 workers, 0 waiting, 0 failed in the last minute; unknown: cannot tell whether the ")
    assert "the server does not know INFO: take the lines that disable or rename commands (rename-command) out" in line


def test_the_application_s_own_store_is_looked_at(project: Any, start_server: Any) -> None:
    url = start_server("--appendonly", "yes").url
    project.write("shop.py", f"from liquid_background import Engine\nengine = Engine(redis_url={url!r})\n")
    assert project.run("health", "--app", "shop:engine", "--min-workers", "0").out.startswith("ok: ")
    env = {"LIQUID_BACKGROUND_APP": "shop:engine"}
    assert project.run("health", "--min-workers", "0", **env).out.startswith("ok: ")
    broken = project.run("health", "--app", "nothing:there")
    assert (broken.code, broken.err) == (1, "")
    assert broken.out.startswith("failed: setting app: ")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--max-oldest", "-1"),
        ("--max-oldest", "soon"),
        ("--max-failed-per-minute", "1.5"),
        ("--min-workers", "-1"),
        ("--timeout", "0"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--format", "xml"),
        ("--nothing",),
    ],
)
def test_a_wrong_option_is_wrong_usage(project: Any, wrong: tuple[str, ...]) -> None:
    result = project.run("health", *wrong)
    assert (result.code, result.out) == (2, "")
    assert "poscli health" in result.err


def test_it_imports_nothing_that_takes_long(project: Any, log: Store) -> None:
    _register(log, "w.1")
    code = (
        "import sys\nfrom poscli.program import run\n"
        "try: run(['health'])\n"
        "finally: print(sorted({'redis', 'rq', 'pydantic', 'liquid', 'logging.config', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [POSCLI[0], "-c", code], cwd=project.folder, env=project.env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "[]"
    assert sys.executable == POSCLI[0]
