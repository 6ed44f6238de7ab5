"""The log's screen in a browser: lines as they come, pausing, filtering, hostile text."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shop

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e"


def test_a_line_comes_while_one_looks(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/logs")
    expect(page.locator(".live-state")).to_have_text("Live")
    shop.engine.render_string("{% log text, type: 'audit' %}", {"text": HOSTILE})
    row = page.locator("#entries tr").first
    expect(row).to_contain_text("<img src=x onerror=alert(1)></script><script>alert(2)</script>\\u202e")
    assert page.locator("#entries img, #entries script").count() == 0
    page.reload()
    expect(page.locator("#entries tr")).to_have_count(1)  # the same once, not once more from the stream


def test_a_paused_tail_holds_lines_back(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/logs?type=paused")
    expect(page.locator(".live-state")).to_have_text("Live")
    page.click("button.pause")
    for text in ("one", "two"):
        shop.engine.render_string("{% log text, type: 'paused' %}{% log text, type: 'other' %}", {"text": text})
    expect(page.locator("button.pause")).to_contain_text("new")
    expect(page.locator("#entries tr")).to_have_count(0)
    page.click("button.pause")
    expect(page.locator("#entries .text")).to_have_text(["two", "one"])


def test_keys_are_told(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/logs")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("input[name=source_name]")).to_be_focused()
