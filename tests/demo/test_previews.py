"""A preview tells of each page of the demo site what a real worker then does, and does nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background import JobStatus
from liquid_background.preview import Preview
from poscli.demo_site.app import TEMPLATES
from tests.demo.test_pages import Site, _working, site  # noqa: F401
from tests.jobs.queue.test_delays import commands
from tests.preview.agreeing import assert_agrees, matches

PAGES = sorted(path.stem for path in (TEMPLATES / "pages").glob("*.liquid"))
_OF_CONNECTIONS = {"PING", "CLIENT", "HELLO", "INFO"}  # and of what keeps an embedded store


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_preview_tells_what_a_worker_does(site: Site, wait_until: Callable[..., Any], page: str) -> None:  # noqa: F811
    told: list[Preview] = []
    asked = commands(site.engine.store, lambda: told.append(site.engine.preview(page)))
    assert {command.split()[0] for command in asked} <= _OF_CONNECTIONS  # that of this test is made meanwhile
    assert not site.outbox.exists()
    assert site.service.received == {}
    (preview,) = told
    text = site.engine.render(page)
    assert matches(str(preview.run.output), text)
    sent = list(site.engine.jobs.list())
    with _working():
        wait_until(lambda: not any(site.engine.jobs.list(status) for status in (JobStatus.PENDING, JobStatus.RUNNING)))
    assert_agrees(preview, site.engine, sent)
