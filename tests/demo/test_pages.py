"""Every page of the demo site is a test: rendered, run by a real worker, and seen by its effects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, JobStatus
from poscli.demo_site.app import TEMPLATES, make_engine
from poscli.demo_site.service import DemoService, running_service
from tests import warm
from tests.halves import BothHalves


@dataclass
class Site:
    """The demo application with an outbox and a service of the test's own."""

    engine: Engine
    outbox: Path
    service: DemoService

    def play(self, page: str, **request: Any) -> str:
        """Render a page and run its jobs; return the page."""
        text = self.engine.render(page, **request)
        done = warm.run("poscli", "worker", "--quiet", "--burst", "--processes", "1", cwd=Path.cwd(), env=os.environ)
        assert (done.returncode, done.stderr) == (0, "")
        return text

    def story(self, source_name: str) -> list[str]:
        """Return how the attempts of the jobs of one source name ended, in order."""
        return [str(entry.status) for entry in self.engine.log.entries(source_name) if entry.status]

    def logged(self, source_name: str) -> list[str]:
        return [entry.message for entry in self.engine.log.entries(source_name) if not entry.status]

    def mails(self) -> list[tuple[str, str, str]]:
        found = [message_from_bytes(path.read_bytes()) for path in sorted(self.outbox.glob("*.eml"))]
        return [(mail["To"], mail["Subject"], str(mail.get_payload()).strip()) for mail in found]


