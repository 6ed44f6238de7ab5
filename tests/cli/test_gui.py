"""`poscli gui`: a dashboard on loopback that opens to a link which works once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine
from tests import warm
from tests.cli.conftest import Running

_NOBODY = 65534
SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY"}


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm.ahead.update(("poscli.commands.gui", "uvicorn.lifespan.off", "uvicorn.loops.asyncio"))


@dataclass
class Gui:
    """A running dashboard, and the cookie of its browser."""

    running: Running
    host: str
    token: str
    cookie: str = ""

    @classmethod
    def of(cls, running: Running, link: str) -> Gui:
        found = re.fullmatch(r"http://(jobs-[0-9a-f]{16}\.localhost:\d+)/\?token=([\w-]{40,})", link)
        assert found, link
        return cls(running, found[1], found[2])

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, *, address: str = "127.0.0.1", **headers: str
    ) -> HTTPResponse:
        connection = HTTPConnection(address, int(self.host.partition(":")[2]), timeout=30)
        given = {"Host": self.host, "Cookie": self.cookie, "Connection": "close"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        for name, value in SAFE.items():
            assert answer.headers[name] == value
        assert "content-security-policy" in answer.headers
        return answer

    def status(self, path: str, method: str = "GET", body: str | None = None, **more: str) -> int:
        answer = self.ask(path, method, body, **more)
        answer.read()
        return answer.status

    def enter(self) -> str:
        """Open the link as a browser does; return the header that sets its cookie."""
        answer = self.ask(f"/?token={self.token}")
        assert (answer.status, answer.headers["location"]) == (303, "/")
        said = str(answer.headers["set-cookie"])
        self.cookie = said.partition(";")[0]
        return said


@pytest.fixture
def start_gui(project: Any) -> Any:
    def start(*options: str, browser: bool = False, **env: str) -> Gui:
        running = project.start("gui", *([] if browser else ["--no-browser"]), *options, **env)
        return Gui.of(running, running.until("Dashboard: ").removeprefix("Dashboard: "))

    return start


def test_the_link_works_once_and_becomes_a_cookie(start_gui: Any) -> None:
    gui = start_gui()
    other = Gui(gui.running, gui.host, gui.token)
    answer = gui.ask("/")
    assert answer.status == 401
    assert "Open the link that 'poscli gui' printed" in answer.read().decode()
    assert gui.status("/?token=wrong") == 401
    assert gui.status(f"/jobs?token={gui.token}") == 401
    assert gui.status(f"/?token={gui.token}", "HEAD") == 401  # as what looks at links does
    said = gui.enter()
    assert said.split("; ")[1:] == ["HttpOnly", "SameSite=Strict", "Path=/"]
    mark = gui.host.partition(".")[0].removeprefix("jobs-")
    assert gui.cookie.startswith(f"poscli-gui-{mark}=")
    assert gui.token not in gui.cookie
    assert gui.status("/") == 200
    assert gui.status("/jobs") == 200
    assert other.status(f"/?token={gui.token}") == 401
    assert other.status("/") == 401
    assert gui.status(f"/?token={gui.token}") == 303  # its own browser may open the link again
    for wrong in (f"{gui.cookie}x", gui.cookie[:-1], gui.cookie.replace("poscli-gui-", "poscli-gui-0"), f"{mark}="):
        assert gui.status("/", Cookie=wrong) == 401
    assert gui.running.err.read_text() == ""  # no access log, and no token in one


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose a connection is")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_what_others_see_of_the_browsers_command_line_opens_nothing_to_them(
    start_gui: Any, tmp_path: Path, wait_until: Any
) -> None:
    browser, given = tmp_path / "browser", tmp_path / "given"
    browser.write_text(f'#!/bin/sh\necho "$1" > {given}.part && mv {given}.part {given}\n')
    browser.chmod(0o755)
    gui = start_gui(browser=True, BROWSER=f"{browser} %s")
    wait_until(given.exists)
    opened = Gui.of(gui.running, given.read_text().strip())
    assert opened.token != gui.token
    python = shutil.which("python3", path="/usr/bin:/bin")  # the suite's own may be where others cannot go
    if python is None:
        pytest.skip("there is no Python that another user can run")
    asked = (
        "import http.client, sys\n"
        "connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2].partition(':')[2]))\n"
        "connection.request('GET', sys.argv[3], headers={'Host': sys.argv[2]})\n"
        "print(connection.getresponse().status)\n"
    )
    command = [python, "-I", "-c", asked, "127.0.0.1", gui.host, f"/?token={opened.token}"]
    other = subprocess.run(command, user=_NOBODY, capture_output=True, text=True, check=True, cwd="/")
    assert other.stdout == "403\n"
    opened.enter()


def test_it_answers_to_its_own_name_only(start_gui: Any) -> None:
    gui = start_gui()
    gui.enter()
    port = gui.host.partition(":")[2]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", gui.host.partition(":")[0], f"x.{gui.host}", "evil.example"):
        assert gui.status("/", Host=host) == 403, host
        assert gui.status(f"/?token={gui.token}", Host=host) == 403, host


def test_another_sites_form_does_nothing(start_gui: Any, project: Any) -> None:
    gui = start_gui()
    gui.enter()
    engine = Engine(data_dir=project.data_dir)
    engine.render_string("{% background source_name: 'mail', delay: 60 %}x{% endbackground %}")
    (job,) = engine.jobs.list()
    path = f"/jobs/{job.id}/cancel"
    for origin in ("http://evil.example", "null", "http://localhost:8000", gui.origin.replace("http", "https"), ""):
        assert gui.status(path, "POST", "", Origin=origin) == 403, origin
    assert gui.status(path, "POST", "", Origin=gui.origin, Sec_Fetch_Site="cross-site") == 403
    assert gui.status(path, "POST", "", Origin=gui.origin, Cookie="") == 401
    assert gui.status(path) == 405
    assert engine.jobs.get(job.id).status == "pending"
    assert gui.status(path, "POST", "", Origin=gui.origin, Sec_Fetch_Site="same-origin") == 303
    assert engine.jobs.get(job.id).status == "cancelled"
    (entry,) = engine.audit.entries()
    assert entry.action == "cancel"
    assert entry.by.endswith(f"@{socket.gethostname()}")  # the operator, as of commands
    engine.store.close()


def test_read_only_changes_nothing(start_gui: Any, project: Any) -> None:
    gui = start_gui("--read-only")
    gui.enter()
    assert gui.status("/jobs") == 200
    assert gui.status("/queues/pause", "POST", "kind=queue&name=low", Origin=gui.origin) == 403
    engine = Engine(data_dir=project.data_dir)
    assert not engine.audit.entries()
    engine.store.close()


def test_it_listens_on_loopback_only(start_gui: Any) -> None:
    gui = start_gui()
    port = int(gui.host.partition(":")[2])
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as rows:
            for row in [line.split() for line in rows][1:]:
                address, _, at = row[1].partition(":")
                if row[3] == "0A" and int(at, 16) == port:
                    listening.add(address)
    assert "0100007F" in listening
    assert listening <= {"0100007F", "00000000000000000000000001000000"}
    if len(listening) == 2:
        assert gui.ask("/", address="::1").status == 401


def test_a_port_that_is_taken_is_one_line(project: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        result = project.run("gui", "--no-browser", "--port", port)
    assert result.code != 0
    (line,) = result.err.splitlines()
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert "give --port another one" in line
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    started = project.start("gui", "--no-browser", "--port", str(free))
    assert f".localhost:{free}/?token=" in started.until("Dashboard")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_though_streams_are_open(start_gui: Any, number: int) -> None:
    gui = start_gui()
    gui.enter()
    streams = [gui.ask(f"/live/{page}", Accept="text/event-stream") for page in ("logs", "jobs", "workers")]
    assert [stream.status for stream in streams] == [200] * 3
    assert [stream.read(8) for stream in streams] == [b": open\n\n"] * 3
    half = socket.create_connection(("127.0.0.1", int(gui.host.partition(":")[2])))
    half.sendall(b"POST /jobs HTTP/1.1\r\n")
    began = time.monotonic()
    assert gui.running.stop(number) == 0
    assert time.monotonic() - began < 5
    assert gui.running.err.read_text() == ""
    half.close()


def test_a_browser_is_opened_with_the_link(project: Any, tmp_path: Any) -> None:
    seen = tmp_path / "seen"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {seen}.new && mv {seen}.new {seen}\n')
    program.chmod(0o755)
    running = project.start("gui", BROWSER=f"{program} %s")
    link = running.until("Dashboard: ").removeprefix("Dashboard: ")
    project.wait(seen.exists)
    printed, opened = Gui.of(running, link), Gui.of(running, seen.read_text().strip())
    assert opened.host == printed.host
    opened.enter()
    assert opened.status("/") == 200
    assert printed.status(f"/?token={printed.token}") == 401  # one browser, by one of the two


def test_a_store_behind_a_url(start_gui: Any, start_server: Any) -> None:
    url = start_server().url
    gui = start_gui(LIQUID_BACKGROUND_REDIS_URL=url)
    gui.enter()
    assert gui.status("/jobs") == 200


def test_a_store_that_is_away_is_one_line(project: Any) -> None:
    result = project.run("gui", "--no-browser", LIQUID_BACKGROUND_REDIS_URL="redis://127.0.0.1:1/0")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1


def test_doctor_says_where_the_pages_of_others_belong(project: Any) -> None:
    project.page("index", "x")
    (line,) = [line for line in project.quick("doctor").lines if line.split()[1] == "dashboard"]
    assert line.startswith("ok")
    assert "belong on another host" in line


def test_serve_and_dev_load_nothing_of_the_dashboard() -> None:
    code = """
import sys
import poscli.commands.serve, poscli.commands.dev, liquid_background.web
from liquid_background import Engine
from liquid_background.web import application, serve
application(Engine())
print([name for name in sys.modules if "screens" in name or "dashboard" in name or "web.live" in name])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
