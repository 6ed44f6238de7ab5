"""What is done with all jobs that match: asked once more with their number and the filter in words, then started."""

from __future__ import annotations

import re

import pytest

from liquid_background import Engine
from liquid_background.jobs.filter import Filter
from liquid_background.screens.looking import Moment
from tests.screens.conftest import READER, Ask, text_of, where
from tests.screens.shop import EVIL, Shop


def _hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html))


def test_it_is_asked_with_a_number_and_the_filter_in_words(shop: Shop, ask: Ask) -> None:
    shop.fail(count=3)
    shop.fail(source_name="crm")
    html = text_of(ask("jobs/all/retry?source_name=mail&error=503&since=2h"))
    assert "<h1>Retry 3 jobs?</h1>" in html
    assert "failed jobs of the source name mail whose error holds “503” since 20" in html
    assert _hidden(html)["since"].startswith("20")  # the same time when it begins, however long that is thought over
    assert ">Retry 3 jobs</button>" in html
    assert "No filter narrows this down" not in html
    assert "No filter narrows this down" in text_of(ask("jobs/all/delete?status=failed"))
    assert "nothing would" in text_of(ask("jobs/all/retry?source_name=none"))


def test_what_was_asked_is_what_starts(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail(count=3)
    html = text_of(ask("jobs/all/retry?source_name=mail&error=503&since=2h&status=failed"))
    answer = ask("jobs/all/retry", {**_hidden(html), "rate": "10/s"})
    [operation] = engine.operations.list()
    assert where(answer) == f"/ops/operations?done=started&about=operation+{operation.id}"
    assert (operation.by, operation.rate, str(operation.kind)) == ("ada", "10/s", "retry")
    wanted = operation.filter
    assert (wanted.source_name, wanted.error, wanted.status) == ("mail", "503", "failed")
    assert wanted.since is not None
    assert ("ada", "retry") in [(by, action.split()[0]) for by, action in shop.acts()]


def test_a_rate_that_is_none_is_told_beside_the_form(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail()
    answer = ask("jobs/all/retry", {"status": "failed", "rate": "fast"})
    assert answer.status == 400
    assert 'value="fast"' in text_of(answer)
    assert engine.operations.list() == []


def test_what_takes_long_to_count_is_at_least_so_many(shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send(1_500, parameters={"n": 1})
    monkeypatch.setattr(Moment, "left", property(lambda self: 0.0))
    html = text_of(ask("jobs/all/cancel?value=n%3D1"))
    assert re.search(r"<h1>Cancel at least \d+ jobs\?</h1>", html)
    assert "looked at so far" in html


def test_a_failure_group_is_retried(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail(count=2)
    [group] = engine.failures.list()
    html = text_of(ask(f"jobs/all/retry?status=failed&failure={group.id}"))
    assert "<h1>Retry 2 jobs?</h1>" in html
    ask("jobs/all/retry", _hidden(html))
    assert engine.operations.list()[0].filter == Filter(status="failed", failure=group.id)  # type: ignore[arg-type]


def test_readers_and_what_is_nothing_are_refused(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail()
    assert ask("jobs/all/retry", visitor=READER).status == 403
    assert ask("jobs/all/retry", {"status": "failed"}, visitor=READER).status == 403
    assert ask("jobs/all/burn").status == 404
    assert ask("jobs/all/retry?status=completed").status == 400
    assert ask("jobs/all/retry", {"status": "completed"}).status == 400
    assert engine.operations.list() == []


def test_hostile_filters_are_shown_as_text(shop: Shop, ask: Ask) -> None:
    shop.fail(error=EVIL)
    html = text_of(ask("jobs/all/retry?error=%3Cimg&source_name=mail&value=%3Cb%3E%3D1"))
    assert "<img" not in html
    assert "<b>=" not in html
