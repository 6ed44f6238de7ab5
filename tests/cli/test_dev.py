"""`poscli init`, `dev` and `serve`: a starter project that runs, pages that reload, and one Ctrl-C for everything."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from liquid_background.jobs.store import embedded


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _get(url: str, data: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def _processes(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder.resolve():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.usefixtures("store_dir")
@pytest.mark.slow
def test_a_starter_project_runs(project: Any) -> None:
    made = project.good("init").lines
    assert "wrote templates/pages/hello.liquid" in made
    assert made[-1] == "Now run: poscli dev"
    assert "Hello, Ada" in project.good("render", "hello", "--param", "name=Ada").out
    project.good("worker", "--burst")
    assert "send_greeting (attempt 1/3) - SUCCESS" in project.good("logs").out
    expected = "to ada@example.com: Hello Ada, greetings from a background job.\n"
    assert (project.folder / "outbox.txt").read_text() == expected
    assert project.good("check").code == 0
    assert project.good("doctor").code == 0


def test_init_changes_no_file_that_is_there(project: Any) -> None:
    project.write("app.py", "mine")
    result = project.run("init")
    assert result.code == 2
    assert "app.py is there already" in result.err
    assert (project.folder / "app.py").read_text() == "mine"
    assert [path.name for path in project.folder.iterdir()] == ["app.py"]
    assert "Now run: cd shop && poscli dev" in project.good("init", "shop").out


@pytest.mark.usefixtures("store_dir")
@pytest.mark.slow
def test_dev_runs_everything_reloads_it_and_stops_it(project: Any) -> None:
    project.good("init")
    project.write("email.py", "raise RuntimeError('a file of the project stands before one of Python')")
    port = _free_port()
    dev = project.start("dev", "--port", str(port))
    url = f"http://127.0.0.1:{port}/"
    assert "Hello, Ada" in project.wait(lambda: _get(f"{url}?name=Ada")[1], 20)
    dev.until("send_greeting (attempt 1/3) - SUCCESS")
    told = project.wait(
        lambda: re.search(r"1 job made: send_greeting; see poscli (jobs list.*)", dev.err.read_text()), 5
    )
    assert "send_greeting" in project.good(*told[1].split()).out

    page = project.folder / "templates/pages/hello.liquid"
    page.write_text(page.read_text().replace("Hello,", "Welcome,"))
    assert "Welcome, Ada" in _get(f"{url}?name=Ada")[1]

    app = project.folder / "app.py"
    app.write_text(app.read_text().replace('return "sent"', 'return "sent anew"'))
    project.wait(lambda: "app.py changed" in dev.err.read_text(), 10)
    project.wait(lambda: dev.err.read_text().count(f"Serving http://127.0.0.1:{port}") == 2, 20)
    assert _get(f"{url}?name=Bob")[0] == 200
    dev.until("greeting for Bob: sent anew")

    assert dev.stop() == 0
    assert _processes(project.folder) == []
    assert not embedded.status(project.data_dir).running


@pytest.mark.usefixtures("store_dir")
@pytest.mark.slow
def test_dev_leads_from_a_page_to_its_jobs_and_from_a_failure_to_its_log_at_the_dashboard(project: Any) -> None:
    project.good("init")
    project.page("bad", "{% background source_name: 'bad' %}{% include 'nowhere' %}{% endbackground %}")
    port = _free_port()
    dev = project.start("dev", "--gui", "--port", str(port))
    link = dev.until("Dashboard: ").removeprefix("Dashboard: ")
    origin = link.partition("/?")[0]
    project.wait(lambda: _get(f"http://127.0.0.1:{port}/bad")[0] == 200, 20)
    dev.until("bad (attempt 1/1) - FAILED")
    of_page = rf"1 job made: bad; see {re.escape(origin)}(/jobs\?parent=[0-9a-f]+)\n"
    jobs = project.wait(lambda: re.search(of_page, dev.err.read_text()), 5)[1]
    job = project.wait(lambda: re.search(rf"see {re.escape(origin)}(/jobs/[0-9a-f]+)\n", dev.err.read_text()), 5)[1]
    host = origin.partition("//")[2]
    connection = HTTPConnection("127.0.0.1", int(host.partition(":")[2]), timeout=10)
    connection.request("GET", link.removeprefix(origin), headers={"Host": host})
    answer = connection.getresponse()
    cookie = str(answer.headers["set-cookie"]).partition(";")[0]
    answer.read()
    for path in (jobs, job):
        connection.request("GET", path, headers={"Host": host, "Cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == 200
        assert "bad" in answer.read().decode()
    connection.close()
    (project.folder / "app.py").write_text((project.folder / "app.py").read_text() + "\n")
    project.wait(lambda: "app.py changed" in dev.err.read_text(), 10)
    connection.request("GET", jobs, headers={"Host": host, "Cookie": cookie})  # the dashboard goes on
    assert connection.getresponse().status == 200
    connection.close()
    assert dev.stop() == 0
    assert _processes(project.folder) == []


@pytest.mark.usefixtures("store_dir")
@pytest.mark.slow
def test_dev_goes_on_when_a_broken_application_is_mended_and_leaves_nothing_when_killed(
    project: Any,
) -> None:
    project.good("init")
    port = _free_port()
    dev = project.start("dev", "--port", str(port))
    project.wait(lambda: _get(f"http://127.0.0.1:{port}/")[0] == 200, 20)
    app = project.folder / "app.py"
    good = app.read_text()
    app.write_text(good + "\nimport nothing_like_it\n")
    project.wait(lambda: "pages ended with exit code 1" in dev.err.read_text(), 20)
    said = "No module named 'nothing_like_it'"
    project.wait(lambda: said in html.unescape(_get(f"http://127.0.0.1:{port}/any/page", b"x=1")[1]), 20)
    assert _get(f"http://127.0.0.1:{port}/")[0] == 500
    assert dev.err.read_text().count(said) == 1
    app.write_text(good)
    project.wait(lambda: _get(f"http://127.0.0.1:{port}/")[0] == 200, 20)
    if sys.platform != "linux":  # which tells a process that its parent was killed
        assert dev.stop() == 0
        return
    dev.process.kill()
    dev.process.wait()
    project.wait(lambda: not _processes(project.folder), 10)


def test_a_request_cannot_forge_a_line_of_the_server(project: Any) -> None:
    project.page("index", "x")
    server = project.start("serve", "--port", "0")
    line = project.wait(lambda: re.search(r"Serving (\S+)", server.err.read_text()), 20)
    assert _get(f"{line[1]}/a%0dGET%20/admin%20200%1b[2J%e2%80%ae")[0] == 404
    project.wait(lambda: "404" in server.err.read_text())
    assert len(server.err.read_text().splitlines()) == 2
    assert "\x1b" not in server.err.read_text()
    assert server.stop(signal.SIGTERM) == 0


@pytest.fixture
def served(project: Any) -> str:
    project.page("index", "front {{ params.a }}")
    project.page("contact", "---\nslug: say/hello\nmethod: post\nformat: json\n---\n{{ params | json }}")
    project.page("broken", "{% nothing %}")
    project.page("jobs", "{% background source_name: 'x' %}{% endbackground %}")
    project.page("head", "---\nresponse_headers:\n  X-Kind: test\n---\n{{ headers['user-agent'] }}|{{ cookies.c }}")
    project.write("templates/partials/secret.liquid", "not a page")
    server = project.start("serve", "--port", "0", "--show-errors")
    line = project.wait(lambda: re.search(r"Serving (\S+)", server.err.read_text()), 20)
    return str(line[1])


def test_pages_answer_at_their_slug_to_their_method(served: str) -> None:
    assert _get(f"{served}/?a=1") == (200, "front 1")
    assert _get(f"{served}/say/hello", b"name=Ada") == (200, '{"name": "Ada"}')
    assert _get(f"{served}/say/hello")[0] == 404
    assert _get(f"{served}/contact", b"x=1")[0] == 404
    assert _get(f"{served}/head")[1].startswith("Python-urllib")


@pytest.mark.parametrize("path", ["secret", "partials/secret", "../partials/secret", "pages/index", "none"])
def test_only_pages_are_served(served: str, path: str) -> None:
    assert _get(f"{served}/{path}")[0] == 404


def test_a_broken_page_is_told_and_takes_no_other_down(served: str) -> None:
    status, text = _get(f"{served}/broken")
    assert status == 500
    assert "unexpected tag 'nothing'" in text
    assert "pages/broken:1" in text
    assert _get(f"{served}/")[0] == 200
    assert _get(f"{served}/jobs")[0] == 200


def test_front_matter_that_cannot_be_read_costs_its_own_page(project: Any, served: str) -> None:
    project.page("aliases", "---\na: &a [x, x]\nslug: [*a, *a]\n---\nHi")
    project.page("open", "---\nslug: open\nsecret\n")
    project.page("slow", "---\nslug: elsewhere\n---\n" + "{{" * 20_000)
    for name in ("aliases", "open"):
        status, text = _get(f"{served}/{name}")
        assert status == 500
        assert f"pages/{name}:" in text
        assert text.startswith("This page has an error.")
        assert str(project.folder) not in text
    started = time.monotonic()
    assert _get(f"{served}/?a=1") == (200, "front 1")
    assert _get(f"{served}/nowhere")[0] == 404
    assert time.monotonic() - started < 2


def test_a_request_that_is_too_large_is_refused(served: str) -> None:
    assert _get(f"{served}/say/hello", b"a=" + b"x" * 1_100_000)[0] == 413


def test_a_port_in_use_is_one_line(project: Any) -> None:
    project.page("index", "x")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        result = project.run("serve", "--port", str(port))
    assert result.code == 1
    assert result.err == f"poscli: cannot listen on 127.0.0.1:{port}: Address already in use; give --port another one\n"


def _deep(folder: Path) -> None:
    """Make folders in each other whose path is longer than a path may be."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=here)
        here, above = os.open("d" * 200, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)


