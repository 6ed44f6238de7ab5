"""Consumers: the options that their front matter gives, and what they see of the event itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from liquid import Mode
from liquid.exceptions import LiquidWarning

from tests.language.conftest import block

TRIGGER = "{% trigger_event 'e' %}"

# (front matter, priority, max_attempts, delay)
RIGHT = [
    ("metadata:\n  priority: high\n  max_attempts: 3\n  delay: 0.5", "high", 3, 0.5),
    ("metadata: {priority: low, max_attempts: '2', delay: '1.50'}", "low", 2, 1.5),
    ("metadata:\r\n  delay: 5\r\n  title: x", "default", 1, 5.0),
    ("metadata:\n  priority:\n  delay: ~\n  max_attempts: null", "default", 1, 0.0),
    ("priority: low\nmetadata:\n  priority: high\n  max_attempts: 4", "low", 4, 0.0),
    ("max_attempts: ' 2 '", "default", 2, 0.0),
    ("metadata: [high]", "default", 1, 0.0),
    ("metadata: high", "default", 1, 0.0),
    ("metadata:\n  event: {delay: 3}", "default", 1, 0.0),
]

# (front matter, what is said, line, what WARN and LAX make of the option)
WRONG = [
    (
        "metadata:\n  priority: urgent",
        "the front matter's metadata: priority is 'urgent'; it must be 'low'",
        3,
        "default",
    ),
    ("metadata:\n  title: x\n  priority: hgih", "did you mean 'high'?", 4, "default"),
    ("metadata:\n  max_attempts: 9", "metadata: max_attempts is 9; it must be an integer from 1 to 5", 3, 5),
    ("metadata:\n  max_attempts: 3.5", "metadata: max_attempts is 3.5", 3, 3),
    ("metadata:\n  max_attempts: true", "metadata: max_attempts is true", 3, 1),
    ("metadata:\n  delay: 10s", "delay is '10s'; it must be minutes from 0 to 65535: write 0.1667, in minutes", 3, 0.0),
    ("metadata:\n  delay: [1]", "metadata: delay is a list", 3, 0.0),
    ("delay: -1", "the front matter's delay is -1; it must be minutes", 2, 0.0),
    ("source_name: a b", "source_name is 'a b'; it must be 1 to 100 letters, digits, - and _: write 'a_b'", 2, "e_x"),
]


def _write(site: Any, matter: str) -> None:
    site.write({"consumers/e/x": f"---\n{matter}\n---\nx"})


@pytest.mark.parametrize(("matter", "priority", "max_attempts", "delay"), RIGHT)
def test_front_matter_gives_options(site: Any, matter: str, priority: str, max_attempts: int, delay: float) -> None:
    _write(site, matter)
    site.render(TRIGGER)
    assert (site.job.priority, site.job.max_attempts, site.job.delay) == (priority, max_attempts, delay)


@pytest.mark.parametrize(("matter", "said", "line", "_"), WRONG)
def test_a_wrong_one_costs_its_consumer_and_says_where(
    site: Any, caplog: pytest.LogCaptureFixture, matter: str, said: str, line: int, _: object
) -> None:
    _write(site, matter)
    site.write({"consumers/e/y": "y"})
    site.render(TRIGGER)
    assert site.job.template == "consumers/e/y"
    assert "event e goes to its other consumers: " in caplog.text
    assert said in caplog.text
    assert f"(consumers/e/x:{line})" in caplog.text


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.LAX])
@pytest.mark.parametrize("row", WRONG)
def test_a_tolerant_environment_takes_the_nearest(make_site: Callable[..., Any], mode: Mode, row: Any) -> None:
    matter, said, _, right = row
    option = re.findall(r"(\w+): [^{\n]", matter)[-1]
    site = make_site(mode)
    _write(site, matter)

    def warned() -> AbstractContextManager[object]:
        return pytest.warns(LiquidWarning, match=re.escape(said)) if mode is Mode.WARN else nullcontext()

    with warned():
        site.render(TRIGGER)
    assert getattr(site.job, option) == right
    site.engine.store.client.flushall()
    site.render(block(TRIGGER))
    with warned():
        outcome = site.perform(site.job)
    assert outcome.error is None
    assert getattr(outcome.jobs[0], option) == right


def test_consumers_see_the_type_date_and_id_of_the_event(site: Any) -> None:
    shown = "{{ event.type }}|{{ event.date | date: '%s' }}|{{ event.id }}|{{ event.order_id }}"
    site.write({"consumers/order.created/a": shown, "consumers/order.created/b": shown})
    before = datetime.now(UTC).replace(microsecond=0)
    site.render("{% trigger_event 'order.created', order_id: 7 %}" * 2)
    after = datetime.now(UTC)
    events = [job.parameters["event"] for job in site.jobs]
    assert all(before <= event["date"] <= after for event in events)
    ids = [event["id"] for event in events]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    seconds = int(events[0]["date"].timestamp())
    for job in [*site.jobs[:2], site.jobs[0]]:  # another attempt sees the same
        assert site.perform(job).result == f"order.created|{seconds}|{ids[0]}|7"
    assert len({job.id for job in site.jobs}) == 4


def test_what_the_tag_gives_stands_before_the_events_own(site: Any) -> None:
    site.write({"consumers/e/x": "{{ event.type }} {{ event.date }} {{ event.id }}"})
    site.render("{% trigger_event 'e', type: 'mine', date: 'today', id: 7 %}")
    assert site.perform(site.job).result == "mine today 7"


def test_an_event_of_a_job_has_them_too(site: Any) -> None:
    site.write({"consumers/e/x": "{{ event.type }}{{ event.id | size }}"})
    site.render(block("{% liquid trigger_event event: 'e' %}"))
    (made,) = site.perform(site.job).jobs
    assert made.parameters["event"]["type"] == "e"
    assert len(made.parameters["event"]["id"]) == 32


@pytest.mark.parametrize(
    "tag",
    ["{% include 'no/where' %}", "{% render 'no/where' %}", "{% function x = 'no/where' %}", "{% include name %}"],
)
def test_a_missing_partial_is_a_sentence_to_who_catches_it(site: Any, tag: str) -> None:
    source = f"{{% assign name = 'no/where' %}}{{% try %}}{tag}{{% catch err %}}{{{{ err.message }}}}{{% endtry %}}"
    assert site.render(source) == "partial 'no/where' not found"
    assert site.run(block(source)) == "partial 'no/where' not found"
