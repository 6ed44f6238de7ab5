"""Objects in templates: no tag, filter or message shows of an object what the page may not read of it."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import numbers
import re
import weakref
from collections import Counter, OrderedDict, defaultdict, namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject
from liquid import Mode
from starlette.requests import Request
from werkzeug.local import LocalProxy

from liquid_background import ArgumentError, HandOverError, NotExposed
from liquid_background.errors import LimitReached
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
    assert [entry.message for entry in site.engine.log.entries()] == ['{"a": [1]}', "[1, 2]"]


class Local(LocalProxy):  # type: ignore[type-arg]
    """A proxy that the tests' two renders share."""

    def __deepcopy__(self, memo: object) -> object:
        raise TypeError


class Kept(Silent):
    """An object that they share."""

    def __deepcopy__(self, memo: object) -> object:
        raise TypeError


KEPT = Kept()


def proxies() -> dict[str, Any]:
    """Return what stands for lists and objects of others, which Python tells by another way than their type."""
    return {
        "list": SimpleLazyObject(lambda: [Account()]),
        "mapped": SimpleLazyObject(lambda: {"of": Account()}),
        "silent": SimpleLazyObject(lambda: [Silent()]),
        "rows": SimpleLazyObject(lambda: rows()["rows"]),
        "local": Local(lambda: [Account()]),
        "local_mapped": Local(lambda: {"of": [Account()]}),
        "local_row": Local(lambda: rows()["row"]),
        "weak": weakref.proxy(KEPT),
        "weakly": [weakref.proxy(KEPT)],
    }


@pytest.mark.parametrize("name", proxies())
def test_a_proxy_shows_no_more_than_what_it_stands_for(page: Any, name: str) -> None:
    sources = (
        "{{{{ {} }}}}",
        "{{{{ {} | join }}}}",
        "{{{{ {} | append: '' }}}}",
        "{{{{ {} | json }}}}",
        "{{% log {} %}}",
    )
    shown(page, [source.format(name) for source in sources], proxies())


def test_a_proxy_of_a_list_is_read_as_the_list(site: Any) -> None:
    source = "{{ list[0].email }} {{ list | map: 'email' | join }} {{ local.size }} {% for a in local %}{{ a.email }}{% endfor %}"
    assert site.render(source, proxies()) == "ada@example.com ada@example.com 1 ada@example.com"


class File:
    """An object with a text that could be gone through, as fields of files are: nobody asked for what is in it."""

    def __str__(self) -> str:
        return "a.txt"

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("read")

    def __len__(self) -> int:
        raise AssertionError("measured")

    def __contains__(self, item: object) -> bool:
        raise AssertionError("searched")


class Open(File):
    """One whose text and name are exposed."""

    name = "b.txt"


@pytest.mark.parametrize("value", ["file", "open"])
@pytest.mark.parametrize(
    "source",
    ["{{{{ {} | join }}}}", "{{{{ {}.size }}}}", "{{{{ {} | size }}}}", "{{% if {} contains 'a' %}}{{% endif %}}"],
)
def test_what_is_in_an_object_is_not_asked_for(page: Any, source: str, value: str) -> None:
    page.engine.environment.expose(Open, "name", "__str__")
    text = shown(page, [source.format(value)], {"file": File(), "open": Open()})
    assert re.fullmatch(r"(NotExposed: .*(is a File|is an Open).*)?", text)


@pytest.mark.parametrize(
    "name", ["map: 'x'", "sort", "where: 'x'", "sum", "uniq", "reverse", "compact", "sort_natural"]
)
def test_filters_of_lists_take_an_object_as_one_item(site: Any, name: str) -> None:
    site.engine.environment.expose(Open, "name", "__str__")
    assert site.render(f"{{{{ open | {name} | size }}}}", {"open": Open()}) in ("0", "1")


class Members(Sequence[Any]):
    """A list of an application's own, without a text of its own."""

    def __init__(self, *members: object) -> None:
        self.members = members

    def __getitem__(self, at: Any) -> Any:
        return self.members[at]

    def __len__(self) -> int:
        return len(self.members)


def test_an_own_list_is_gone_through_as_others(site: Any) -> None:
    data = {"l": Members("a", "b"), "m": Members(Account(), Account("bo@example.com"))}
    source = "{{ l | join }} {{ m | map: 'email' | join }} {{ m.size }} {{ m | reverse | map: 'email' | first }}"
    assert site.render(source, data) == "a b ada@example.com bo@example.com 2 bo@example.com"
    with pytest.raises(NotExposed, match="what join is given is an Account"):
        site.render("{{ m | join }}", data)


def test_an_endless_list_is_not_gone_through(site: Any) -> None:
    class Endless(Members):
        def __iter__(self) -> Iterator[Any]:
            return itertools.repeat("x")

    with pytest.raises(LimitReached, match="join is given over 500,000 items"):
        site.render("{{ e | join }}", {"e": Endless()})


class Amount(numbers.Number):
    """A number without a text."""

    __hash__ = None  # type: ignore[assignment]


class Named:
    """An object whose text is not Python's, but what Python shows of it in a list is."""

    name = "n"

    def __str__(self) -> str:
        return "named"