@pytest.mark.slow
def test_dev_passes_a_deep_folder_by_and_shows_names_printable_and_no_template_author_restarts_it(project: Any) -> None:
    project.good("init")
    _deep(project.folder)
    port = _free_port()
    dev = project.start("dev", "--port", str(port))
    project.wait(lambda: _get(f"http://127.0.0.1:{port}/")[0] == 200, 20)
    (project.folder / "templates/pages/forged.py").write_text("x")
    (project.folder / "a\nstore\x1b[2J.py").write_text("x")
    project.wait(lambda: "changed: restarting" in dev.err.read_text(), 10)
    told = dev.err.read_text()
    assert "a\\nstore\\x1b[2J.py changed: restarting worker and pages" in told
    assert "\x1b[2J" not in told
    assert "forged.py" not in told
    assert dev.stop() == 0
    subprocess.run(["rm", "-rf", str(project.folder / ("d" * 200))], check=True)


@pytest.mark.slow
def test_dev_ends_with_the_error_that_ended_its_keeper(project: Any) -> None:
    project.good("init")
    project.write(
        "broken.py",
        "import os\nfrom poscli import together\nfrom poscli.main import main\n"
        "def fail(*_):\n    raise OSError(5, 'the disk is broken')\n"
        "together._changes = fail\nmain(['dev', '--port', '" + str(_free_port()) + "'])\n",
    )
    ran = subprocess.run(
        [sys.executable, "broken.py"],
        check=False,
        cwd=project.folder,
        env=project.env,
        capture_output=True,
        timeout=60,
    )
    assert ran.returncode not in (0, 130)
    assert b"the disk is broken" in ran.stderr


def test_what_serve_and_render_log_is_one_printable_line(project: Any, served: str) -> None:
    project.write("templates/consumers/e/a\u202e.liquid", "---\ndelay: [\n---\n")
    project.write("templates/pages/page.liquid", "{% trigger_event 'e' %}ok")
    assert project.good("render", "page").out == "ok"
    assert "\\u202e" in project.run("render", "page").err
    assert "\u202e" not in project.run("render", "page").err


def test_dev_ends_at_once_where_its_port_is_taken(project: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ended = project.run("dev", "--port", str(port))
    assert (ended.code, f"cannot listen on 127.0.0.1:{port}" in ended.err) == (1, True), ended.err
