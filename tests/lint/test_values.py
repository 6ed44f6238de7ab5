"""What a job is handed, from where, and what stays behind, as `poscli check --values` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import Handing, handings_of
from liquid_background.withheld import NeverShip

FILES = {
    "partials/card": "{{ title }}{{ who }}{% if session.id %}{% endif %}{% include 'inner', size: 1 %}",
    "partials/inner": "\n{{ size }}{{ site.name }}{% for x in list %}{{ x }}{{ forloop.index }}{% endfor %}",
    "consumers/order.paid/mail": "{{ event.id }}{{ context.params.q }}\n{{ order.id }}",
    "partials/nightly": "---\nschedule: '@daily'\n---\n{{ today }}{{ user.name }}"
    "{% background source_name: 'n', x: y %}{{ x }}{% endbackground %}",
}


def handings(root: Path, source: str, name: str = "pages/page", **globals: str) -> list[Handing]:
    for each, text in {**FILES, "pages/page": source}.items():
        path = root / f"{each}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = Environment(loader=SiteLoader(root), globals=globals)
    environment.never_ship = NeverShip(["user.card"])
    return handings_of(environment, [root / f"{name}.liquid"])


def block(arguments: str, body: str = "") -> str:
    return f"{{% background source_name: 's', {arguments} %}}{body}{{% endbackground %}}"


@pytest.mark.parametrize("opener", ["{%", "<%"])
def test_where_each_value_comes_from(tmp_path: Path, opener: str) -> None:
    end = opener.replace("{", "").replace("<", "")
    closer = end + {"{": "}", "<": ">"}[opener[0]]
    source = (
        "{% assign mail = params.mail | downcase %}\n"
        f"{opener} background 's', to: user.email, kind: 'x', n: a | plus: b, m: mail, q: params.q {closer}"
        f"\n{{% assign c = user.card %}}{{{{ c }}}}{opener} endbackground {closer}"
    )
    (handing,) = handings(tmp_path, source)
    assert (handing.kind, handing.name, handing.line) == ("block", "s", 2)
    assert [(v.name, v.kind, v.written, v.comes_from, v.line) for v in handing.values] == [
        ("to", "parameter", "user.email", "page variable", 2),
        ("kind", "parameter", "'x'", "literal", 2),
        ("n", "parameter", "a | plus: b", "expression", 2),
        ("m", "parameter", "mail", "page variable", 2),
        ("q", "parameter", "params.q", "request", 2),
        ("user.card", "handed over", "user.card", "page variable", 3),
    ]
    assert [value.paths for value in handing.values][2:4] == [("a", "b"), ("mail",)]
    assert handing.values[3].made_of == ("params.mail",)
    assert [value.never_ship for value in handing.values] == ["", "", "", "", "", "user.card"]
    assert handing.behind == ()


def test_what_stays_behind_and_why(tmp_path: Path) -> None:
    body = "\n{{ user.name }}{% if params.x %}{% endif %}{{ shop }}{{ now }}\n{% assign a = user.id %}{{ a }}{{ p }}"
    (handing,) = handings(tmp_path, block("p: 1", body), shop="Shop")
    assert [(each.name, each.line, each.why) for each in handing.behind] == [
        ("user.name", 2, "it is read where nothing is handed over"),
        ("shop", 2, "it is a global of the environment, which jobs do not have"),
        ("params.x", 2, "it is of the request, which no block is handed"),
    ]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("{% include 'card', title: user.title %}", {"who", "session.id", "site.name", "list"}),
        ("{% include 'card', title: user.title %}{{ p }}", {"who", "session.id", "site.name", "list"}),
        ("{% assign who = 1 %}{% include 'card' %}", {"title", "session.id", "site.name", "list"}),
        ("{% assign who = 1 %}{% render 'card' %}", {"title", "who", "session.id", "site.name", "list"}),
        ("{% render 'card', list: 1 %}", {"title", "who", "session.id", "site.name"}),
        ("{% render 'card' with user as who %}", {"title", "session.id", "site.name", "list"}),
    ],
)
def test_partials_are_looked_into(tmp_path: Path, body: str, left: set[str]) -> None:
    (handing,) = handings(tmp_path, block("p: 1", body))
    told = {each.name: (each.template, each.line) for each in handing.behind}
    assert told.keys() == left
    assert told["site.name"] == ("inner", 2)
    assert {each.why for each in handing.behind if each.name == "site.name"} == {
        "a partial is handed its arguments, and nothing else of the page"
    }


def test_a_partial_form_hands_over_its_arguments_alone(tmp_path: Path) -> None:
    (handing,) = handings(tmp_path, "\n{% liquid\n  background job = 'card', title: user.title\n%}")
    assert (handing.kind, handing.name, handing.runs, handing.line) == ("partial", "", ("card",), 3)
    assert [(value.name, value.paths) for value in handing.values] == [("title", ("user.title",))]
    assert [each.name for each in handing.behind] == ["who", "session.id", "site.name", "list"]


def test_an_event_names_its_consumers_and_the_request(tmp_path: Path) -> None:
    (handing,) = handings(tmp_path, "{% trigger_event 'order.paid', id: order.id, user: user %}")
    assert (handing.kind, handing.name, handing.runs) == ("event", "order.paid", ("consumers/order.paid/mail",))
    assert [(value.name, value.kind, value.may_hold) for value in handing.values] == [
        ("id", "event", ""),
        ("user", "event", "user.card"),
        ("context", "request", ""),
    ]


def test_whole_files_that_are_jobs(tmp_path: Path) -> None:
    (consumer,) = handings(tmp_path, "", "consumers/order.paid/mail")
    assert (consumer.kind, consumer.name, [value.name for value in consumer.values]) == (
        "consumer",
        "order.paid",
        ["event", "context"],
    )
    assert [(each.name, each.line) for each in consumer.behind] == [("order.id", 2)]
    scheduled, inner = handings(tmp_path, "", "partials/nightly")
    assert (scheduled.kind, scheduled.values) == ("schedule", ())
    assert [each.name for each in scheduled.behind] == ["user.name", "y"]
    assert (inner.name, inner.values[0].comes_from) == ("n", "job")


def test_what_a_nested_block_is_handed_comes_from_the_job_around_it(tmp_path: Path) -> None:
    inner = "{% background source_name: 'i', b: a, c: 1 %}{{ b }}{{ a }}{% assign d = a %}{{ d }}{% endbackground %}"
    outer, nested = handings(tmp_path, block("a: user.id", inner + "{{ a }}"))
    assert outer.behind == ()
    assert [(value.name, value.comes_from, value.made_of) for value in nested.values] == [
        ("b", "job", ("user.id",)),
        ("c", "literal", ()),
        ("a", "job", ("user.id",)),
    ]
    assert [each.name for each in nested.behind] == ["a"]


def test_what_cannot_be_parsed_is_left_to_the_check(tmp_path: Path) -> None:
    assert handings(tmp_path, "{% if %}") == []
    assert handings(tmp_path, "{{ x }}{% log x %}") == []


def test_a_partial_that_includes_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials/round.liquid").write_text("{{ x }}{% include 'round' %}")
    (handing,) = handings(tmp_path, block("a: 1", "{% include 'round' %}{{ a }}"))
    assert [each.name for each in handing.behind] == ["x"]
