"""Writing into lists and objects: what changes, what stays as it was, and what is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from liquid import DictLoader, Mode
from liquid.exceptions import LiquidError

from liquid_background import Environment

PARTIALS = {
    "f": "{% return v %}",
    "changes": "{% assign o.z = 1 %}<{{ o | json }}>",
    "names": "{% assign item.n = 7 %}",
}
ENVIRONMENT = Environment(loader=DictLoader(PARTIALS))


@dataclass
class Order:
    id: int = 1


def shown(source: str, **data: Any) -> str:
    """Return what a template prints, sync and async alike."""
    template = ENVIRONMENT.from_string(source)
    text = template.render(**data)
    assert asyncio.run(template.render_async(**data)) == text
    return text


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("{% assign h = {} %}{% assign h['k'] = 1 %}{% assign h.j = 2 %}{{ h | json }}", '{"k": 1, "j": 2}'),
        (
            "{% assign h = {} %}{% assign k = 'x y' %}{% assign h[k] = 1 %}{% assign h[k] = 2 %}{{ h | json }}",
            '{"x y": 2}',
        ),
        (
            "{% assign h = {} %}{% assign h.a.b['c'] = [] %}{% assign h.a.b['c'] << 'v' %}{{ h | json }}",
            '{"a": {"b": {"c": ["v"]}}}',
        ),
        (
            "{% assign a = [] %}{% assign a << 1 %}{% assign a << [2] %}{% assign a << nil %}{{ a | json }}",
            "[1, [2], null]",
        ),
        (
            "{% assign a = [1, 2] %}{% assign a[0] = 3 %}{% assign a[-1] = 4 %}{% assign a[2] = 5 %}{{ a | json }}",
            "[3, 4, 5]",
        ),
        ("{% assign a = [{}] %}{% assign a[0].k = 'v' | upcase %}{{ a | json }}", '[{"k": "V"}]'),
        (
            "{% assign h = {} %}{% function h['r'] = 'f', v: 1 %}{% function h.s.t = 'f', v: 2 %}{{ h | json }}",
            '{"r": 1, "s": {"t": 2}}',
        ),
        ("{% assign a = [] %}{% function a << 'f', v: 1 %}{{ a | json }}", "[1]"),
        ("{% for i in (1..3) %}{% assign d[i] = i %}{% endfor %}{{ d[2] }}", "2"),
        (
            "{% liquid\n assign h = {}\n assign h['k'] = [1,\n 2]\n assign h['k'] << 3\n echo h.k | join: '-'\n%}",
            "1-2-3",
        ),
        ("{% assign limit = {} %}{% assign limit.for = 1 %}{{ limit | json }}", '{"for": 1}'),
    ],
)
def test_a_place_is_written(source: str, printed: str) -> None:
    assert shown(source, d={}) == printed


def test_no_other_variable_changes_and_no_data_of_the_page() -> None:
    data = {"d": {"a": [1]}, "rows": [{"n": 1}, {"n": 2}]}
    source = (
        "{% assign copy = d %}{% assign d.a << 2 %}{% assign d.b = copy %}{% assign copy.c = 3 %}"
        "{{ d | json }} {{ copy | json }}"
        "{% for item in rows %}{% assign item.n = 9 %}{{ item.n }}{% endfor %}{{ rows | json }}"
    )
    expected = '{"a": [1, 2], "b": {"a": [1]}} {"a": [1], "c": 3}99[{"n": 1}, {"n": 2}]'
    assert shown(source, **data) == expected
    assert data == {"d": {"a": [1]}, "rows": [{"n": 1}, {"n": 2}]}


def test_a_partial_writes_into_what_it_was_given_for_itself() -> None:
    assert shown("{% assign o = {'a': 1} %}{% include 'changes', o: o %}{{ o | json }}") == '<{"a": 1, "z": 1}>{"a": 1}'
    assert shown("{% assign o = {'a': 1} %}{% include 'changes' %}{{ o.z }}") == '<{"a": 1, "z": 1}>1'
    assert shown("{% for item in rows %}{% include 'names' %}{{ item.n }}{% endfor %}", rows=[{}, {}]) == "77"
    assert shown("{% assign o = {} %}{% render 'changes', o: o %}{{ o | json }}") == '<{"z": 1}>{}'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% assign q.k = 1 %}", "`q` is nil: {% assign q = {} %} makes it an object first"),
        ("{% assign q << 1 %}", "`q` is nil: {% assign q = [] %} makes it a list first"),
        ("{% assign h = {} %}{% assign h.k << 1 %}", "`h.k` is nil: {% assign h.k = [] %} makes it a list first"),
        ("{% assign h = {} %}{% assign h << 1 %}", "`h` is an object, and << adds to a list: write to a key of it"),
        ("{% assign h = 'x' %}{% assign h << 1 %}", "`h` is a text, and << adds to a list"),
        ("{% assign a = [1] %}{% assign a['k'] = 1 %}", "`a` is a list, whose items have numbers, and not the key 'k'"),
        ("{% assign a = [1] %}{% assign a[2] = 1 %}", "`a` has 1 item, so there is no place 2; << adds one"),
        ("{% assign a = 1 %}{% assign a.b = 1 %}", "`a` is a number, and not an object or a list: nothing is in it"),
        ("{% assign h = {} %}{% assign h[no] = 1 %}", "a key of `h` is nil; a key is a text or a number"),
        ("{% assign order.id = 2 %}", "`order` is an Order, which templates do not change: assign what you need of it"),
        ("{% assign h.o.id = 2 %}", "`h.o` is an Order, which templates do not change: assign what you need of it"),
        (
            "{% for i in (1..2) %}{% assign forloop.x = 2 %}{% endfor %}",
            "`forloop` is a ForLoop, which templates do not change: assign what you need of it",
        ),
    ],
)
def test_what_cannot_be_written_is_an_error_that_says_what_to_do(source: str, message: str) -> None:
    order = Order()
    data = {"order": order, "h": {"o": order}}
    with pytest.raises(LiquidError) as raised:
        ENVIRONMENT.from_string(source).render(**data)
    assert raised.value.message == message
    assert raised.value.token is not None
    assert order == Order()
    tolerant = Environment(tolerance=Mode.LAX)
    assert tolerant.from_string(f"a{source}b").render(**data) == "ab"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% assign h['k'] %}", "expected `=` behind `]`, and the tag ends"),
        ("{% assign h.k == 1 %}", "expected `=` behind `k`, found `==`"),
        ("{% assign h.k = %}", "expected a value behind `=`, and the tag ends"),
    ],
)
def test_what_is_no_write_is_refused_when_it_is_parsed(source: str, message: str) -> None:
    with pytest.raises(LiquidError) as raised:
        ENVIRONMENT.from_string(source)
    assert message in str(raised.value)


def test_what_is_written_is_held_to_the_limits() -> None:
    class Small(Environment):
        local_namespace_limit = 50_000

    grows = "{% assign a = [] %}{% for i in (1..100) %}{% assign a << t %}{% endfor %}"
    assert Small().from_string(grows).render(t="x" * 200) == ""
    with pytest.raises(LiquidError, match="variables hold over 50,000 bytes"):
        Small().from_string(grows).render(t="x" * 1_000)
    deep = "{% assign h = {} %}{% for i in (1..60) %}{% assign h.h = h %}{% endfor %}"
    with pytest.raises(LiquidError, match="over 50 deep in each other"):
        ENVIRONMENT.from_string(deep).render()
    double = "{% assign h = {'a': t} %}{% for i in (1..30) %}{% assign h.l = h %}{% assign h.r = h.l %}{% endfor %}"
    with pytest.raises(LiquidError, match="variables hold over 50,000 bytes"):
        Small().from_string(double).render(t="x" * 100)


def test_many_writes_take_a_time_that_grows_with_them() -> None:
    source = "{% assign a = [] %}{% for i in (1..2000) %}{% assign a << {'i': i} %}{% endfor %}{{ a | size }}"
    assert ENVIRONMENT.from_string(source).render() == "2000"


def test_jobs_and_actions_write_what_they_answer(site: Any) -> None:
    site.write({"partials/p": "x{{ n }}"})
    site.engine.environment.actions["same"] = lambda a: [a]
    source = (
        "{% assign ids = [] %}{% background ids << 'p', n: 1 %}{% background h.deep['id'] = 'p', n: 2 %}"
        "{% action h[key].l = 'same', a: 3 %}{{ ids[0] }},{{ h.deep.id }} {{ h.k.l }}"
    )
    printed = site.render(source, {"h": {}, "key": "k"})
    assert printed == f"{','.join(job.id for job in site.jobs)} 3"
    body = "{% background h.id = 'p', n: 3 %}{% action h.a = 'same', a: 4 %}{{ h | size }}"
    printed = site.run(f"{{% background source_name: 's' %}}{body}{{% endbackground %}}", {"h": {"given": 1}})
    assert printed == "3"


def test_a_body_is_handed_what_it_writes_into_and_what_literals_name(site: Any) -> None:
    body = (
        "{% assign row = {'n': user.name, key: 1, 'l': [user.tags]} %}{% assign order['note'] = note %}"
        "{% assign order.items << extra %}{% assign seen = ['user'] %}"
        "{{ row | json }} {{ order | json }} {{ seen | json }}"
    )
    data = {
        "user": {"name": "Ann", "tags": ["a"], "secret": "s"},
        "key": "k",
        "note": "late",
        "order": {"id": 7, "items": [1]},
        "extra": 2,
    }
    source = f"{{% background source_name: 's', list: [user.name], o: {{'id': order.id | times: 2}} %}}{body}{{% endbackground %}}"
    printed = site.run(source, data)
    assert printed == (
        '{"n": "Ann", "k": 1, "l": [["a"]]} {"id": 7, "items": [1, 2], "note": "late"} '
        '{"name": "Ann", "tags": ["a"], "secret": "s"}'
    )
    assert site.job.parameters == {"list": ["Ann"], "o": {"id": 14}}
    assert set(site.job.handed_over) == {"user.name", "key", "user.tags", "order", "note", "extra", "user"}
    assert data["order"] == {"id": 7, "items": [1]}


def test_an_object_of_the_applications_cannot_be_written_into_in_a_job_either(site: Any) -> None:
    with pytest.raises(LiquidError, match="cannot hand `order` \\(Order\\) to a background job"):
        site.render("{% background source_name: 's' %}{% assign order.id = 2 %}{% endbackground %}", {"order": Order()})
