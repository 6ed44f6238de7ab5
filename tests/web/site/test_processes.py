"""Page processes: a page that is stuck or dies costs its own request, and the others are answered."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Served, read_reply

BLOCK = "{% background source_name: 'made' %}{% endbackground %}"
PAGES = {
    "pages/index": "hello",
    "pages/jobs": BLOCK,
    "pages/in_c": BLOCK + "{{ 1 | in_c }}",
    "pages/loops": BLOCK + "\n{% for i in (1..9000000) %}{% assign x = i | append: 'x' | upcase %}{% endfor %}" * 3,
    "pages/asleep": "{{ 600 | sleep }}",
    "pages/slow": "{{ 1.2 | sleep }}done",
    "pages/segv": BLOCK + "{{ 1 | segv }}",
    "pages/leave": "{{ 1 | leave }}",
    "pages/sys_exit": "{{ 1 | sys_exit }}",
    "pages/hog": "{{ 1 | hog }}",
    "pages/pid": "{{ 1 | pid }}",
    "pages/starts": "{{ 1 | start }} {{ 600 | sleep }}",
    "pages/realtime": "{{ 1 | realtime }}",
    "pages/haunts": "{{ 1 | haunt }}",
    "pages/wanders": "{{ 1 | wander }}{% include 'met' %}",
    "partials/met": "met on the way",
    "pages/around": "{{ 1 | around }}",
    "pages/enqueues": "{% action 'outer' %}",
    "pages/enqueues_and_fails": "{% action 'outer' %}{{ 0 | divide }}",
    "pages/enqueues_for_ever": "{% for i in (1..1001) %}{% action 'outer' %}{% endfor %}",
}


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")


@pytest.fixture(scope="module")
def served(module_serve: Callable[..., Served]) -> Served:
    return module_serve(PAGES, "--show-errors", PAGE_TIMEOUT="2.5")


def test_other_pages_answer_while_one_is_stuck_in_c(served: Served, store: Any) -> None:
    with closing(served.start("/in_c")) as stuck:
        for _ in range(5):
            started = time.monotonic()
            assert served.get("/").text == "hello"
            assert time.monotonic() - started < 2
        reply = read_reply(stuck)
    assert reply.status == 503
    assert "pages/in_c ran longer than 2.5 seconds and was stopped (LIQUID_BACKGROUND_PAGE_TIMEOUT)" in reply.text
    assert "none of its jobs was sent" in reply.text
    assert store.client.keys("rq:job:*") == []
    served.until("GET /in_c 503")


def test_a_page_that_loops_too_long_ends_by_itself_with_its_line(served: Served, store: Any) -> None:
    pids = {served.get("/pid").text for _ in range(5)}
    started = time.monotonic()
    reply = served.get("/loops")
    assert time.monotonic() - started < 3.4  # or its process is killed
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert "rendering took over 2.5 s (LIQUID_BACKGROUND_PAGE_TIMEOUT)" in reply.text
    assert "in pages/loops:2" in reply.text
    assert "Have the template do less" in reply.text
    assert store.client.keys("rq:job:*") == []
    served.until("rendering took over 2.5 s (LIQUID_BACKGROUND_PAGE_TIMEOUT) (pages/loops:2)")
    assert served.get("/pid").text in pids


def test_the_time_of_an_environment_counts_here_too(module_serve: Callable[..., Served]) -> None:
    app = """
import time
from liquid_background import Engine, Environment
from liquid_background.language.pages import SiteLoader