@pytest.fixture
def site(tmp_path: Path, store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    outbox = tmp_path / "outbox"
    with running_service() as service:
        for name, value in {
            "LIQUID_BACKGROUND_APP": "poscli.demo_site.app:engine",
            "LIQUID_BACKGROUND_DATA_DIR": str(store_dir),
            "LIQUID_BACKGROUND_RETRY_DELAYS": "0,0,0,0",
            "DEMO_OUTBOX": str(outbox),
            "DEMO_API": service.address,
        }.items():
            monkeypatch.setenv(name, value)
        engine = make_engine(outbox, service.address)
        engine.__class__ = BothHalves
        yield Site(engine, outbox, service)
        engine.store.close()


@contextmanager
def _working() -> Iterator[None]:
    """Have a worker at work."""
    with open(os.devnull, "r+") as nothing:
        streams = (nothing, nothing, nothing)
        worker = warm.start(
            "poscli", "worker", "--quiet", "--processes", "1", cwd=Path.cwd(), env=os.environ, streams=streams
        )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(15)


def test_every_page_has_a_test() -> None:
    pages = {path.stem for path in (TEMPLATES / "pages").glob("*.liquid")}
    tests = {name.removeprefix("test_page_") for name in globals() if name.startswith("test_page_")}
    assert pages == tests


def test_page_welcome(site: Site) -> None:
    assert "<h1>Welcome, Ada</h1>" in site.play("welcome")
    assert site.story("send_welcome_email") == ["SUCCESS"]
    text = "Hello Ada,\n\nyour account has the number 7."
    assert site.mails() == [("ada@example.com", "Welcome to the shop", text)]


def test_page_reminder(site: Site, wait_until: Callable[..., Any]) -> None:
    site.engine.render("reminder")
    (job,) = site.engine.jobs.list()
    assert (job.delay, job.status) == (0.02, JobStatus.PENDING)
    with _working():
        wait_until(lambda: site.engine.jobs.get(job.id).status == JobStatus.COMPLETED)
    done = site.engine.jobs.get(job.id)
    assert done.started_at is not None
    assert done.created_at is not None
    assert (done.started_at - done.created_at).total_seconds() >= 1.2
    assert [mail[:2] for mail in site.mails()] == [("ada@example.com", "Your cart is waiting for you")]


def test_page_contact(site: Site) -> None:
    site.play("contact")
    assert site.story("sync_to_crm") == ["FAILED", "FAILED", "SUCCESS"]
    assert site.logged("sync_to_crm") == ["CRM holds contact 12 after 3 requests"]
    assert site.service.received["/crm/contacts/12/create"]["name"] == "Grace"
    failure = next(entry for entry in site.engine.log.entries("sync_to_crm") if entry.status == "FAILED")
    assert "503" in failure.message
    assert "partials/integrations/crm_sync:2" in failure.message


def test_page_statement(site: Site) -> None:
    site.play("statement")
    rows = (site.outbox / "statement-L-3.csv").read_text().splitlines()
    assert rows[0] == "month,interest,left"
    assert rows[1] == "1,48.0,11500.0"
    assert rows[24] == "24,2.0,0.0"


def test_page_report(site: Site, wait_until: Callable[..., Any]) -> None:
    site.engine.render("report")
    (job,) = site.engine.jobs.list()
    assert (job.priority, job.delay, job.max_attempts) == ("low", 0.01, 1)
    with _working():
        wait_until(lambda: site.story("monthly_report"))
    text = (site.outbox / "report-A-1-2026-6.txt").read_text()
    assert text == "Account A-1, 6/2026\n3: 120\n9: 80\n21: 45\ntotal: 245\n"


def test_page_import(site: Site) -> None:
    site.play("import")
    assert site.story("process_item") == ["SUCCESS"] * 3
    assert sorted(site.service.received) == ["/stock/sku-1", "/stock/sku-2", "/stock/sku-3"]
    assert site.service.received["/stock/sku-3"] == {"id": "sku-3", "title": "Cup", "price": "7.50"}


def test_page_webhook(site: Site) -> None:
    assert site.play("webhook").strip() == '{"received": true}'
    assert site.mails() == [
        ("grace@example.com", "Receipt", "Invoice I-88 over 71.40 was paid on 2026-06-03T10:15:00Z.")
    ]
    site.play("webhook", params={"event_type": "invoice.lost"})
    assert site.logged("webhook_handler") == ["no handler for invoice.lost"]


def test_page_order(site: Site) -> None:
    site.engine.render("order")
    priorities = {job.source_name: job.priority for job in site.engine.jobs.list()}
    assert priorities == {
        "process_payment": "high",
        "reserve_stock": "high",
        "tell_warehouse": "default",
        "send_confirmation_email": "default",
    }
    with _working():
        list(zip(range(4), (entry for entry in site.engine.log.follow(after="0-0") if entry.final), strict=False))
    assert {job.status for job in site.engine.jobs.list()} == {JobStatus.COMPLETED}
    assert site.service.received["/payments/1001-2026-06-03"] == "56.80"
    assert site.service.received["/stock/sku-1/reserve"] == 2
    assert site.mails() == [
        ("linus@example.com", "Order 1001", "2 x Kettle\n1 x Cup\nTotal: 56.80"),
        ("warehouse@shop.example", "New order", "Please pack order 1001."),
    ]


def test_page_newsletter(site: Site) -> None:
    site.play("newsletter")
    assert [mail[0] for mail in site.mails()] == ["ada@example.com", "grace@example.com"]
    assert {job.line for job in site.engine.jobs.list()} == {9}


def test_a_job_sees_neither_globals_nor_params_nor_session(site: Site) -> None:
    source = (
        "{{ user.name }}|{{ params.q }}|{{ session.id }}"
        "{% background source_name: 'blind' %}[{{ user.name }}{{ params.q }}{{ session.id }}]{% endbackground %}"
    )
    page = site.engine.render_string(source, params={"q": "x"}, session={"id": "s"})
    assert page == "Ada|x|s"
    assert warm.run("poscli", "worker", "--burst", cwd=Path.cwd(), env=os.environ).returncode == 0
    (job,) = site.engine.jobs.list()
    assert job.result == "[]"


def test_no_service_fails_with_what_to_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_API", "http://127.0.0.1:1")
    site.play("import")
    failure = site.engine.log.entries("process_item", status="FAILED")[0]
    assert "no service at http://127.0.0.1:1" in failure.message
    assert "'poscli demo' starts one" in failure.message
