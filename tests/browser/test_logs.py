"""The log's screen in a browser: lines as they come, each once, pausing, filtering, hostile text."""

from __future__ import annotations

from time import monotonic

from playwright.sync_api import Page, expect

from liquid_background.job import LogEntry
from tests.browser.conftest import Shop

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e"


def _write(shop: Shop, kind: str, *lines: str) -> None:
    for line in lines:
        shop.engine.render_string("{% log text, type: kind %}", {"text": line, "kind": kind})


def test_a_line_comes_while_one_looks(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/logs?type=audit")
    expect(page.locator(".live-state")).to_have_text("Live")
    _write(shop, "audit", HOSTILE)
    row = page.locator("#entries tr").first
    expect(row).to_contain_text("<img src=x onerror=alert(1)></script><script>alert(2)</script>\\u202e")
    assert page.locator("#entries img, #entries script").count() == 0
    began = monotonic()
    _write(shop, "audit", "another")
    expect(row).to_contain_text("another")
    assert monotonic() - began < 5  # a second, on a machine that has nothing else to do
    page.reload()
    expect(page.locator("#entries tr")).to_have_count(2)  # the same ones, not once more from the stream


def test_a_paused_tail_holds_lines_back(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/logs?type=paused")
    expect(page.locator(".live-state")).to_have_text("Live")
    page.click("button.pause")
    _write(shop, "other", "not this one")
    _write(shop, "paused", "one", "two")
    expect(page.locator("button.pause")).to_have_text("Go on (2 new)")
    expect(page.locator("#entries tr")).to_have_count(0)
    page.click("button.pause")
    expect(page.locator("#entries .text")).to_have_text(["two", "one"])
    expect(page.locator("button.pause")).to_have_text("Pause")


def test_a_tail_goes_on_after_the_server_was_away(shop: Shop, page: Page, angry: list[str]) -> None:
    _write(shop, "away", "before")
    page.goto(f"{shop.url}/logs?type=away")
    expect(page.locator(".live-state")).to_have_text("Live")
    _write(shop, "away", "seen")
    expect(page.locator("#entries .text")).to_have_text(["seen", "before"])
    shop.stop()
    expect(page.locator(".live-state")).to_contain_text("Not live")
    _write(shop, "away", "missed 1", "missed 2")
    shop.start()
    expect(page.locator(".live-state")).to_have_text("Live", timeout=15_000)
    _write(shop, "away", "after")
    expect(page.locator("#entries .text")).to_have_text(["after", "missed 2", "missed 1", "seen", "before"])
    angry.clear()  # of connections that were refused


def test_the_tail_of_a_server_that_is_away_before_a_line_came_goes_on(shop: Shop, page: Page, angry: list[str]) -> None:
    page.goto(f"{shop.url}/logs?type=quiet")
    expect(page.locator(".live-state")).to_have_text("Live")
    shop.stop()
    _write(shop, "quiet", "missed")
    expect(page.locator(".live-state")).to_contain_text("Not live")
    shop.start()
    expect(page.locator("#entries .text")).to_have_text(["missed"], timeout=15_000)
    angry.clear()


def test_keys_are_told(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/logs")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("input[name=source_name]")).to_be_focused()


def test_an_old_page_of_the_log_is_told_nothing(shop: Shop, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shop.engine.jobs.send([], [LogEntry(message=str(number), type="many") for number in range(120)])
    page.goto(f"{shop.url}/logs?type=many")
    page.click("text=Older entries")
    expect(page.locator("#entries tr")).to_have_count(20)
    expect(page.locator(".live-state")).to_have_count(0)
    assert len([url for url in asked if "/live/" in url]) == 1  # of the first page
    page.click("text=Back to the newest")
    expect(page.locator(".live-state")).to_have_text("Live")