environment = Environment(loader=SiteLoader("templates"), page_timeout=30)
environment.add_filter("sleep", lambda value: time.sleep(float(value)))
engine = Engine(environment=environment)
"""
    script = f"open('own.py', 'w').write({app!r})"
    served = module_serve(PAGES, "--app", "own:engine", script=script, PAGE_TIMEOUT="0.1")
    assert served.get("/slow").text == "done"


def test_a_stuck_page_that_is_asked_for_often_leaves_others_room(served: Served) -> None:
    stuck = [served.start("/asleep") for _ in range(30)]
    for _ in range(3):
        started = time.monotonic()
        assert served.get("/").text == "hello"
        assert time.monotonic() - started < 2
    assert {read_reply(connection).status for connection in stuck} == {503}
    assert served.get("/").text == "hello"


def test_a_slow_page_within_the_limit_is_answered(served: Served) -> None:
    slow = [served.start("/slow") for _ in range(3)]
    assert [read_reply(connection).text for connection in slow] == ["done"] * 3


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("segv", "ended by signal 11 (SIGSEGV); none of its jobs was sent"),
        ("leave", "ended with exit code 3"),
        ("sys_exit", "SystemExit: 4"),
        pytest.param("realtime", "ended by signal 40; none", marks=LINUX),
        pytest.param(
            "hog", "MemoryError", marks=pytest.mark.skipif(os.uname().sysname != "Linux", reason="RLIMIT_DATA")
        ),
    ],
)
def test_a_page_that_breaks_its_process_costs_its_own_request(served: Served, page: str, reason: str) -> None:
    reply = served.get(f"/{page}")
    assert reply.status == 500
    assert reason in reply.text
    assert f"pages/{page}" in reply.text
    served.until(f"GET /{page} 500")
    assert served.get("/").text == "hello"


def test_a_process_that_is_killed_while_it_waits_costs_no_request(served: Served) -> None:
    pid = int(served.get("/pid").text)
    assert pid != served.process.pid
    os.kill(pid, signal.SIGKILL)
    assert served.get("/pid").status == 200


def test_jobs_are_sent_once(served: Served, store: Any) -> None:
    assert served.get("/jobs").status == 200
    assert len(store.client.keys("rq:job:*")) == 1


def test_what_python_enqueues_on_a_page_goes_with_the_page(served: Served, store: Any) -> None:
    assert served.get("/enqueues_and_fails").status == 500
    assert "over 1,000 jobs in one render" in served.get("/enqueues_for_ever").text
    assert store.client.keys("rq:job:*") == []
    assert served.get("/enqueues").status == 200
    assert len(store.client.keys("rq:job:*")) == 1


def test_what_an_earlier_page_left_behind_says_nothing_of_the_next_one(served: Served, store: Any) -> None:
    assert served.get("/haunts").status == 200
    started = time.monotonic()
    reply = served.get("/asleep")
    assert time.monotonic() - started < 8
    assert "pages/asleep ran longer than 2.5 seconds" in reply.text
    assert "none of its jobs was sent" in reply.text
    assert len(store.client.keys("rq:job:*")) == 1  # of the page that was rendered meanwhile


def test_what_a_page_does_to_its_process_does_not_reach_the_next(served: Served) -> None:
    before = served.get("/around").text
    assert served.get("/wanders").text == "met on the way"
    assert served.get("/around").text == before
    assert served.get("/").text == "hello"


def test_log_lines_are_no_jobs_that_were_being_sent(serve: Callable[..., Served]) -> None:
    app = """
import time
from liquid_background import Engine


class Slow(Engine):
    def send(self, jobs, entries):
        time.sleep(600)


engine = Slow(templates="templates")
"""
    script = f"open('own.py', 'w').write({app!r})"
    pages = {"pages/logs": "{% log 'x' %}", "pages/jobs": BLOCK}
    server = serve(pages, "--app", "own:engine", "--show-errors", script=script, PAGE_TIMEOUT="0.3")
    sends = server.start("/jobs")
    started = time.monotonic()
    assert "none of its jobs was sent" in server.get("/logs").text
    assert time.monotonic() - started < 8
    assert "its jobs were being sent, all or none" in read_reply(sends).text


def test_a_page_that_has_sent_jobs_and_goes_on_is_not_said_to_be_sending(serve: Callable[..., Served]) -> None:
    app = """
import time
from liquid_background import Engine

engine = Engine(templates="templates")

