"""`poscli alerts`: who is told of what, and telling it as a test; what the starter has for that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer

import pytest

from liquid_background.errors import SettingsError
from liquid_background.events import SYSTEM_EVENTS
from tests.cli.conftest import Project

APP = """
from liquid_background import Engine
engine = Engine(alerts="alerts")

@engine.action
def later():
    return "done"

@engine.action
def page(text):
    engine.enqueue(later, id="later")
    return f"paged: {text}"

@engine.on_event("store.trouble")
async def heard(event):
    print("hook", event.type, event.values["error"], event.values["test"])
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("app.py", APP)
    project.env["LIQUID_BACKGROUND_APP"] = "app:engine"
    project.write(
        "alerts/job.failed/page.liquid", "{% action said = 'page', text: event.error %}{{ said }}{% log 'x' %}"
    )
    return project


def test_a_test_tells_and_says_where_it_went(shop: Project) -> None:
    done = shop.good("alerts", "test", "job.failed")
    first, said, logged, sent = done.lines
    assert first.startswith("job.failed sent by alerts/job.failed/page.liquid (")
    assert said == "  paged: SMTPServerDisconnected: Connection closed"
    assert logged.endswith("log: alert_job_failed_page - x")
    assert sent == "  1 job sent: later"
    assert "later" in shop.good("jobs", "list").out
    assert shop.good("alerts", "test", "store.trouble").lines[0].startswith("hook store.trouble redis://")


@pytest.mark.parametrize("event", SYSTEM_EVENTS)
def test_each_event_has_a_sample_that_renders(shop: Project, event: str) -> None:
    shop.write("alerts/every/all.liquid", "{{ event | json }}{{ event.summary }}")
    if event in ("store.trouble", "alert.failed"):
        return
    line = shop.good("alerts", "test", event).lines[-1]
    assert json.loads(line[: line.rindex("}") + 1])["test"] is True
    assert "test: " in line


def test_what_cannot_be_sent_is_said(shop: Project) -> None:
    shop.write("alerts/every/bad.liquid", "{% include 'nobody' %}")
    done = shop.run("alerts", "test", "queue.late")
    assert done.code == 1
    assert "queue.late not sent by alerts/every/bad.liquid: partial 'nobody' not found" in done.err


@pytest.mark.parametrize(
    ("event", "hint"), [("job.faild", "did you mean 'job.failed'?"), ("x", "events are job.failed, ")]
)
def test_a_wrong_name_gets_the_nearest(project: Project, event: str, hint: str) -> None:
    done = project.run("alerts", "test", event)
    assert done.code == 2
    assert f"no event '{event}'; {hint}" in done.err


def test_nobody_is_told(project: Project) -> None:
    with pytest.raises(SettingsError, match=r"nobody is told of job\.failed: set ALERTS to a folder of templates"):
        project.quick("alerts", "test", "job.failed")
    project.write("alerts/readme", "")
    with pytest.raises(
        SettingsError, match=r"write alerts/job\.lost/NAME\.liquid, or every/NAME\.liquid there, or regi"
    ):
        project.quick("alerts", "test", "job.lost", LIQUID_BACKGROUND_ALERTS="alerts")


def test_a_list_says_who_is_told(shop: Project) -> None:
    shop.write("alerts/job.lst/x.liquid", "x")
    done = shop.good("alerts", "list")
    rows = {line.split("  ")[0].strip(): line for line in done.lines[1:]}
    assert set(rows) == set(SYSTEM_EVENTS)
    assert "job.failed/page" in rows["job.failed"]
    assert "hooks" in rows["store.trouble"]
    assert "nobody" in rows["queue.late"]
    assert "alerts/job.lst is no event's, and nobody is sent what stands there; did you mean 'job.lost'?" in done.err
    rows = [json.loads(line) for line in shop.good("alerts", "list", "--format", "json").lines]
    assert rows[0] == {"event": "job.failed", "told_to": ["job.failed/page"], "when": SYSTEM_EVENTS["job.failed"].says}


