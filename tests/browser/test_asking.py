"""What is asked before it is done, and the addresses that filters leave, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from liquid_background.errors import JobNotFound
from liquid_background.job import Job
from tests.browser.conftest import Shop


@pytest.fixture
def waiting(shop: Shop) -> str:
    """The id of a job that waits for its time."""
    job = Job(source_name="unwanted", template="pages/unwanted", line=1, source="x", delay=600)
    shop.engine.jobs.send([job])
    return job.id


@pytest.mark.parametrize("path", ["jobs/{}", "jobs?source_name=unwanted&id_prefix={}"])
def test_deleting_is_asked_for_once_more(shop: Shop, page: Page, waiting: str, path: str) -> None:
    answers: list[bool] = [False, True]
    page.on("dialog", lambda dialog: dialog.accept() if answers.pop(0) else dialog.dismiss())
    page.goto(f"{shop.url}/{path.format(waiting)}")
    if "?" in path:
        page.check(f"#pick-{waiting}")
    page.click("button:text-is('Delete')")
    expect(page.locator(".told")).to_have_count(0)
    assert shop.engine.jobs.get(waiting).id == waiting
    page.click("button:text-is('Delete')")
    expect(page.locator(".told")).to_contain_text("deleted")
    assert answers == []


@pytest.mark.parametrize("path", ["jobs/{}", "jobs?source_name=unwanted&id_prefix={}"])
def test_without_scripts_a_page_asks(shop: Shop, browser: Browser, waiting: str, path: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop.url}/{path.format(waiting)}")
    if "?" in path:
        page.check(f"#pick-{waiting}")
    page.click("button:text-is('Delete')")
    expect(page.locator("h1")).to_have_text("Delete 1 job?")
    expect(page.locator("main li")).to_contain_text("unwanted")
    page.click("main a:text-is('Back')")
    assert page.url == f"{shop.url}/{path.format(waiting)}"
    assert shop.engine.jobs.get(waiting).id == waiting
    if "?" in path:
        page.check(f"#pick-{waiting}")
    page.click("button:text-is('Delete')")
    page.click("button:text-is('Delete 1 job')")
    expect(page.locator(".told")).to_contain_text("deleted")
    with pytest.raises(JobNotFound):
        shop.engine.jobs.get(waiting)
    context.close()


def test_a_reason_is_given_while_the_page_is_live(shop: Shop, page: Page, waiting: str) -> None:
    page.goto(f"{shop.url}/names")
    row = page.locator("main tr:has-text('unwanted')")
    row.locator("summary").click()
    page.keyboard.press("Tab")
    page.keyboard.type("until six")
    shop.engine.jobs.send([Job(source_name="newcomer", template="pages/n", line=1, source="x", delay=600)])
    page.wait_for_timeout(3_000)  # longer than the page takes to be told of it
    page.locator("h1").click()  # the focus goes elsewhere
    page.wait_for_timeout(3_000)
    assert page.locator("main tr:has-text('newcomer')").count() == 0
    row.locator("button").click()
    expect(page.locator(".told")).to_contain_text("paused")
    [pause] = shop.engine.queues.paused()
    assert (pause.name, pause.reason) == ("unwanted", "until six")
    shop.engine.queues.resume(source_name="unwanted")


def test_the_address_of_a_filter_has_no_empty_fields(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/jobs?status=failed")
    page.fill("input[name=value] >> nth=0", "customer=42")
    page.click("button:text-is('Filter')")
    expect(page.locator("input[name=value]")).to_have_count(2)
    assert page.url == f"{shop.url}/jobs?status=failed&value=customer%3D42"


@pytest.mark.usefixtures("worker")
def test_r_asks_whether_to_retry_the_failure_of_the_row(shop: Shop, page: Page) -> None:
    shop.engine.jobs.send([Job(source_name="broken", template="pages/b", line=1, source="{{ 1 | divided_by: 0 }}")])
    page.goto(f"{shop.url}/failures")
    expect(page.locator("main tbody tr")).to_have_count(1, timeout=20_000)  # it comes by itself
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("h1")).to_have_text("Retry 1 job?")
    expect(page.locator("main a.bad")).to_contain_text("divided_by")