engine.environment.add_filter("rendered", lambda name: engine.render(name))
engine.environment.add_filter("slept", time.sleep)
"""
    script = f"open('own.py', 'w').write({app!r})"
    pages = {"pages/outer": "{{ 'inner' | rendered }}{{ 60 | slept }}", "pages/inner": BLOCK}
    server = serve(pages, "--app", "own:engine", "--show-errors", script=script, PAGE_TIMEOUT="0.3")
    text = server.get("/outer").text
    assert "some of its jobs were sent before: look for them" in text
    assert "being sent" not in text


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: os.waitpid(-1, os.WNOHANG)"])
def test_processes_that_somebody_else_buries_leave_their_places(serve: Callable[..., Served], handler: str) -> None:
    script = f"import os, signal\nsignal.signal(signal.SIGCHLD, {handler})"
    server = serve(PAGES, "--processes", "2", "--show-errors", script=script, PAGE_TIMEOUT="2.5")
    for _ in range(3):
        reply = server.get("/leave")
        assert reply.status == 500
        assert "the process that rendered pages/leave ended" in reply.text
    assert server.get("/").text == "hello"


@LINUX
def test_a_page_process_does_not_hold_the_port(served: Served) -> None:
    pid = served.get("/pid").text
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    listening = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}
    assert not listening & set(_open(int(pid)))
    assert len(listening & set(_open(served.process.pid))) == 1


def _open(pid: int) -> list[str]:
    return [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]


@LINUX
def test_what_a_stuck_page_started_goes_with_it(serve: Callable[..., Served], wait_until: Callable[..., Any]) -> None:
    server = serve({"pages/starts": "{{ 1 | start }}{{ 600 | sleep }}"}, PAGE_TIMEOUT="0.5")
    with closing(server.start("/starts")) as stuck:
        grandchild = wait_until(lambda: next(iter(_below(server.process.pid, 2)), None), 5)
        assert read_reply(stuck).text == "This page took too long and was stopped.\n"
    wait_until(lambda: not _runs(grandchild))


def _below(pid: int, levels: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children if levels == 1 else [inner for child in children for inner in _below(child, levels - 1)]


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serve_while_pages_are_stuck(serve: Callable[..., Served], number: signal.Signals) -> None:
    server = serve({"pages/index": "hello {{ 1 | pid }}", "pages/in_c": "{{ 1 | in_c }}"}, PAGE_TIMEOUT="60")
    assert server.get("/").status == 200
    half = server.connect()
    half.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
    stuck = [server.start("/in_c") for _ in range(6)]  # some of them wait for a process
    server.wait(lambda: len(_below(server.process.pid, 1)) >= 4)
    pages = _below(server.process.pid, 1)
    started = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - started < 8
    replies = [read_reply(connection) for connection in stuck]
    assert [(reply.status, reply.headers["retry-after"]) for reply in replies] == [(503, "5")] * 6
    assert len([line for line in server.log() if line.startswith("GET /in_c 503")]) == 6
    reasons = [line for line in server.log() if "the server is stopping" in line]
    assert len(reasons) == 6
    assert all("pages/in_c" in line for line in reasons)
    server.wait(lambda: not any(_runs(pid) for pid in pages))
    assert "Traceback" not in server.err.read_text()


@LINUX
def test_requests_are_finished_at_the_end(serve: Callable[..., Served]) -> None:
    server = serve({"pages/slow": "{{ 1 | sleep }}done"})
    slow = server.start("/slow")
    server.wait(lambda: _below(server.process.pid, 1))
    time.sleep(0.3)  # until the request is read: nothing shows it before its answer
    assert server.stop() == 0
    assert read_reply(slow).text == "done"


@LINUX  # which alone tells a process that its parent was killed
def test_a_killed_server_leaves_no_page_process(serve: Callable[..., Served]) -> None:
    server = serve({"pages/in_c": "{{ 1 | in_c }}", "pages/index": "x"}, PAGE_TIMEOUT="60")
    server.start("/in_c")
    assert server.get("/").status == 200
    pages = _below(server.process.pid, 1)
    assert pages
    server.process.kill()
    server.process.wait()
    server.wait(lambda: not any(_runs(pid) for pid in pages))


def test_templates_are_read_anew_in_every_process(serve: Callable[..., Served]) -> None:
    server = serve({"pages/index": "old {{ 0.3 | sleep }}"})
    both = [server.start("/") for _ in range(2)]
    assert {read_reply(connection).text for connection in both} == {"old "}
    (server.folder / "templates/pages/index.liquid").write_text("new {{ 0.3 | sleep }}")
    both = [server.start("/") for _ in range(2)]
    assert {read_reply(connection).text for connection in both} == {"new "}
