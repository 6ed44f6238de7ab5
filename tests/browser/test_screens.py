"""What people do at the dashboard, in a browser: look, filter, retry, cancel, pause, edit, and watch it happen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from liquid_background.job import Job, JobStatus
from liquid_background.jobs.filter import Filter
from tests.browser.conftest import PREFIX, Shop

SCREENS = ("", "jobs", "failures", "names", "queues", "schedules", "workers", "logs", "operations")
CHANGES = ("jobs/all/retry?status=failed",)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WRONG = {"no/such/page": 404, "jobs/nothing": 404, "jobs?since=nonsense": 400, "queues/pause": 405}
FAILS = "{% assign no = 'x' | divided_by: 0 %}"
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u202eevil\u0000"
LONG = "w" * 100_000


@pytest.fixture(scope="module")
def filled(shop: Shop, worker: None, wait_until: Callable[..., Any]) -> Shop:
    """The shop with a job of each kind, whose fields hold what authors may write to do harm."""
    jobs = [
        Job(source_name="good", template="pages/good", line=1, source="done {{ text }}", parameters={"text": HOSTILE}),
        Job(
            source_name="bad",
            template=f"pages/{HOSTILE}",
            line=3,
            source=f"{HOSTILE}\n{FAILS}",
            parameters={HOSTILE: 1},
        ),
        Job(source_name="mail", template="pages/mail", line=1, source=FAILS, parameters={"to": "a", "token": "s3cret"}),
        Job(source_name="long", template="pages/long", line=1, source=FAILS, parameters={"text": LONG[:90_000]}),
        Job(source_name="later", template="pages/later", line=1, source="x", delay=600),
    ]
    shop.engine.jobs.send(jobs)
    shop.engine.render_string("{% log text, type: kind %}", {"text": HOSTILE, "kind": HOSTILE[:20]})
    wait_until(lambda: shop.engine.jobs.count("failed") == 3 and shop.engine.jobs.count("completed") == 1)
    shop.engine.queues.pause(source_name="paused_name", by=HOSTILE, reason=HOSTILE)
    shop.engine.operations.start("retry", Filter(error=HOSTILE), by=HOSTILE)
    return shop


def _open(page: Page, shop: Shop, path: str) -> None:
    answer = page.goto(f"{shop.url}/{path}")
    assert answer is not None
    assert answer.status == 200, path


def _paths(shop: Shop) -> list[str]:
    """Return where each kind of screen is to be seen."""
    groups = [f"failures/{group.id}" for group in shop.engine.failures.list(silenced=True, source_name="bad")]
    names = {name: shop.engine.jobs.list(source_name=name)[0].id for name in ("bad", "good", "later")}
    return [*SCREENS, *(f"jobs/{id}" for id in names.values()), f"jobs/{names['bad']}/edit", *CHANGES, *groups]


@pytest.mark.slow
def test_every_field_is_text_and_narrow_screens_scroll_in_their_tables_alone(filled: Shop, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"{page.url} ran {dialog.message}"))
    long = filled.engine.jobs.list(source_name="long")[0].id
    for path in [*_paths(filled), f"jobs/{long}", f"jobs/{long}/edit"]:
        _open(page, filled, path)
        assert page.locator("main img, main script, main [onerror]").count() == 0, path
        content = page.content()
        assert "\u202e" not in content, path
        assert len(content) < 300_000, path
        for width in (400, 320):
            page.set_viewport_size({"width": width, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("document.getAnimations().length") == 0, path
    assert [url for url in asked if not url.startswith(filled.url)] == []  # nothing comes from elsewhere


@pytest.mark.slow
def test_each_screen_is_accessible(filled: Shop, browser: Browser) -> None:
    context = browser.new_context(bypass_csp=True)  # the test's own script is let in
    page, axe = context.new_page(), Axe()
    wrong = {}
    for path in [*_paths(filled), *WRONG]:
        page.goto(f"{filled.url}/{path}")
        page.emulate_media(color_scheme="light")
        options = {"runOnly": TAGS, "resultTypes": ["violations"]}
        found = axe.run(page, options=options).response["violations"]
        page.emulate_media(color_scheme="dark")
        found += page.evaluate("axe.run({runOnly: ['color-contrast'], preload: false}).then((it) => it.violations)")
        if found:
            wrong[path] = [(each["id"], each["nodes"][0]["html"][:200]) for each in found]
    context.close()
    assert wrong == {}


@pytest.mark.slow
def test_the_page_that_asks_before_jobs_are_deleted_is_accessible(filled: Shop, browser: Browser) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{filled.url}/jobs/{filled.engine.jobs.list(source_name='later')[0].id}")
    page.evaluate("document.querySelector('form[action$=\"/delete\"]').submit()")  # as without scripts
    expect(page.locator("h1")).to_have_text("Delete 1 job?")
    assert Axe().run(page, options={"runOnly": TAGS}).response["violations"] == []
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize(("role", "status"), [("nobody", 403), ("stranger", 401)])
def test_who_may_not_look_gets_an_accessible_page(filled: Shop, browser: Browser, role: str, status: int) -> None:
    context = browser.new_context(bypass_csp=True)
    context.add_cookies([{"name": "role", "value": role, "url": filled.url}])
    page, axe = context.new_page(), Axe()
    answer = page.goto(f"{filled.url}/jobs")
    assert answer is not None
    assert answer.status == status
    expect(page.locator("main p")).not_to_be_empty()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = axe.run(page, options={"runOnly": TAGS}).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    context.close()


def test_what_is_not_there_says_so(filled: Shop, window: BrowserContext) -> None:
    page = window.new_page()
    for path, status in WRONG.items():
        answer = page.goto(f"{filled.url}/{path}")
        assert answer is not None
        assert answer.status == status, path
        expect(page.locator("main .message"), path).not_to_be_empty()
        expect(page.locator("header nav a"), path).to_have_count(len(SCREENS))
    page.close()


def test_one_job_is_filtered_and_retried(filled: Shop, page: Page) -> None:
    _open(page, filled, "jobs?status=failed")
    page.fill("input[name=source_name]", "mail")
    page.keyboard.press("Enter")
    expect(page.locator("main tbody tr")).to_have_count(1)
    assert "source_name=mail" in page.url
    page.click("main tbody a >> nth=0")
    expect(page.locator("dl.facts")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator(".told")).to_contain_text("retried")
    expect(page.locator(".state").first).to_have_text("failed")  # again; nobody reloads
    [job] = filled.engine.jobs.list(source_name="mail")
    assert [(entry.by, entry.action) for entry in filled.engine.audit.entries(limit=1)] == [("ada", "retry")]
    expect(page.locator(".timeline li")).to_have_count(2)
    assert page.url.partition("?")[0] == f"{filled.url}/jobs/{job.id}"


@pytest.mark.slow
def test_a_group_of_hundreds_is_retried_and_watched(filled: Shop, page: Page, wait_until: Callable[..., Any]) -> None:
    jobs = [Job(source_name="storm", template="pages/storm", line=1, source=FAILS) for _ in range(400)]
    filled.engine.jobs.send(jobs)
    wait_until(lambda: filled.engine.jobs.count("failed", "storm") == len(jobs), timeout=100)
    [group] = filled.engine.failures.list(source_name="storm")
    _open(page, filled, f"failures/{group.id}")
    page.click("text=Retry 400")
    expect(page.locator("main")).to_contain_text("failed")
    page.click("button.main")
    expect(page).to_have_url(re.compile("/operations"))
    row = page.locator("main tbody tr").first
    expect(row).to_contain_text("done", timeout=60_000)  # by the stream: nobody reloads
    expect(row.locator("td.number").first).to_have_text("400", timeout=60_000)
    [operation, *_] = filled.engine.operations.list()
    assert (operation.done, operation.by) == (400, "ada")


def test_a_scheduled_job_is_cancelled(filled: Shop, page: Page) -> None:
    _open(page, filled, "jobs?source_name=later&status=pending")  # before hundreds of others
    page.check("main tbody input[type=checkbox]")
    page.click("#selected button:has-text('Cancel')")
    expect(page.locator(".told")).to_contain_text("cancelled")
    [job] = filled.engine.jobs.list(source_name="later")
    assert job.status is JobStatus.CANCELLED


def test_a_paused_name_stands_still(filled: Shop, page: Page, wait_until: Callable[..., Any]) -> None:
    filled.engine.jobs.send([Job(source_name="still", template="pages/still", line=1, source="x")])
    wait_until(lambda: filled.engine.jobs.count("completed", "still") == 1)
    wait_until(lambda: filled.engine.stats("still"))
    _open(page, filled, "names?span=all")
    page.click("tr:has-text('still') button:has-text('Pause')")
    expect(page.locator("main")).to_contain_text("paused")
    filled.engine.jobs.send([Job(source_name="still", template="pages/still", line=1, source="y")])
    filled.engine.jobs.send([Job(source_name="behind", template="pages/behind", line=1, source="z")])
    wait_until(lambda: filled.engine.jobs.count("completed", "behind") == 1)
    assert filled.engine.jobs.count("pending", "still") == 1
    _open(page, filled, "jobs?source_name=still&status=pending")
    expect(page.locator("main tbody tr")).to_contain_text("still")
    _open(page, filled, "queues")
    page.click("main tr:has-text('still') button:has-text('Resume')")
    wait_until(lambda: filled.engine.jobs.count("completed", "still") == 2)


def test_values_are_edited_and_the_masked_one_stays(filled: Shop, page: Page, wait_until: Callable[..., Any]) -> None:
    source = "{% if to == 'nobody' %}" + FAILS + "{% endif %}to {{ to }} by {{ token }}"
    given = {"to": "nobody", "token": "s3cret"}
    job = Job(source_name="edited", template="pages/edited", line=1, source=source, parameters=given)
    filled.engine.jobs.send([job])
    wait_until(lambda: filled.engine.jobs.get(job.id).status is JobStatus.FAILED)
    _open(page, filled, f"jobs/{job.id}")
    assert "s3cret" not in page.content()
    page.click("text=Edit values and run again")
    assert "s3cret" not in page.content()
    page.get_by_label(re.compile(r"^to\b")).fill('"ada"')
    page.click("text=Run again with these values")
    expect(page.locator(".told")).to_contain_text("runs again with other values")
    expect(page.locator(".state").first).to_have_text("completed")
    assert "s3cret" not in page.content()
    new = page.url.partition("?")[0].rpartition("/")[2]
    assert filled.engine.jobs.get(new).result == "to ada by s3cret"


def test_a_list_is_gone_through_by_keys(filled: Shop, page: Page) -> None:
    _open(page, filled, "jobs")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("main tbody tr").first).to_have_class(re.compile("here"))
    page.keyboard.press("x")
    expect(page.locator("main tbody input").first).to_be_checked()
    page.locator("main tbody tr a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dl.facts")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile(f"{PREFIX}/failures$"))


def test_a_failure_is_retried_by_keys(filled: Shop, page: Page) -> None:
    [group, *_] = filled.engine.failures.list()
    _open(page, filled, f"failures/{group.id}")
    page.keyboard.press("r")
    expect(page.locator("button.main")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/operations.*done=started"))
    [operation, *_] = filled.engine.operations.list()
    assert operation.filter.failure == group.id


def test_all_of_it_works_without_scripts(filled: Shop, browser: Browser, wait_until: Callable[..., Any]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in _paths(filled):
        _open(page, filled, path)
        expect(page.locator("h1")).to_be_visible()
    _open(page, filled, "jobs?source_name=bad&status=failed")
    page.click("main tbody a >> nth=0")
    page.click("form[action$='/retry'] button")
    expect(page.locator(".told")).to_contain_text("retried")
    context.close()


def test_a_reader_sees_no_buttons_and_writes_nothing(filled: Shop, browser: Browser) -> None:
    context = browser.new_context()
    context.add_cookies([{"name": "role", "value": "reader", "url": filled.origin}])
    page = context.new_page()
    for path in SCREENS:
        _open(page, filled, path)
        assert page.locator("main form[method=post] button").count() == 0, path
    job = filled.engine.jobs.list("failed", limit=1)[0]
    answer = context.request.post(
        f"{filled.url}/jobs/{job.id}/retry", headers={"origin": filled.origin}, form={"back": "/"}
    )
    assert answer.status == 403
    assert filled.engine.jobs.get(job.id).status is JobStatus.FAILED
    context.close()
