"""The screen of one job: its attempts, source, values, log, output, traceback and family."""

from __future__ import annotations

import re
from html import unescape

import pytest

from liquid_background import Engine
from liquid_background.job import Group, JobStatus, LogEntry, LogStatus, Priority
from liquid_background.jobs.queue import keys
from liquid_background.screens import filterform
from liquid_background.screens.looking import Moment
from tests.screens.conftest import READER, Ask, text_of, where
from tests.screens.desk import Read
from tests.screens.shop import EVIL, LONG, Shop


def test_a_failed_job_shows_why(shop: Shop, ask: Ask) -> None:
    [job] = shop.fail(parameters={"customer_id": 42}, handed_over={"user.email": "ada@example.com"})
    html = unescape(text_of(ask(f"jobs/{job.id}")))
    assert "<title>mail failed, job" in html
    assert re.search(r"Attempt 1: <span class=\"state failed\">FAILED</span> · waited [^·]* · ran 12ms · ended", html)
    assert "<mark>{{ two }}</mark>" in html
    assert re.search(r'<span class="at">3</span>one\n<span class="at">4</span><mark>', html)
    assert "raised here" in html
    assert "OSError: POST /mail: 503" in html
    for words in ("customer_id", "42", "user.email", '"ada@example.com"', "all that it made" if job.parent else "mail"):
        assert words in html


def test_a_failed_job_leads_to_those_that_failed_like_it(shop: Shop, ask: Ask, engine: Engine) -> None:
    [job] = shop.fail()
    [group] = engine.failures.list()
    assert f'href="/ops/failures/{group.id}">all that failed like it' in text_of(ask(f"jobs/{job.id}"))
    engine.jobs.retry(job.id)
    assert "failed like it" not in text_of(ask(f"jobs/{job.id}"))


def test_a_job_leads_to_its_queue_and_its_group(shop: Shop, ask: Ask) -> None:
    [job_id] = shop.send(group=Group("crm", 2), priority=Priority.LOW)
    html = text_of(ask(f"jobs/{job_id}"))
    assert 'href="/ops/jobs?queue=low">low</a>' in html
    assert 'href="/ops/jobs?group=crm">crm</a>, at most 2 at once' in html


def test_a_completed_job_shows_what_it_printed_logged_and_made(shop: Shop, ask: Ask) -> None:
    parent = shop.complete("<p>hello</p>\nsecond line", "Starting", "Done")
    child = shop.complete({"n": [1, 2]}, source_name="child", parent=parent.id)
    html = unescape(text_of(ask(f"jobs/{parent.id}")))
    assert "&lt;p&gt;hello" in text_of(ask(f"jobs/{parent.id}"))
    for words in ("Starting", "Done", "second line", f'href="/ops/jobs/{child.id}"', ">child<"):
        assert words in html
    html = unescape(text_of(ask(f"jobs/{child.id}")))
    assert f'href="/ops/jobs/{parent.id}"' in html
    assert '"n": [' in html


def test_masked_values_are_nowhere(shop: Shop, ask: Ask) -> None:
    secret = {"parameters": {"api_key": "s3cret-7", "user": {"password": "hunter22", "id": 7}}}
    [failed] = shop.fail("key s3cret-7 of hunter22 (pages/x:4)", **secret)
    done = shop.complete("it is s3cret-7 and hunter22", "log s3cret-7", **secret)
    for job in (failed, done):
        for url in (f"jobs/{job.id}", f"jobs/{job.id}/edit", "jobs", "logs"):
            html = text_of(ask(url))
            assert "s3cret" not in html
            assert "hunter" not in html
    assert "key [masked] of [masked]" in text_of(ask(f"jobs/{failed.id}"))
    assert "it is [masked] and [masked]" in text_of(ask(f"jobs/{done.id}"))


def test_a_shortened_id_leads_to_the_whole_one(shop: Shop, ask: Ask) -> None:
    [job_id] = shop.send()
    assert where(ask(f"jobs/{job_id[:8]}")) == f"/ops/jobs/{job_id}"
    assert ask("jobs/nothing").status == 404


