"""What the consumers of an event are given of the request, and where they are found."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from liquid import ChoiceLoader, DictLoader

from liquid_background import Engine, Environment
from liquid_background.errors import LimitReached, PageTimeout
from liquid_background.language.pages import SiteLoader


def test_secret_headers_in_any_spelling_stay_out_of_events(site: Any) -> None:
    site.write({"consumers/e/x": "{{ context.headers | json }}"})
    secret = {
        "HTTP_AUTHORIZATION": "s1",
        "HTTP_COOKIE": "s2",
        "Proxy-Authorization": "s3",
        "set-cookie": "s4",
        " Cookie ": "s5",
    }
    site.render("{% trigger_event 'e' %}", headers={**secret, "Host": "h"})
    assert site.job.parameters["context"]["headers"] == {"Host": "h"}


def test_headers_whose_names_look_secret_stay_out_of_events(make_site: Any) -> None:
    site = make_site(event_context=("cookie",))
    site.write({"consumers/e/x": "{{ context.headers | json }}"})
    secret = {
        "X-Api-Key": "s1",
        "HTTP_X_APIKEY": "s2",
        "X-CSRF-Token": "s3",
        "X-Client-Secret": "s4",
        "X-Amz-Security-Token": "s5",
        "Sec-WebSocket-Cookie": "s6",
        "X-Authorization": "s7",
    }
    shown = {"Host": "h", "Cookie": "k", "X-Request-Id": "r"}
    site.render("{% trigger_event 'e' %}", headers={**secret, **shown})
    assert site.job.parameters["context"]["headers"] == shown


def test_session_values_whose_names_look_secret_stay_out_of_events(site: Any) -> None:
    site.write({"consumers/e/x": "{{ context.session | json }}"})
    site.render("{% trigger_event 'e' %}", session={"csrf_token": "s", "cart": 3, "apiKey": "k"})
    assert site.job.parameters["context"]["session"] == {"cart": 3}


def test_the_setting_says_which_headers_look_secret(site: Any) -> None:
    site.write({"consumers/e/x": "x"})
    settings = site.engine.settings.model_copy(update={"secret_names": ("shibboleth",)})
    site.engine.environment.detach()
    engine = Engine(environment=site.engine.environment, settings=settings)
    engine.render_string("{% trigger_event 'e' %}", headers={"X-Shibboleth": "s", "X-Token": "t", "Cookie": "k"})
    assert site.job.parameters["context"]["headers"] == {"X-Token": "t"}


def test_mappings_of_the_request_reach_consumers(site: Any) -> None:
    site.write({"consumers/e/x": "{{ context.params.q }}"})
    site.render("{% trigger_event 'e' %}", params=MappingProxyType({"q": "Q"}))
    assert site.perform(site.job).result == "Q"


def test_wrong_front_matter_of_a_consumer_points_into_its_file(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.write({"consumers/e/a": "---\nx: 1\npriority: urgent\n---\n"})
    site.render("{% trigger_event 'e' %}")
    assert "priority is 'urgent'" in caplog.text
    assert "(consumers/e/a:3)" in caplog.text
    (site.root / "consumers/e/a.liquid").write_bytes(b"\xff")
    caplog.clear()
    site.render("{% trigger_event 'e' %}")
    assert "not UTF-8" in caplog.text


def test_consumers_are_found_through_a_choice_loader(site: Any) -> None:
    site.write({"consumers/e/x": "found"})
    environment = Environment(loader=ChoiceLoader([DictLoader({}), SiteLoader(site.root)]))
    engine = Engine(environment=environment, settings=site.engine.settings)
    engine.render_string("{% trigger_event 'e' %}")
    assert site.job.source == "consumers/e/x"


def test_consumers_are_looked_for_once_in_a_render(
    make_site: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(page_timeout=60)
    wrong = "---\npriority: nope\n---\n"
    site.write({f"consumers/bad/c{n}": wrong for n in range(30)} | {"consumers/e/deep/x": "x", "pages/page": "x"})
    assert site.render("{% trigger_event 'bad' %}{% trigger_event 'e' %}" * 200) == ""
    assert sum("goes to nobody" in record.message for record in caplog.records) == 20
    assert caplog.text.count("event bad: 10 more consumers cannot be read") == 1


def test_a_page_ends_at_its_time_among_consumers(make_site: Callable[..., Any]) -> None:
    site = make_site(page_timeout=0.05)
    site.write({f"consumers/bad/c{n}": "---\npriority: nope\n---\n" for n in range(600)})
    started = time.process_time()
    with pytest.raises(PageTimeout):
        site.render("{% trigger_event 'bad' %}" * 300)
    assert time.process_time() - started < 2


def test_a_page_triggers_so_many_different_events(site: Any) -> None:
    with pytest.raises(LimitReached, match="over 1,000 different events"):
        site.render("{% for i in (1..2000) %}{% assign e = 'e' | append: i %}{% trigger_event e %}{% endfor %}")
