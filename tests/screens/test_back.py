"""Where an action leads back to: a page of the dashboard, whatever its form says."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.screens.conftest import Ask


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        ("/ops/", "/ops/?"),
        ("/ops/names?span=7d", "/ops/names?span=7d&"),
        ("/ops/schedules/of/a%2Fb", "/ops/schedules/of/a%252Fb?"),
        ("", "/ops/queues?"),
        ("https://elsewhere.example/ops/", "/ops/queues?"),
        ("//elsewhere.example/ops/", "/ops/queues?"),
        ("/ops//elsewhere.example", "/ops/queues?"),
        ("/ops/../admin", "/ops/queues?"),
        ("/ops/%2e%2e/admin", "/ops/queues?"),
        ("/ops/\\elsewhere.example", "/ops/%255Celsewhere.example?"),
        ("/ops/names\r\nset-cookie: a=b", "/ops/names%250D%250Aset-cookie%3A%20a%3Db?"),
        ("/opsnames", "/ops/queues?"),
        ("/ops/" + "a" * 5_000, "/ops/queues?"),
        ("/ops/names?" + "&".join(f"a{n}=1" for n in range(900)), "/ops/queues?"),
    ],
)
def test_it_leads_to_no_place_outside(ask: Ask, given: str, leads_to: str) -> None:
    answer = ask("queues/resume", {"queue": "low", "back": given})
    assert answer.status == 303
    assert dict(answer.headers)["location"] == f"{leads_to}done=not+paused&about=low"


@pytest.mark.parametrize("given", ["//elsewhere.example", "/\\elsewhere.example", "/%2felsewhere.example"])
def test_nor_at_the_root_of_a_host(ask: Ask, given: str) -> None:
    answer = ask("queues/resume", {"queue": "low", "back": given}, root="")
    assert dict(answer.headers)["location"] in (
        "/queues?done=not+paused&about=low",
        "/%255Celsewhere.example?done=not+paused&about=low",
        "/%252Felsewhere.example?done=not+paused&about=low",
    )


def test_what_was_not_done_leads_back_to_where_it_was_asked_for(ask: Ask) -> None:
    answer = ask("queues/pause", {"queue": "nope", "back": "/ops/names?span=7d&done=paused&about=x"})
    html = answer.body.decode()
    assert answer.status == 400
    assert "<title>Not understood (400)" in html
    assert '<a href="/ops/names?span=7d">Back to where you were</a>' in html
    html = ask("queues/pause", {"queue": "nope", "back": "https://elsewhere.example"}).body.decode()
    assert '<a href="/ops/">Back to the overview</a>' in html


TOLD = (
    "job order:7/é",
    "1,000 jobs",
    "1 job",
    "3 of 1,000 jobs",
    "operation 63870d6a",
    "failure c9c1f21200eb",
    "queue low",
    "source name sync_*",
    "group crm/eu",
    "every worker",
    "schedule nightly, job nightly-1795770000",
    "low",
)


@pytest.mark.parametrize("about", TOLD)
def test_a_page_tells_what_was_done_to_what(ask: Ask, about: str) -> None:
    html = ask(f"queues?{urlencode({'done': 'paused', 'about': about})}").body.decode()
    assert f'role="status">{about} paused' in html


@pytest.mark.parametrize("about", ["Sign in again at elsewhere.example. Then it is", "job 3fa9c2d17b is lost", ""])
def test_a_link_has_a_page_tell_nothing_else(ask: Ask, about: str) -> None:
    assert 'class="told"' not in ask(f"queues?{urlencode({'done': 'paused', 'about': about})}").body.decode()
