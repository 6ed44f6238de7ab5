"""The screen of jobs: lists, tabs with counts, the filter in the URL, and what is done with those selected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from liquid_background import Engine
from liquid_background.job import Group, JobStatus, Priority
from liquid_background.screens.looking import Moment
from tests.screens.conftest import READER, Ask, text_of, where
from tests.screens.desk import Read
from tests.screens.shop import EVIL, LONG, Shop


def _ids(html: str) -> list[str]:
    return re.findall(r'<tr id="job-([^"]*)"', html)


def _counts(html: str) -> dict[str, str]:
    found = re.findall(r'>(\w+) <span class="count"[^>]*>([^<]*)<', html)
    return dict(found)


def test_jobs_stand_newest_first_with_what_an_operator_looks_for(shop: Shop, ask: Ask) -> None:
    [failed] = shop.fail(max_attempts=3)
    [later] = shop.send(delay=30.0)
    html = text_of(ask("jobs"))
    assert _ids(html) == [later, failed.id]
    assert "<title>2 jobs" in html
    for words in (
        f'href="/ops/jobs/{failed.id}"',
        "pages/x:3",
        "1 of 3",
        "POST /mail: 503",
        f'data-copy="{failed.id}"',
    ):
        assert words in html
    assert re.search(r"<time[^>]*>in 29m</time>|<time[^>]*>in 30m</time>", html)


def test_what_a_job_waits_for_is_told(shop: Shop, engine: Engine, ask: Ask) -> None:
    shop.send(source_name="crm", group=Group("crm", 1))
    engine.queues.pause(source_name="crm", by="ada")
    assert "pause of source name crm" in text_of(ask("jobs"))


def test_a_list_goes_on_from_page_to_page_and_skips_nothing(shop: Shop, ask: Ask) -> None:
    ids = shop.send(120)
    url, seen = "jobs?status=pending", []
    while url:
        html = text_of(ask(url))
        seen += _ids(html)
        found = re.search(r'href="/ops/(jobs\?[^"]*after=[^"]*)" rel="next"', html)
        url = found[1].replace("&amp;", "&") if found else ""
    assert seen == ids[::-1]
    assert "Back to the newest" in html


def test_tabs_count_what_this_filter_means(shop: Shop, ask: Ask) -> None:
    shop.fail(count=3)
    shop.fail(error="timeout", source_name="crm", parameters={"customer_id": 42})
    shop.complete(source_name="crm")
    shop.send(2)
    assert _counts(text_of(ask("jobs"))) == {
        "All": "7",
        "Pending": "2",
        "Running": "0",
        "Completed": "1",
        "Failed": "4",
        "Cancelled": "0",
    }
    crm = _counts(text_of(ask("jobs?source_name=crm&status=failed")))
    assert (crm["All"], crm["Completed"], crm["Failed"], crm["Pending"]) == ("2", "1", "1", "0")
    assert _counts(text_of(ask("jobs?value=customer_id%3D42")))["All"] == "1"


@pytest.mark.parametrize(
    "query",
    [
        "source_name=rare",
        "source_name=ra*",
        "template=pages/rare",
        "queue=low",
        "group=crm",
        "error=timeout",
        "value=customer_id%3D42&value=user.id%3D7",
        "parent=0123456789abcdef",
        "until=10m",
        "since=2h&source_name=rare",
    ],
)
def test_each_condition_of_a_filter_stands_in_the_url(shop: Shop, ask: Ask, engine: Engine, query: str) -> None:
    shop.fail()
    [rare] = shop.send(
        source_name="rare",
        template="pages/rare",
        priority=Priority.LOW,
        group=Group("crm", 1),
        parameters={"customer_id": 42},
        handed_over={"user": {"id": 7}},
        parent="0123456789abcdef",
    )
    if "error" in query:
        [job] = shop.fail(error="a timeout")
        rare = job.id
    if "until" in query:
        past = datetime.now(UTC) - timedelta(hours=1)
        engine.store.client.hset(f"rq:job:{rare}", "enqueued_at", past.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    html = text_of(ask(f"jobs?{query}"))
    assert _ids(html) == [rare]
    typed = query.partition("&")[0].partition("=")[2].replace("%3D", "=")
    assert f'value="{typed}"' in html or f"<option selected>{typed}</option>" in html
    assert "Clear" in html


def test_a_failure_group_is_a_filter_too_by_its_beginning(shop: Shop, engine: Engine, ask: Ask) -> None:
    [job] = shop.fail()
    shop.fail(error="other words")
    [group] = [each for each in engine.failures.list() if "503" in each.error]
    assert _ids(text_of(ask(f"jobs?failure={group.id[:6]}"))) == [job.id]
    assert ask("jobs?failure=zzzz").status == 400


@pytest.mark.parametrize("query", ["since=yesterday", "status=nonsense", "queue=x", "value=nothing", "after=x"])
def test_a_filter_that_is_none_is_shown_as_it_was_typed(ask: Ask, query: str) -> None:
    answer = ask(f"jobs?{query}")
    assert answer.status == 400
    assert 'role="alert"' in text_of(answer)
    if "since" in query:
        assert 'value="yesterday"' in text_of(answer)


def test_secret_values_are_no_filter_by_name_nor_by_error(shop: Shop, ask: Ask) -> None:
    [job] = shop.fail(error="bad key s3cret-7", parameters={"api_key": "s3cret-7"})
    assert ask("jobs?value=api_key%3Ds3cret-7").status == 400
    html = text_of(ask("jobs?error=s3cret"))
    assert (_ids(html), _counts(html)["All"]) == ([], "0")
    html = text_of(ask("jobs?error=bad+key"))
    assert _ids(html) == [job.id]
    assert "s3cret" not in html
    assert "bad key [masked]" in html


def test_a_moment_ends_and_says_how_far_it_came(
    shop: Shop, ask: Ask, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    [rare] = shop.send(source_name="rare")
    shop.send(3_000)
    monkeypatch.setattr(Moment, "left", property(lambda self: 0.0))
    url, steps, seen = "jobs?source_name=rare", 0, []
    while url:
        html, steps = text_of(ask(url)), steps + 1
        seen += _ids(html)
        found = re.search(r'looked at so far. <a href="/ops/(jobs[^"]*)" rel="next">Look further', html)
        url = found[1].replace("&amp;", "&") if found else ""
        if url:
            assert "of 3,001 looked at so far" in html
            assert '+<span class="unseen"> so far' in html
    assert seen == [rare]
    assert steps > 1
    assert _ids(text_of(ask("jobs?status=pending")))  # what an index knows is not cut short


def test_an_empty_store_says_what_to_do(ask: Ask) -> None:
    html = text_of(ask("jobs"))
    assert "No jobs yet. Render a page" in html
    assert "Show all jobs" in text_of(ask("jobs?status=failed"))


def test_what_is_selected_is_acted_on_and_the_rest_is_told(shop: Shop, ask: Ask, engine: Engine) -> None:
    first, second, failed = shop.fail(count=3)
    [waiting] = shop.send()
    back = {"back": "/ops/jobs?status=failed"}
    answer = ask("jobs/selected/retry", {"id": [first.id, second.id], **back})
    assert where(answer) == "/ops/jobs?status=failed&done=all_retried&about=2+jobs"
    assert {engine.jobs.get(each.id).status for each in (first, second)} == {JobStatus.PENDING}
    assert "2 jobs retried, they run again" in text_of(ask(where(answer).removeprefix("/ops/")))
    answer = ask("jobs/selected/cancel", {"id": [waiting, failed.id], "back": "https://elsewhere.example/ops/jobs"})
    assert where(answer) == "/ops/jobs?done=some_cancelled&about=1+of+2+jobs"
    assert ask("jobs/selected/cancel", {"id": [failed.id]}).status == 409
    assert ask("jobs/selected/cancel", {}).status == 400
    given = {"id": [failed.id, waiting], "sure": "yes"}
    assert where(ask("jobs/selected/delete", given)).endswith("done=deleted&about=2+jobs")
    assert engine.jobs.count("failed") == 0
    assert ("ada", "retry") in shop.acts()
    assert ("ada", "cancel") in shop.acts()
    assert ("ada", "delete") in shop.acts()


def test_a_page_asks_before_what_was_selected_is_deleted(shop: Shop, ask: Ask, engine: Engine) -> None:
    waiting = shop.send(2, source_name="mail<b>")
    given = {"id": [*waiting, "gone"], "back": "/ops/jobs?status=pending&done=retried&about=x"}
    answer = ask("jobs/selected/delete", given)
    page = Read(answer)
    assert answer.status == 200
    assert "<title>Delete 2 jobs?" in text_of(answer)
    assert "mail<b>" in page.text
    assert "<b>" not in text_of(answer).partition("<main")[2]
    assert page.links["Back"] == "jobs?status=pending"
    assert engine.jobs.count("pending") == 2
    assert shop.acts() == []
    [(action, fields)] = [form for form in page.forms if form[0] == "jobs/selected/delete"]
    assert fields["sure"] == "yes"
    ids = re.findall(r'name="id" value="([^"]+)"', text_of(answer))
    assert ids == waiting
    answer = ask(action, {**fields, "id": ids})
    assert where(answer) == "/ops/jobs?status=pending&done=deleted&about=2+jobs"
    assert engine.jobs.count("pending") == 0
    assert ask("jobs/selected/delete", given).status == 409


@pytest.mark.parametrize("kind", ["retry", "cancel", "delete"])
def test_readers_change_nothing_and_a_get_neither(shop: Shop, ask: Ask, engine: Engine, kind: str) -> None:
    [job] = shop.fail()
    for url in (f"jobs/selected/{kind}", f"jobs/{job.id}/{kind}"):
        assert ask(url, {"id": job.id}, visitor=READER).status == 403
        assert ask(url).status == 405
    assert engine.jobs.get(job.id).status is JobStatus.FAILED
    html = text_of(ask("jobs", visitor=READER))
    assert 'method="post"' not in html
    assert 'type="checkbox"' not in html
    assert shop.acts() == []


def test_what_there_is_not_is_told(ask: Ask) -> None:
    assert ask("jobs/selected/burn", {"id": "x"}).status == 404
    assert ask("jobs/nothing/retry", {}).status == 404
    assert ask("jobs/nothing/burn", {}).status == 404


def test_hostile_text_is_shown_as_text(shop: Shop, ask: Ask) -> None:
    shop.fail(error=EVIL + LONG[:3000], template=EVIL[:100], parameters={EVIL: EVIL})
    for url in ("jobs", f"jobs?error={quote(EVIL[:20])}", f"jobs?source_name={quote(EVIL)}&value={quote(EVIL)}%3D1"):
        html = text_of(ask(url))
        assert "<img" not in html
        assert "</script><b>" not in html
        assert "&lt;img" in html
    html = text_of(ask("jobs"))
    assert not {"\u202e", "\x1b"} & set(html)
    assert re.search(r"… [\d,]+ more characters", html)


def test_a_filter_has_so_many_values(shop: Shop, ask: Ask) -> None:
    shop.send()
    assert ask("jobs?" + "&".join(f"value=a{at}=b" for at in range(20))).status == 200
    refused = ask("jobs?" + "&".join(f"value=a{at}=b" for at in range(900)))
    assert (refused.status, "at most 20 values" in text_of(refused)) == (400, True)
    assert text_of(refused).count('name="value"') <= 21


def test_a_page_with_nothing_wrong_has_no_message(shop: Shop, ask: Ask) -> None:
    shop.fail()
    for url in ("jobs", "failures", "jobs/all/retry?status=failed"):
        assert 'role="alert"' not in text_of(ask(url))
    assert 'role="alert"' in text_of(ask("jobs?since=nonsense"))


def test_jobs_are_found_by_what_their_id_begins_with(shop: Shop, ask: Ask) -> None:
    first, _ = shop.send(2)
    html = text_of(ask(f"jobs?id_prefix={first[:10]}"))
    assert _ids(html) == [first]
    assert f'<input name="id_prefix" value="{first[:10]}"' in html


def test_a_filter_is_cleared_and_the_tab_is_kept(ask: Ask) -> None:
    assert 'href="/ops/jobs?status=failed">Clear' in text_of(ask("jobs?status=failed&source_name=mail"))
    assert 'href="/ops/jobs">Clear' in text_of(ask("jobs?source_name=mail"))


def test_ids_that_begin_alike_are_told_apart(shop: Shop, ask: Ask) -> None:
    """A schedule's begin with its name: cut to ten characters, all of them were one."""
    for time in ("1795770000", "1795770300"):
        shop.send(id=f"zz-nightly-{time}")
    [random_one] = shop.send()
    html = text_of(ask("jobs"))
    for shown in ("zz-nightly-1795770000", "zz-nightly-1795770300", random_one[:10]):
        assert f"<code>{shown}</code>" in html
