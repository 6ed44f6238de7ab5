"""The log's screen: pages, filters, the links to jobs, and what is told of a page that is open."""

from __future__ import annotations

import re

import pytest

from liquid_background import Engine
from liquid_background.job import LogEntry, LogStatus
from liquid_background.screens import Fields, ScreenAnswer, ScreenRequest, Screens
from liquid_background.screens.live import Feed
from tests.screens.conftest import ADA, Ask, text_of


def _messages(html: str) -> list[str]:
    return re.findall(r'<td class="text">(.*?)</td>', html)


def _link(html: str, words: str) -> str:
    [found] = re.findall(rf'<a href="/ops/([^"]*)"[^>]*>{words}</a>', html)
    return found.replace("&amp;", "&")


def test_older_entries_are_a_page_further(engine: Engine, ask: Ask) -> None:
    engine.jobs.send([], [LogEntry(message=str(number)) for number in range(250)])
    html, seen = text_of(ask("logs")), []
    while True:
        seen += _messages(html)
        if "Older entries" not in html:
            break
        html = text_of(ask(_link(html, "Older entries")))
    assert seen == [str(number) for number in reversed(range(250))]
    assert _messages(text_of(ask(_link(html, "Back to the newest"))))[0] == "249"
    assert 'id="stream"' not in html  # an old page is told nothing


def test_filters_stand_in_the_form_and_in_what_comes(engine: Engine, ask: Ask) -> None:
    entries = [LogEntry(source_name="mail", message="yes", status=LogStatus.FAILED, job_id="j1", attempt=1)]
    engine.jobs.send(
        [], [*entries, LogEntry(source_name="mail", message="no"), LogEntry(source_name="x", message="no")]
    )
    html = text_of(ask("logs?source_name=mail&status=FAILED"))
    assert _messages(html) == ["yes"]
    assert 'value="mail"' in html
    assert "<option selected>FAILED</option>" in html
    assert '<a href="/ops/jobs/j1"><code>j1</code></a>' in html
    assert "source_name=mail&amp;status=FAILED&amp;after=" in html
    assert "No entries match." in text_of(ask("logs?type=nothing"))


@pytest.mark.parametrize("query", ["status=nonsense", "before=x", "before=1-2-3"])
def test_what_is_no_filter_is_refused(ask: Ask, query: str) -> None:
    assert ask(f"logs?{query}").status == 400


def test_ids_that_no_entry_can_have(engine: Engine, ask: Ask) -> None:
    engine.jobs.send([], [LogEntry(message="one")])
    assert _messages(text_of(ask("logs?before=0-0"))) == []
    for name, path in (("before", "logs"), ("after", "live/logs")):
        assert ask(f"{path}?{name}={2**64}-0").status == 400
        assert ask(f"{path}?{name}=0-{2**64}").status == 400
        assert ask(f"{path}?{name}={2**64 - 1}-0").status in (200, 204)


def test_a_feed_tells_what_has_come_and_goes_on_by_id(engine: Engine) -> None:
    def feed(after: str = "") -> Feed:
        query = Fields.parse("after=0-0&source_name=a")
        found = screens.feed(ScreenRequest(method="GET", path="live/logs", query=query, visitor=ADA), after)
        assert not isinstance(found, ScreenAnswer)
        return found

    screens = Screens(engine, live="events")
    first = feed()
    engine.jobs.send([], [LogEntry(message=text, source_name=text[:1]) for text in ("a1", "b1", "a2")])
    [event] = first.read()
    assert _messages(event.html) == ["a2", "a1"]
    assert first.read() == ()
    engine.jobs.send([], [LogEntry(message="a3\u2028<b>", source_name="a")])
    [last] = feed(event.id).read()
    assert _messages(last.html) == ["a3\\u2028&lt;b&gt;"]
    assert bytes(last).startswith(f"id: {last.id}\ndata: ".encode())
    assert bytes(last).endswith(b"\n\n")


def test_a_page_that_asks_is_told_the_same(engine: Engine, ask: Ask) -> None:
    assert ask("live/logs?after=0-0").status == 204
    engine.jobs.send([], [LogEntry(message="one")])
    answer = ask("live/logs?after=0-0")
    assert (answer.status, _messages(text_of(answer))) == (200, ["one"])
    [entry] = engine.log.entries()
    assert dict(answer.headers)["x-last-event"] == entry.id
    assert ask(f"live/logs?after={entry.id}").status == 204


def test_what_is_long_is_cut_in_every_field(engine: Engine, ask: Ask) -> None:
    """A hundred rows of what a job may log took a second to write."""
    long = "y" * 100_000
    entry = LogEntry(message=long, source_name=long, type=long, template=long, line=3)
    engine.jobs.send([], [entry])
    for path in ("logs", "live/logs?after=0-0"):
        answer = ask(path)
        assert len(answer.body) < 10_000
        assert len(re.findall(r"y … [\d,]+ more characters", text_of(answer))) == 4