@pytest.mark.parametrize("folder", ["templates", "templates/alerts", "link"])
def test_a_folder_in_the_site_is_refused(project: Project, folder: str) -> None:
    project.page("p", "x")
    (project.folder / "templates" / "alerts").mkdir()
    (project.folder / "link").symlink_to(project.folder / "templates" / "alerts")
    with pytest.raises(
        SettingsError, match=r"alerts: '.*' is in the site's folder, whose authors would read all errors"
    ):
        project.quick("alerts", "list", LIQUID_BACKGROUND_ALERTS=folder)


def test_so_is_one_in_a_site_that_an_environment_brings(project: Project) -> None:
    project.write("theirs/alerts/job.failed/x.liquid", "x")
    project.write(
        "own.py",
        "from liquid_background import Engine, Environment\nfrom liquid_background.language.pages import SiteLoader\n"
        "engine = Engine(environment=Environment(loader=SiteLoader('theirs')), alerts='theirs/alerts')\n",
    )
    done = project.run("alerts", "list", "--app", "own:engine")
    assert done.code == 1
    assert "'theirs/alerts' is in the site's folder 'theirs'" in done.err


def test_a_link_from_it_into_the_site_is_refused(shop: Project) -> None:
    shop.page("x", "x")
    alerts = shop.folder / "alerts"
    (alerts / "job.lost").symlink_to(shop.folder / "templates" / "pages")
    (alerts / "job.failed" / "x.liquid").symlink_to(shop.folder / "templates" / "pages" / "x.liquid")
    for event in ("job.lost", "job.failed"):
        with pytest.raises(
            SettingsError, match=r"x\.liquid' is in the site's folder '.*', whose authors would read all"
        ):
            shop.quick("alerts", "test", event)


def test_one_that_cannot_be_read_keeps_no_other_back(shop: Project) -> None:
    (shop.folder / "alerts" / "job.failed" / "a.liquid").mkdir()
    done = shop.run("alerts", "test", "job.failed")
    assert done.code == 1
    assert "job.failed not sent by alerts/job.failed/a.liquid: the alert's template" in done.err
    assert "job.failed sent by alerts/job.failed/page.liquid (" in done.out


@contextmanager
def _serving(server: TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_starters_webhook_and_mail(project: Project) -> None:
    posted: list[bytes] = []
    mailed: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Mail(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                word = line[:4].upper().strip()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    while (text := self.rfile.readline()) != b".\r\n":
                        mailed.append(text.decode().rstrip())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

    project.good("init", "site")
    site = project.folder / "site"
    with _serving(HTTPServer(("127.0.0.1", 0), Hook)) as web, _serving(TCPServer(("127.0.0.1", 0), Mail)) as smtp:
        surroundings = {
            "ALERT_WEBHOOK": f"http://127.0.0.1:{web}/",
            "ALERT_SMTP": f"127.0.0.1:{smtp}",
            "ALERT_MAIL": "ops@example.com",
        }
        made = Project(site, project.data_dir, project.env, project.wait)
        done = made.good("alerts", "test", "job.failed", **surroundings)
        hostile = "import notify; notify.post_alert('<!channel> <http://x|y> & z')"
        subprocess.run([sys.executable, "-c", hostile], cwd=site, env=os.environ | surroundings, check=True)
    summary = "test: send_email failed: SMTPServerDisconnected: Connection closed (pages/checkout:12)"
    calls_nobody = "&lt;!channel&gt; &lt;http://x|y&gt; &amp; z"
    assert [json.loads(body) for body in posted] == [{"text": summary}, {"text": calls_nobody}]
    mail = message_from_string("\n".join(mailed), policy=default)
    assert (mail["To"], mail["Subject"]) == ("ops@example.com", summary)
    assert mail.get_content().split("\n")[0] == summary
    assert "poscli jobs show 0123456789abcdef0123456789abcdef" in mail.get_content()
    assert "  mail: sent to ops@example.com" in done.lines
    assert "  webhook: posted (200)" in done.lines
    assert not Path(site / "outbox.txt").exists()