class Kind(enum.Enum):
    """Names of objects, which Python shows in lists."""

    FIRST = Account()


@dataclasses.dataclass
class Mapped(Mapping[str, Any]):
    """A mapping that shows its fields."""

    password: str = "SECRET"

    def __getitem__(self, name: str) -> Any:
        return {"a": 1}[name]

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1


def texts() -> dict[str, Any]:
    """Return what Python would show by an address, or by all that is in it."""
    return {
        "members": Members(Account()),
        "amount": Amount(),
        "amounts": [Amount()],
        "defaults": defaultdict(Account, {"a": 1}),
        "listed_defaults": [defaultdict(lambda: 1)],
        "key_error": KeyError(Account()),
        "error": ValueError("x", [Silent()]),
        "errors": [KeyError(Account())],
        "group": ExceptionGroup("g", [KeyError(Account())]),
        "match": re.match("a", "a"),
        "memory": memoryview(b"a"),
        "kinds": {"of": Kind.FIRST},
        "mapped": Mapped(),
        "deep": [[[[[[[Account()]]]]]]],
        "deep_silent": [[[[[[[Silent()]]]]]]],
        "request": Request({"type": "http", "headers": [(b"cookie", b"SECRET")], "path": "/", "method": "GET"}),
    }


@pytest.mark.parametrize("name", texts())
def test_no_text_has_an_address_or_what_no_page_reads(page: Any, name: str) -> None:
    filters = (
        "join",
        "append: ''",
        "uniq: 'x'",
        "sort",
        "index: 'x'",
        "compact: 'x'",
        "map: 'x' | join",
        "json",
        "last",
    )
    tags = ("{{% for x in {} %}}{{{{ x }}}}{{% endfor %}}", "{{% cycle {}, 1 %}}", "{{{{ 'x%(v)s' | t: v: {} }}}}")
    sources = [f"{{{{ {name} | {each} }}}}" for each in filters] + [each.format(name) for each in tags]
    text = shown(page, [f"{{{{ {name} }}}}", *sources], texts())
    assert "View" not in text


def test_texts_for_people_are_shown_as_ever(site: Any) -> None:
    site.engine.environment.expose(Named, "name", "__str__")
    data = {
        "errors": [KeyError("k"), ValueError("no", 1)],
        "kind": Kind.FIRST,
        "ordered": OrderedDict(a=1),
        "count": Counter("aa"),
        "named": [Named(), Named()],
    }
    source = "{{ errors }} {{ kind }} {{ ordered }} {{ count }} {{ named }} {{ named | join }}"
    shown_texts = "'k'('no', 1) Kind.FIRST {'a': 1} {'a': 2} namednamed named named"
    assert site.render(source, data) == shown_texts
    with pytest.raises(NotExposed, match="Named, which is not shown inside others"):
        site.render("{{ named | append: '' }}", data)


def test_an_error_of_an_application_names_no_object(page: Any) -> None:
    def fail(found: Silent) -> object:
        raise KeyError(Account())

    page.engine.environment.expose(Silent, broken=fail)
    page.engine.environment.add_filter("fail", fail)
    page.engine.action(name="fail")(lambda: fail(Silent()))
    text = shown(page, ["{{ s.broken }}", "{{ s | fail }}", "{% action 'fail' %}"], {"s": Silent()})
    assert "password" not in text


def test_reading_what_is_missing_of_a_defaultdict_makes_nothing(page: Any) -> None:
    counts = defaultdict(int, {"a": 1})
    data = {"counts": counts, "all": [counts]}
    source = (
        "[{{ counts.b }}{{ counts['b'] }}{{ all | map: 'b' | join }}{{ counts | map: 'b' | join }}{{ counts | last }}"
        "{{ all | where: 'b' | size }}{{ all | sort: 'b' | size }}{{ all | sum: 'b' }}] {{ counts.a }} {{ counts.size }} "
        "{{ counts.first | join }} {{ counts | json }} {% for c in counts %}{{ c | join }}{% endfor %}"
    )
    assert page.engine.environment.from_string(source).render(**data) == '[010] 1 1 a 1 {"a": 1} a 1'
    assert counts == {"a": 1}


def test_an_exposed_mapping_or_tuple_shows_its_fields_only(page: Any) -> None:
    class Settings(dict[str, Any]):
        theme = "dark"

    page.engine.environment.expose(Settings, "theme")
    page.engine.environment.expose(Row, "email")
    data = {"s": Settings(password="SECRET"), "l": [Settings(password="SECRET")], "r": Row("ada", "SECRET")}
    loops = "{{% for x in {0} %}}{{{{ x }}}}{{% endfor %}}"
    sources = ["{{{{ {} }}}}", "{{{{ {} | json }}}}", "{{{{ {} | first | json }}}}", "{{{{ {} | join }}}}", loops]
    shown(page, [source.format(name) for name in data for source in [*sources, *PASSING]], data)
    assert page.render("{{ s.theme }} {{ l[0].theme }} {{ r.email }}", data) == "dark dark ada"


def test_a_request_is_no_mapping_to_pages(site: Any) -> None:
    with pytest.raises(NotExposed, match="request is a Request, which no rule exposes"):
        site.engine.environment.from_string("{{ request.headers }}").render(request=texts()["request"])
