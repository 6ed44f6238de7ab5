"""Prove and Preview, in a browser: with JavaScript and without, by a real worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from liquid_background.job import Job
from tests.browser.conftest import Shop

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def failure(shop: Shop, worker: None, wait_until: Callable[..., Any]) -> Iterator[str]:
    """The id of a group of three jobs, of which two pass now."""
    partial = shop.folder / "templates" / "partials" / "mail.liquid"
    partial.parent.mkdir(exist_ok=True)
    partial.unlink(missing_ok=True)
    jobs = [
        Job(
            source_name="mail",
            template="pages/shop",
            line=3,
            source="{% include 'mail', n: n %}{% log 'sent' %}",
            parameters={"n": number},
        )
        for number in range(3)
    ]
    shop.engine.jobs.send(jobs)
    wait_until(lambda: shop.engine.jobs.count("failed") == 3)
    partial.write_text("{% if n == 2 %}{{ 1 | divided_by: 0 }}{% endif %}Hi {{ n }}", "utf-8")
    [group] = shop.engine.failures.list()
    yield group.id
    for job in shop.engine.jobs.list("failed"):
        shop.engine.jobs.delete(job.id)


def test_a_failure_is_proven_and_what_passes_runs_again(shop: Shop, page: Page, failure: str) -> None:
    page.goto(f"{shop.url}/failures/{failure}")
    page.get_by_role("button", name="Prove", exact=True).click()
    retry = page.get_by_role("button", name="Retry the 2 that pass")
    expect(retry).to_be_visible()  # it comes by itself, when workers have run the jobs dry
    table = page.get_by_role("region", name="Proof")
    expect(table.get_by_role("row").nth(1)).to_contain_text("passes now")
    expect(table.get_by_role("row").nth(2)).to_contain_text("can't divide by 0")
    found = Axe().run(page, options={"runOnly": TAGS})
    assert found.violations_count == 0, found.generate_report()
    retry.click()
    expect(page.get_by_text("Retried 2 of those that pass")).to_be_visible()
    expect(page.get_by_text("1 job now", exact=True)).to_be_visible()
    assert {job.parameters["n"] for job in shop.engine.jobs.list("failed")} == {2}


def test_a_job_is_previewed(shop: Shop, page: Page, failure: str) -> None:
    job = next(job for job in shop.engine.jobs.list("failed") if job.parameters["n"] == 1)
    page.goto(f"{shop.url}/jobs/{job.id}")
    page.get_by_role("link", name="Preview").click()
    expect(page.get_by_role("region", name="Preview")).to_contain_text("Hi 1")
    expect(page.get_by_role("region", name="Preview")).to_contain_text("log: sent")
    found = Axe().run(page, options={"runOnly": TAGS})
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("link", name="Back", exact=True).click()
    assert page.url == f"{shop.url}/jobs/{job.id}"
    assert shop.engine.jobs.get(job.id).status == "failed"


def test_both_work_without_javascript(
    shop: Shop, browser: Browser, failure: str, wait_until: Callable[..., Any]
) -> None:
    with closing(browser.new_context(java_script_enabled=False)) as context:
        page = context.new_page()
        page.goto(f"{shop.url}/failures/{failure}")
        page.get_by_role("button", name="Prove", exact=True).click()
        wait_until(lambda: shop.engine.operations.list(1)[0].ended)
        page.reload()
        page.get_by_role("button", name="Retry the 2 that pass").click()
        wait_until(lambda: shop.engine.jobs.count("failed") == 1)
        page.goto(f"{shop.url}/jobs/{shop.engine.jobs.list('failed')[0].id}/preview")
        expect(page.get_by_role("region", name="Preview")).to_contain_text("can't divide by 0")
