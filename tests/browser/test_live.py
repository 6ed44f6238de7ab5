"""What happens on a page that stays open: charts, what is chosen, a tab that is hidden, a server that refuses."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

from playwright.sync_api import Page, expect

from liquid_background.job import Job, LogEntry
from liquid_background.jobs.queue import moves, scripts
from liquid_background.jobs.queue.tally import Tally
from liquid_background.web.live import OF_ONE
from tests.browser.conftest import PREFIX, Shop, until

HIDE = """(hidden) => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def _send(shop: Shop, *names: str) -> list[Job]:
    jobs = [Job(source_name=name, template="pages/x", line=1, source="x") for name in names]
    shop.engine.jobs.send(jobs)
    return jobs


def _attempts(shop: Shop, *endings: str) -> None:
    """Have workers of another machine tell how attempts ended."""
    tally = Tally()
    for ending in endings:
        tally.begin(40)
        tally.end(ending, 10)
    scripts.run(shop.engine.store, *moves.tally({"mail": tally}))


def _streams(page: Page) -> list[str]:
    """Return what is asked for the live part from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    return asked


def _streaming(shop: Shop) -> HTTPConnection:
    """Open a stream, once the server has noticed which tabs of earlier tests are gone."""
    deadline = time.monotonic() + 30
    while True:
        stream = HTTPConnection("127.0.0.1", shop.port)
        stream.request("GET", f"{PREFIX}/live/workers")
        if stream.getresponse().status == 200:
            return stream
        stream.close()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_charts_tell_numbers_and_take_new_ones_as_they_stand(shop: Shop, page: Page) -> None:
    _attempts(shop, *["success"] * 1200, *["failed"] * 35)
    page.goto(shop.url)
    expect(page.locator(".chart .uplot")).to_have_count(3)
    assert page.locator(".chart > svg").count() == 0
    plots = page.locator(".chart .uplot").element_handles()

    def told(at: int, label: str) -> Any:
        row = page.locator(".chart").nth(at).locator(f".u-series:has-text('{label}')")
        return row.locator(".u-value")

    for at in range(3):
        over = page.locator(".chart .u-over").nth(at)
        box = over.bounding_box()
        assert box is not None
        over.hover(position={"x": box["width"] - 2, "y": 20})
        if at == 0:
            expect(told(0, "attempts that ended")).to_have_text("1,235")
        elif at == 1:
            expect(told(1, "failed")).to_have_text("35")
            _attempts(shop, "failed", "failed")  # under the pointer
            expect(told(1, "failed")).to_have_text("37")
        else:
            expect(told(2, "half")).to_contain_text("ms")
    assert all(plot.evaluate("plot => plot.isConnected") for plot in plots)  # none was drawn anew
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".chart .uplot")).to_have_count(3)


def test_what_is_chosen_stays_and_the_rest_comes_after(shop: Shop, page: Page) -> None:
    _send(shop, "first", "second")
    page.goto(f"{shop.url}/jobs?status=pending")
    page.check("main tr:has-text('second') input")
    expect(page.locator("[data-selected]")).to_have_text("1")
    page.evaluate(  # before it is sent: it may come at once
        "window.told = new Promise((told) => addEventListener("
        "'htmx:sse:before:message', () => setTimeout(told, 300, true))); 0"
    )
    _send(shop, "third")
    assert page.evaluate("window.told")
    assert page.locator("main tr:has-text('second') input").is_checked()
    assert page.locator("main tbody tr").count() == 2
    page.uncheck("main tr:has-text('second') input")
    expect(page.locator("main tbody tr")).to_have_count(3)
    page.check("[data-selects]")
    expect(page.locator("[data-selected]")).to_have_text("3")
    assert page.locator("main tbody input:checked").count() == 3
    page.uncheck("[data-selects]")
    expect(page.locator("[data-selected]")).to_have_text("")


def test_the_row_that_one_is_at_stays(shop: Shop, page: Page) -> None:
    [job] = _send(shop, "mine")
    page.goto(f"{shop.url}/jobs?source_name=mine")
    page.keyboard.press("j")
    expect(page.locator("tr.here")).to_have_attribute("id", f"job-{job.id}")
    _send(shop, "mine")
    expect(page.locator("main tbody tr")).to_have_count(2)
    expect(page.locator("tr.here")).to_have_attribute("id", f"job-{job.id}")
    assert page.evaluate("document.activeElement.closest('tr').id") == f"job-{job.id}"


def test_an_id_is_copied(shop: Shop, page: Page) -> None:
    [job] = _send(shop, "copied")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{shop.url}/jobs/{job.id}")
    page.click("button.copy")
    expect(page.locator("button.copy")).to_have_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == job.id
    expect(page.locator("button.copy")).to_have_text("Copy the id")


def test_a_hidden_tab_asks_nothing(shop: Shop, page_alone: Page) -> None:
    page = page_alone
    asked = _streams(page)
    ended: list[str] = []
    page.on("requestfinished", lambda request: ended.append(request.url))
    page.on("requestfailed", lambda request: ended.append(request.url))
    page.clock.install()
    page.goto(f"{shop.url}/jobs?source_name=behind")
    until(page, "document.querySelector('#stream')._htmx?.sse?.reader")
    page.evaluate(HIDE, True)
    until(page, "!document.querySelector('#stream')._htmx?.sse?.reader")
    page.clock.fast_forward(600_000)
    assert len(asked) == 1
    assert asked[0] in ended  # the server has nobody to tell anything
    _send(shop, "behind")
    page.evaluate(HIDE, False)
    expect(page.locator("main tbody tr")).to_have_count(1)
    assert len(asked) == 2


def test_a_tab_that_is_opened_behind_another_is_live_when_it_is_seen(shop: Shop, page_alone: Page) -> None:
    page = page_alone
    asked = _streams(page)
    page.add_init_script("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.goto(f"{shop.url}/jobs?source_name=seen")
    until(page, "typeof htmx === 'object' && document.querySelector('#stream')._htmx")
    assert asked == []
    page.evaluate(HIDE, False)
    until(page, "document.querySelector('#stream')._htmx.sse")
    _send(shop, "seen")
    expect(page.locator("main tbody tr")).to_have_count(1)
    assert len(asked) == 1


def test_a_page_beyond_a_visitors_streams_asks_now_and_then(shop: Shop, page: Page, angry: list[str]) -> None:
    asked = _streams(page)
    with ExitStack() as stack:
        for _ in range(OF_ONE):
            stack.enter_context(closing(_streaming(shop)))
        page.clock.install()
        with page.expect_response("**/live/**") as refused:
            page.goto(f"{shop.url}/jobs?source_name=beyond")
        assert refused.value.status == 429
        page.wait_for_timeout(200)
        _send(shop, "beyond")
        page.clock.fast_forward(10_500)
        expect(page.locator("main tbody tr")).to_have_count(1)
        page.goto(f"{shop.url}/logs?type=beyond")
        expect(page.locator(".live-state")).to_contain_text("now and then")
        shop.engine.render_string("{% log 'hello', type: 'beyond' %}")
        page.clock.fast_forward(10_500)
        expect(page.locator("#entries")).to_contain_text("hello")
        page.clock.fast_forward(10_500)
        page.wait_for_timeout(500)
        assert page.locator("#entries tr").count() == 1
    assert len(asked) >= 4
    angry.clear()  # of the status


def test_a_page_whose_live_part_is_refused_stays_as_it_is(shop: Shop, page: Page, angry: list[str]) -> None:
    _send(shop, "kept")
    refused = {"status": 503, "content_type": "text/html", "body": "<p>Too many pages are open</p>"}
    page.route("**/live/**", lambda route: route.fulfill(**refused))
    with page.expect_response("**/live/**"):
        page.goto(f"{shop.url}/jobs?source_name=kept")
    page.wait_for_timeout(200)
    expect(page.locator("main tbody tr")).to_have_count(1)
    assert "Too many" not in page.content()
    angry.clear()  # of the status


def test_what_says_that_there_is_nothing_stays(shop: Shop, page_alone: Page) -> None:
    """The first news of a page took away the words that say what to do next."""
    page = page_alone
    page.add_init_script("addEventListener('htmx:after:swap', () => { window.swaps = (window.swaps || 0) + 1; })")
    for path in ("schedules", "operations"):
        page.goto(f"{shop.url}/{path}")
        until(page, "window.swaps")
        expect(page.locator("p.empty").first).to_be_visible()
    page.goto(f"{shop.url}/logs?type=news")
    expect(page.locator("p.empty")).to_be_visible()
    expect(page.locator(".live-state")).to_have_text("Live")
    shop.engine.jobs.send([], [LogEntry(type="news", message="something came")])
    expect(page.locator("#entries tr")).to_have_count(1)
    expect(page.locator("p.empty")).to_have_count(0)


def test_the_screens_links_take_little_of_a_narrow_window(shop: Shop, page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{shop.url}/schedules")
    box = page.locator("header").bounding_box()
    assert box is not None
    assert box["height"] < 150
