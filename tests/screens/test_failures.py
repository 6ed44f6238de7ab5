"""The screens of failure groups: a list, one group, silencing."""

from __future__ import annotations

import re
from html import unescape

from liquid_background import Engine
from tests.screens.conftest import READER, Ask, text_of, where
from tests.screens.shop import EVIL, Shop


def _groups(html: str) -> list[str]:
    return re.findall(r'<tr id="failure-(\w+)"', html)


def test_one_is_no_several(shop: Shop, ask: Ask) -> None:
    shop.fail()
    assert "1 failed job in 1 group." in text_of(ask("failures"))


def test_groups_have_counts_times_place_and_the_line(shop: Shop, ask: Ask, engine: Engine) -> None:
    jobs = shop.fail(count=3)
    [other] = shop.fail("timeout of 7 s", template="pages/y", source_name="crm")
    html = unescape(text_of(ask("failures")))
    assert "<title>2 failures" in html
    assert "4 failed jobs in 2 groups" in html
    for words in ("POST /mail: 503", "pages/x:3", "<code>{{ two }}</code>", "3 in the last 48 hours", "<path d="):
        assert words in html
    assert f'href="/ops/jobs/{jobs[-1].id}"' in html
    by_count, newest = _groups(text_of(ask("failures?order=count"))), _groups(html)
    assert by_count == newest[::-1]
    assert len(_groups(text_of(ask("failures?source_name=crm")))) == 1
    assert len(_groups(text_of(ask("failures?template=pages/x")))) == 1
    assert len(_groups(text_of(ask("failures?since=10m")))) == 2
    assert "No failures match" in text_of(ask("failures?source_name=none"))
    assert ask("failures?since=yesterday").status == 400
    assert other.source_name in html


def test_a_group_has_a_page_with_its_newest_jobs(shop: Shop, ask: Ask, engine: Engine) -> None:
    jobs = shop.fail(count=2, parameters={"customer_id": 42})
    [group] = engine.failures.list()
    assert where(ask(f"failures/{group.id[:6]}")) == f"/ops/failures/{group.id}"
    html = unescape(text_of(ask(f"failures/{group.id}")))
    for words in (*(f'href="/ops/jobs/{job.id}"' for job in jobs), "customer_id", "OSError", "2 jobs now"):
        assert words in html
    assert f"/ops/jobs/all/retry?status=failed&failure={group.id}" in html
    assert ask("failures/zzzz").status == 404


def test_a_group_is_silenced_and_shown_again(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail()
    [group] = engine.failures.list()
    answer = ask(f"failures/{group.id}/silence", {"until": "2h", "back": "/ops/failures?order=count"})
    assert where(answer) == f"/ops/failures?order=count&done=silenced&about=failure+{group.id}"
    assert engine.failures.list() == []
    html = text_of(ask("failures"))
    assert _groups(html) == []
    assert "1 silenced group is left out" in html
    html = text_of(ask("failures?silenced=1"))
    assert _groups(html) == [group.id]
    assert "Show again" in html
    assert "by ada" in text_of(ask(f"failures/{group.id}"))
    ask(f"failures/{group.id}/unsilence", {})
    assert len(engine.failures.list()) == 1
    assert [by for by, _ in shop.acts()] == ["ada", "ada"]
    assert ask(f"failures/{group.id}/silence", {"until": "2024-01-01"}).status == 400
    assert ask("failures/zzzz/silence", {}).status == 404


def test_readers_silence_nothing_and_a_get_neither(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail()
    [group] = engine.failures.list()
    for act in ("silence", "unsilence"):
        assert ask(f"failures/{group.id}/{act}", {}, visitor=READER).status == 403
        assert ask(f"failures/{group.id}/{act}").status == 405
    assert 'method="post"' not in text_of(ask("failures", visitor=READER))
    assert 'method="post"' not in text_of(ask(f"failures/{group.id}", visitor=READER))
    assert len(engine.failures.list()) == 1


def test_an_empty_store_says_so(ask: Ask) -> None:
    assert "No job has failed that is still kept" in text_of(ask("failures"))


def test_nothing_that_is_masked_is_shown_of_a_group(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail("bad key hunter for all", parameters={"api_key": "hunter"})
    [group] = engine.failures.list()
    for url in ("failures", f"failures/{group.id}"):
        html = text_of(ask(url))
        assert "hunter" not in html
        assert "bad key [masked] for all" in html


def test_hostile_text_is_shown_as_text(shop: Shop, ask: Ask, engine: Engine) -> None:
    shop.fail(EVIL + "z" * 3_000, template=EVIL, parameters={EVIL: EVIL})
    [group] = engine.failures.list()
    for url in ("failures", f"failures/{group.id}", "failures?template=%3Cimg%3E"):
        html = text_of(ask(url))
        assert "<img" not in html
        assert "</script><b>" not in html
        assert not {"\u202e", "\x1b"} & set(html)