def test_one_is_looked_for_by_the_beginning_of_its_id_for_a_moment(
    shop: Shop, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    [oldest, *others] = shop.send(3_000)
    shortened = next(
        oldest[:size] for size in range(8, 32) if not any(each.startswith(oldest[:size]) for each in others)
    )
    monkeypatch.setattr(Moment, "left", property(lambda self: 0.0))
    monkeypatch.setattr(filterform, "_PATIENCE", 0.0)
    assert ask(f"jobs/{oldest}").status == 200
    assert ask(f"jobs/{shortened}").status == 404
    refused = ask(f"jobs?parent={shortened}")
    assert (refused.status, "give its whole id" in text_of(refused)) == (400, True)
    assert ask("jobs/all/cancel", {"parent": shortened}).status == 400
    assert ask(f"jobs?parent={oldest}").status == 200


def test_actions_are_those_that_its_state_allows(shop: Shop, ask: Ask, engine: Engine) -> None:
    [waiting] = shop.send()
    [failed] = shop.fail()

    def acts(job_id: str) -> list[str]:
        return re.findall(rf'action="/ops/jobs/{job_id}/(\w+)"', text_of(ask(f"jobs/{job_id}")))

    assert acts(waiting) == ["cancel", "delete"]
    assert acts(failed.id) == ["retry", "delete"]
    assert "/edit" not in text_of(ask(f"jobs/{failed.id}"))  # it has no values
    assert 'method="post"' not in text_of(ask(f"jobs/{failed.id}", visitor=READER))


def test_one_job_is_acted_on(shop: Shop, ask: Ask, engine: Engine) -> None:
    [waiting] = shop.send()
    [failed] = shop.fail()
    answer = ask(f"jobs/{failed.id}/retry", {"back": f"/ops/jobs/{failed.id}"})
    assert where(answer).startswith(f"/ops/jobs/{failed.id}?done=retried&about=job+")
    assert engine.jobs.get(failed.id).status is JobStatus.PENDING
    assert "retried, it runs again" in text_of(ask(where(answer).removeprefix("/ops/")))
    assert ask(f"jobs/{failed.id}/retry", {}).status == 409
    ask(f"jobs/{waiting}/cancel", {"back": "/ops/jobs"})
    assert engine.jobs.get(waiting).status is JobStatus.CANCELLED
    answer = ask(f"jobs/{waiting}/delete", {"back": f"/ops/jobs/{waiting}"})
    assert "<title>Delete 1 job?" in text_of(answer)
    assert engine.jobs.get(waiting).id == waiting
    fields = Read(answer).form(f"jobs/{waiting}/delete", sure="yes")
    assert where(ask(f"jobs/{waiting}/delete", fields)).startswith("/ops/jobs?done=deleted")
    assert ask(f"jobs/{waiting}/delete", {}).status == 404
    assert ask(f"jobs/{waiting}").status == 404
    assert [each for each in shop.acts() if each[0] == "ada"] == [
        ("ada", "retry"),
        ("ada", "cancel"),
        ("ada", "delete"),
    ]


@pytest.mark.parametrize(
    "back", ["//evil.example/x", "https://evil.example", "/elsewhere", "/ops/../x", "/ops/%2e%2e/x"]
)
def test_an_action_leads_to_no_other_place(shop: Shop, ask: Ask, back: str) -> None:
    [failed] = shop.fail()
    assert where(ask(f"jobs/{failed.id}/retry", {"back": back})).startswith(f"/ops/jobs/{failed.id}?")


def test_hostile_and_long_text_is_shown_as_text(shop: Shop, ask: Ask) -> None:
    [failed] = shop.fail(
        EVIL + "z" * 3_000,
        template=EVIL,
        source=f"{EVIL}\n" + "x" * 9_000 + "\n{{ a }}" * 900,
        parameters={EVIL: EVIL, "long": LONG[:60_000]},
        handed_over={EVIL: {EVIL: EVIL}},
    )
    done = shop.complete(EVIL + LONG, EVIL + LONG[:4_000])
    for job in (failed, done):
        html = text_of(ask(f"jobs/{job.id}"))
        assert "<img" not in html
        assert "</script><b>" not in html
        assert not {"\u202e", "\x1b"} & set(html)
        assert "more characters" in html
        assert len(html) < 120_000
    assert "more lines" in text_of(ask(f"jobs/{failed.id}"))


def test_a_record_may_say_any_time_and_any_text(shop: Shop, ask: Ask, engine: Engine) -> None:
    [job] = shop.fail(template="pages/\ud800")
    client = engine.store.client
    for name in ("created_at", "started_at", "ended_at"):
        for said in ("0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"):
            was = client.hget(keys.job(job.id), name)
            client.hset(keys.job(job.id), name, said)
            assert ask(f"jobs/{job.id}").status == 200, (name, said)
            client.hset(keys.job(job.id), name, was or "")
    entry = LogEntry(job_id=job.id, status=LogStatus.FAILED, attempt=1, duration=10**18 - 1, message="long")
    engine.jobs.send([], [entry])
    assert ask(f"jobs/{job.id}").status == 200
    assert ask("logs").status == 200
