"""Objects in templates: no tag, filter or message shows of an object what the page may not read of it."""

from __future__ import annotations

import dataclasses
from collections import defaultdict, namedtuple
from collections.abc import Iterable
from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject
from liquid import Mode

from liquid_background import ArgumentError, HandOverError, NotExposed
from tests.language.conftest import block

Row = namedtuple("Row", "email password")


@dataclasses.dataclass
class Account:
    """A class of an application's, with a field that no page reads."""

    email: str = "ada@example.com"
    password: str = "SECRET"


class Silent:
    """An object with Python's own text, which has an address in it."""


def objects() -> dict[str, Any]:
    """Return one of each, as pages are given them."""
    return {
        "account": Account(),
        "accounts": [Account()],
        "row": Row("ada@example.com", "SECRET"),
        "rows": [Row("ada@example.com", "SECRET")],
        "silent": Silent(),
        "held": {"by": [Silent()]},
    }


@pytest.fixture(params=[Mode.STRICT, Mode.LAX])
def page(request: pytest.FixtureRequest, make_site: Any) -> Any:
    """A site whose pages are rendered in one mode."""
    return make_site(request.param)


def shown(page: Any, sources: Iterable[str], data: dict[str, Any] | None = None) -> str:
    """Return what pages print, with what their errors say to whoever catches them."""
    tried = [
        f"{{% try %}}{source}{{% catch e %}}{{{{ e.name }}}}: {{{{ e.message }}}}{{% endtry %}}" for source in sources
    ]
    text: str = page.render("\n".join(tried), objects() if data is None else data)
    for line in text.splitlines():
        assert "SECRET" not in line
        assert " at 0x" not in line
    return text


@pytest.mark.parametrize(
    "tag",
    [
        "function x = {}",
        "include {}",
        "render {}",
        "action {}",
        "action x = {}",
        "background x = {}",
        "trigger_event {}",
    ],
)
def test_a_tag_that_is_named_by_an_object_does_not_show_it(page: Any, tag: str) -> None:
    shown(page, [f"{{% {tag.format(name)} %}}" for name in objects()])


@pytest.mark.parametrize("name", objects())
def test_a_function_of_an_objects_name_is_refused(site: Any, name: str) -> None:
    with pytest.raises(NotExposed, match="a template's name"):
        site.render(f"{{% function x = {name} %}}", objects())


@pytest.mark.parametrize(
    ("source", "variables"),
    [
        ("{{ 1 | currency }}", ["locale", "currency_code", "currency_format"]),
        ("{{ '1' | decimal }}", ["locale", "input_locale", "decimal_format"]),
        ("{{ '2024-01-01' | datetime }}", ["timezone", "input_timezone", "datetime_format"]),
        ("{{ 1 | unit: 'length-meter' }}", ["unit_length", "unit_format", "locale"]),
    ],
)
def test_a_variable_that_says_how_to_show_numbers_is_not_shown(page: Any, source: str, variables: list[str]) -> None:
    for name in variables:
        assigned = (f"{{% assign {name} = {value} %}}{source}" for value in objects())
        shown(page, [f"{each}{{% assign {name} = nil %}}" for each in assigned])


@pytest.mark.parametrize("name", objects())
def test_a_variable_that_is_an_object_is_named_in_the_error(site: Any, name: str) -> None:
    with pytest.raises(NotExposed, match="the variable timezone"):
        site.render(f"{{% assign timezone = {name} %}}{{{{ 'now' | datetime }}}}", objects())


def rows() -> dict[str, Any]:
    """Return named tuples with an item that no page reads, as pages are given them."""
    row = Row("ada@example.com", "SECRET")
    return {"row": row, "rows": [row], "mapped": {"of": row}, "pair": (1, row), "lazy": SimpleLazyObject(lambda: row)}


PASSING = [
    "{{% background source_name: 's', p: {} %}}{{{{ p | json }}}}{{% endbackground %}}",
    "{{% background source_name: 's' %}}{{% assign p = {} %}}{{{{ p | json }}}}{{% endbackground %}}",
    "{{% background j = 'part', p: {} %}}",
    "{{% action 'take', p: {} %}}",
    "{{% action r = 'take', p: {} %}}{{{{ r | json }}}}",
    "{{% trigger_event 'happened', p: {} %}}",
]


@pytest.mark.parametrize("source", [*PASSING, "{{% log {} %}}", "{{% log 'x', type: {} %}}"])
def test_items_that_no_page_reads_travel_through_no_door(page: Any, source: str) -> None:
    page.write({"partials/part": "{{ p | json }}", "consumers/happened/x": "{{ event | json }}"})
    taken: list[object] = []
    page.engine.action(name="take")(lambda **given: taken.append(given) or given)
    shown(page, [source.format(name) for name in rows()], rows())
    assert "SECRET" not in repr([(job.parameters, job.handed_over) for job in page.jobs])
    assert "SECRET" not in repr(page.engine.log.entries())
    assert "SECRET" not in repr(taken)


@pytest.mark.parametrize("source", PASSING)
def test_a_named_tuple_that_pages_read_in_part_is_refused_with_what_they_read(site: Any, source: str) -> None:
    site.write({"partials/part": "", "consumers/happened/x": ""})
    site.engine.action(name="take")(lambda p: p)
    with pytest.raises((ArgumentError, HandOverError), match=r"Row.*pages read these of it: email"):
        site.render(source.format("row"), rows())


def test_an_action_returns_no_items_that_no_page_reads(page: Any) -> None:
    page.engine.action(name="row")(lambda: rows()["row"])
    page.engine.action(name="rows")(lambda: rows()["rows"])
    text = shown(page, ["{% action r = 'row' %}{{ r | join }}", "{% action r = 'rows' %}{{ r | first | join }}"], {})
    assert text.count("the action's result is a Row, not plain data") in (0, 2)


def test_other_named_tuples_and_lists_travel(site: Any) -> None:
    Point = namedtuple("Point", "x y")
    data = {"p": Point(1, 2), "l": SimpleLazyObject(lambda: [1]), "d": defaultdict(list, {"a": [1]})}
    body = "{% assign a = p %}{% assign b = l %}{% assign c = d %}{{ a | json }}{{ b | json }}{{ c | json }}"
    assert site.run(block(body), data) == '[1, 2][1]{"a": [1]}'
    site.render("{% log d %}{% log p %}", data)
    assert [entry.message for entry in site.engine.log.entries()] == ['{"a": [1]}', "Point(x=1, y=2)"]
