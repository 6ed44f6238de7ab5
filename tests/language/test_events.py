"""What the consumers of an event are given of the request, and where they are found."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from liquid import ChoiceLoader, DictLoader, Mode

from liquid_background import Engine, Environment
from liquid_background.errors import ArgumentError, LimitReached, PageTimeout
from liquid_background.events import SYSTEM_EVENTS
from liquid_background.language.pages import SiteLoader, consumers
from liquid_background.language.pages.reading import read_head


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
    site = make_site(page_timeout=0.01)
    wrong = "---\npriority: nope\nmetadata:\n" + "".join(f"  k{n}: v\n" for n in range(300)) + "---\n"
    site.write({f"consumers/bad/c{n}": wrong for n in range(100)})
    started = time.process_time()
    with pytest.raises(PageTimeout):
        site.render("{% trigger_event 'bad' %}" * 300)
    assert time.process_time() - started < 2


def test_a_page_triggers_so_many_different_events(site: Any) -> None:
    with pytest.raises(LimitReached, match="over 1,000 different events"):
        site.render("{% for i in (1..2000) %}{% assign e = 'e' | append: i %}{% trigger_event e %}{% endfor %}")


@pytest.mark.parametrize("was_in_use", [True, False])
def test_no_consumer_that_is_added_takes_the_place_of_another(
    site: Any, caplog: pytest.LogCaptureFixture, was_in_use: bool
) -> None:
    site.write({f"consumers/e/victim{n:02}": "x" for n in range(60)})
    there = [f"consumers/e/victim{n:02}" for n in range(60)]
    if was_in_use:
        assert [each.name for each in site.engine.environment.consumers("e")] == there
    time.sleep(0.02)  # a tick of the clock that files have
    folder = site.root / "consumers/e"
    site.write({f"consumers/e/a{n:04}": "x" for n in range(900)})
    for number in range(900):
        os.utime(folder / f"a{number:04}.liquid", (1, 1))
        (folder / f"b{number}.liquid").symlink_to("victim00.liquid")
    if was_in_use:
        (folder / "victim05.liquid").write_text("edited")  # which costs it nothing
    assert site.render("{% trigger_event 'e' %}fine") == "fine"
    names = [job.template for job in site.jobs]
    assert names == sorted(names)
    assert len(names) == 100
    assert {*there} < {*names}
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.message.startswith(
        "the event 'e' has 1,860 consumers; the 100 that have stood there longest get it, "
    )
    (folder / "victim00.html.liquid").write_text("beside it")
    assert {*there} < {each.name for each in SiteLoader(site.root).consumers("e")} or was_in_use


def test_a_place_that_is_free_goes_to_the_next(site: Any) -> None:
    site.write({f"consumers/e/c{n:03}": "x" for n in range(101)})
    consumers = site.engine.environment.consumers
    first = [each.name for each in consumers("e")]
    (site.root / f"{first[0]}.liquid").unlink()
    assert len(consumers("e")) == 100
    assert first[1] in [each.name for each in consumers("e")]


@pytest.mark.parametrize(
    "matter",
    [
        "metadata:\n" + "".join(f"  k{n}: v\n" for n in range(46)),
        "metadata: [" + ", ".join("a" * 35 for _ in range(46)) + "]\n",
        "priority: low\n" + "# x\n" * 500,
        "description: " + "x\n   " * 390 + "\n",
        "metadata: " + "[" * 15 + "a" + "]" * 15 + "\n",
    ],
)
def test_the_front_matter_of_the_largest_consumers_is_read_soon(site: Any, matter: str) -> None:
    site.write({f"consumers/e/c{n}": f"---\n{matter}---\n" + "x" * 200_000 for n in range(100)})
    started = time.process_time()
    assert len(site.engine.environment.consumers("e")) == 100
    assert time.process_time() - started < 1.5  # a third of it on a machine that does nothing else


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        ("metadata:\n" + "".join(f"  k{n}: v\n" for n in range(60)), "there are over 50 values"),
        ("description: " + "x" * 2_100 + "\n", "takes over 2 KB, the most for a consumer"),
        ("priority: low\n" * 10_000, "has no end"),  # in what is read of it
    ],
)
def test_a_consumer_with_more_front_matter_is_left_out(
    site: Any, caplog: pytest.LogCaptureFixture, matter: str, reason: str
) -> None:
    site.write({"consumers/e/a": f"---\n{matter}---\n", "consumers/e/b": "x"})
    assert [each.name for each in site.engine.environment.consumers("e")] == ["consumers/e/b"]
    assert reason in caplog.text
    assert "(consumers/e/a:" in caplog.text


def test_what_is_no_template_takes_no_consumers_place(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.write({f"consumers/e/x{n}": "x" for n in range(100)})
    for number in range(150):
        (site.root / f"consumers/e/.a{number}.liquid").write_text("x")
        (site.root / f"consumers/e/a{number}.liquid").mkdir()
    site.render("{% trigger_event 'e' %}")
    assert len(site.jobs) == 100
    assert caplog.records == []


def test_consumers_of_a_large_event_fit_into_one_render(site: Any) -> None:
    site.write({f"consumers/e/c{n:03}": "x" for n in range(200)})
    site.render("{% trigger_event 'e', text: text %}", text="x" * 90_000)
    assert len(site.jobs) == 100


def test_a_limit_that_an_event_reaches_names_the_event(site: Any) -> None:
    site.write({f"consumers/e/c{n:03}": "x" for n in range(100)})
    with pytest.raises(LimitReached, match=r"the event 'e' has 100 consumers: over 1,000 jobs in one render"):
        site.render("{% for i in (1..11) %}{% trigger_event 'e' %}{% endfor %}")


def test_a_render_reads_the_consumers_that_have_changed(
    site: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"consumers/e/{name}" for name in ("a", "b", "c")]
    site.write({**dict.fromkeys(names, "---\npriority: low\n---\n"), "consumers/e/wrong": "---\npriority: no\n---\n"})
    loader = site.engine.environment.loader
    read: list[str] = []
    monkeypatch.setattr(
        "liquid_background.language.pages.loader.read_head",
        lambda place, name: [read.append(name), read_head(place, name)][1],
    )
    time.sleep(2.1)  # until a further change is sure to show, on file systems of whole seconds, too
    assert [each.name for each in loader.consumers("e")] == names
    assert len(read) == 4
    assert [each.name for each in loader.consumers("e")] == names
    assert len(read) == 4
    assert caplog.text.count("priority is 'no'") == 2
    site.write({"consumers/e/b": "---\npriority: high\n---\n", "consumers/e/d": "x"})
    (site.root / "consumers/e/a.liquid").unlink()
    (site.root / "consumers/e/wrong.liquid").unlink()
    assert [(each.name[-1], each.options.get("priority")) for each in loader.consumers("e")] == [
        ("b", "high"),
        ("c", "low"),
        ("d", None),
    ]
    assert read[4:] == ["consumers/e/b", "consumers/e/d"]


def test_an_events_folder_is_listed_up_to_a_bound_and_the_clock_is_looked_at(
    site: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "_MOST_FILES", 50)
    monkeypatch.setattr(consumers, "_LOOKS", 10)
    site.write({f"consumers/e/c{n}": "x" for n in range(20)})
    loader = site.engine.environment.loader
    before = {each.name for each in loader.consumers("e")}
    for number in range(500):
        (site.root / f"consumers/e/junk{number}").touch()
    looks: list[int] = []
    after = {each.name for each in loader.consumers("e", lambda: looks.append(1))}
    assert after == before
    assert 6 <= len(looks) <= 6 + len(after)
    (line,) = caplog.messages
    assert line == "event e: what stands behind the first 50 files of its folder is not looked at"


def test_a_consumers_error_is_logged_printable(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.write({"consumers/e/a\u202e": "---\ndelay: [\n---\n"})
    site.engine.environment.consumers("e")
    assert "\u202e" not in caplog.text
    assert "\\u202e" in caplog.text


@pytest.mark.parametrize(
    ("event", "takes"),
    [
        ("заказ.создан", True),
        ("caf\u00e9", True),
        ("cafe\u0301", False),  # another spelling of the same
        ("ｅ", False),  # a wide e
        ("e\u3164", False),  # letters that look like nothing
        ("e\u1160", False),
    ],
    ids=ascii,
)
def test_a_name_of_an_event_has_one_spelling(site: Any, event: str, takes: bool) -> None:
    site.write({f"consumers/{event}/x": "x"})
    site.render(f"{{% trigger_event '{event}' %}}")
    assert [job.template for job in site.jobs] == ([f"consumers/{event}/x"] if takes else [])


@pytest.mark.parametrize("event", SYSTEM_EVENTS)
@pytest.mark.parametrize(
    "tag", ["{{% trigger_event '{}' %}}", "{{% assign e = '{}' %}}{{% trigger_event event: e, x: 1 %}}"]
)
def test_an_event_of_the_system_is_triggered_by_nobody_and_taken_by_nobody(site: Any, event: str, tag: str) -> None:
    site.write({f"consumers/{event}/x": "x", "consumers/mine/x": "x"})
    with pytest.raises(ArgumentError, match=f"the event '{event}' is the system's own: no template triggers it"):
        site.render(f"{{% trigger_event 'mine' %}}{tag.format(event)}")
    assert site.jobs == []
    assert site.engine.environment.consumers(event) == []


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.LAX])
def test_no_tolerance_lets_one_pass(make_site: Any, mode: Mode) -> None:
    site = make_site()
    site.engine.environment.mode = mode
    site.write({"consumers/job.failed/x": "x"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert site.render("a{% trigger_event 'job.failed' %}b") == "ab"
    assert site.jobs == []
