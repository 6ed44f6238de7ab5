"""Objects in templates: pages read exactly what a rule lists, and an object without a rule says so."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import ipaddress
import types
import typing
from abc import ABC
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from liquid import Mode, StrictUndefined
from liquid.exceptions import LiquidError, UndefinedError
from liquid.undefined import StrictDefaultUndefined
from pydantic import SecretStr

from liquid_background import ArgumentError, Environment, HandOverError, NotExposed, SettingsError, expose
from liquid_background.errors import CodeError
from liquid_background.language.exposed import REGISTERED
from tests.language.conftest import block


@pytest.fixture(autouse=True)
def _own_rules() -> Iterator[None]:
    """Take back what a test exposes for all environments."""
    before = dict(REGISTERED.rules)
    yield
    REGISTERED.rules.clear()
    REGISTERED.rules.update(before)
    REGISTERED.version += 1


class Customer:
    """A class as applications have them."""

    objects: typing.ClassVar[list[str]] = ["everyone"]

    def __init__(self, name: str = "Ada", id: int = 7) -> None:
        self.id = id
        self.name = name
        self.password_hash = "x1"
        self._private = "x2"
        self.orders = [1, 2]

    @property
    def initials(self) -> str:
        return self.name[:1]

    @property
    def broken(self) -> str:
        raise ValueError("no such luck")

    @property
    def misses(self) -> str:
        return {}["x3"]  # type: ignore[no-any-return]

    def delete(self) -> str:
        return "x4"

    def greeting(self) -> str:
        return f"Hello {self.name}"


class Named(Customer):
    def __str__(self) -> str:
        return f"<{self.name}>"


@pytest.fixture
def exposed(site: Any) -> Any:
    site.engine.environment.expose(Customer, "id", "name", "initials", "misses", "broken")
    return site


def test_a_page_reads_exactly_the_fields(exposed: Any) -> None:
    source = "{{ c.name }} {{ c['id'] }} {{ c.initials }} {% assign f = 'name' %}{{ c[f] }} {{ c.name.size }}"
    assert exposed.render(source, {"c": Customer()}) == "Ada 7 A Ada 3"


@pytest.mark.parametrize(
    "path",
    [
        *("_private", "__class__", "__class__.__name__", "__dict__", "nothing", "mro"),
        *("name.upper", "name.__class__", "size", "first", "last", "items", "name[0]", "name.real"),
    ],
)  # fmt: skip
def test_nothing_else_is_reached(exposed: Any, path: str) -> None:
    source = f"[{{{{ c.{path} }}}}{{{{ list | map: '{path.split('.', maxsplit=1)[0]}' | join: '' | remove: 'Ada' }}}}]"
    assert exposed.render(source, {"c": Customer(), "list": [Customer()]}) == "[]"


HAS: Final = ["password_hash", "orders", "objects", "delete", "greeting"]


@pytest.mark.parametrize("name", HAS)
@pytest.mark.parametrize(
    "source",
    [
        "{{{{ c.{name} }}}}",
        "{{{{ c['{name}'].size | default: 1 }}}}",
        "{{% if c.{name} %}}{{% endif %}}",
        "{{% assign x = '{name}' %}}{{{{ c[x] }}}}",
        "{{% for x in c.{name} %}}{{% endfor %}}",
        "{{{{ list | map: '{name}' }}}}",
        "{{{{ list | where: '{name}', 1 }}}}",
        "{{% include 'a', x: c.{name} %}}",
        "{{% render 'a' with c.{name} as x %}}",
        "{{% background source_name: 's', x: c.{name} %}}{{% endbackground %}}",
        "{{% background source_name: 's' %}}{{% assign x = c.{name} %}}{{% endbackground %}}",
    ],
)
def test_what_an_object_has_and_no_rule_lists_is_told(make_site: Callable[..., Any], source: str, name: str) -> None:
    source = source.format(name=name)
    data = {"c": Customer(), "list": [Customer()]}
    for mode in (Mode.STRICT, Mode.LAX, Mode.WARN):
        site = make_site(mode)
        site.write({"partials/a": "{{ x }}"})
        site.engine.environment.expose(Customer, "id", "name")
        if mode is Mode.STRICT:
            with pytest.raises(NotExposed, match=f" is a Customer, of which pages read no '{name}', but id, name: "):
                site.render(source, data)
            assert site.jobs == []
        elif mode is Mode.LAX:
            site.render(source, data)
        else:
            with pytest.warns(match=f" is a Customer, of which pages read no '{name}'"):
                site.render(source, data)


def test_the_error_says_what_has_pages_read_it(exposed: Any) -> None:
    with pytest.raises(
        NotExposed, match=r"^c is .*: expose\(Customer, 'password_hash', …\) lists all that they read\n"
    ):
        exposed.render("{{ c.password_hash }}", {"c": Customer()})
    advice = (
        r": pages call no method; expose\(Customer, greeting=Customer.greeting, …\) has them read what it returns\n"
    )
    with pytest.raises(NotExposed, match=advice):
        exposed.render("{{ c.greeting }}", {"c": Customer()})
    many = expose(type("Many", (), dict.fromkeys("abcdefghij", 1)), *"abcdefghi")
    with pytest.raises(NotExposed, match="read no 'j', but a, b, c, d, e, f, g, h, …: "):
        exposed.render("{{ m.j }}", {"m": many()})


def test_an_object_is_not_asked_whether_it_has_something(site: Any) -> None:
    class Slotted:
        __slots__ = ("given", "unset")

        def __init__(self) -> None:
            self.given = "g"

        @property
        def costly(self) -> str:
            raise AssertionError("it was asked")

        def __getattr__(self, name: str) -> str:
            raise AssertionError(f"it was asked for {name}")

    site.engine.environment.expose(Slotted, "given")
    render = site.engine.environment.from_string
    assert render("{{ s.given }}[{{ s.other }}]").render(s=Slotted()) == "g[]"
    for name in ("unset", "costly"):
        with pytest.raises(NotExposed, match=f"read no '{name}', but given"):
            render(f"{{{{ s.{name} }}}}").render(s=Slotted())


def test_a_partial_method_is_a_method(site: Any) -> None:
    class Order:
        def _shown(self, what: str) -> str:
            return f"shown {what}"

        shown_status = functools.partialmethod(_shown, "status")

    with pytest.raises(SettingsError, match="shown_status is a method, and pages call none"):
        site.engine.environment.expose(Order, "shown_status")
    site.engine.environment.expose(Order, status=Order.shown_status)
    assert site.render("{{ o.status }}", {"o": Order()}) == "shown status"


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "__class__", "pop"])
def test_methods_of_mappings_are_not_reached(site: Any, name: str) -> None:
    assert site.render(f"[{{{{ d.{name} }}}}{{{{ d['{name}'] }}}}]", {"d": {"a": 1}}) == "[]"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("\n{{ customer.name }}", "customer"),
        ("\n{{ customer }}", "customer"),
        ("\n{{ order.customer.name }}", "order.customer"),
        ("\n{{ list[0].name }}", r"list\[0\]"),
        ("\n{% if customer.name %}{% endif %}", "customer"),
        ("\n{% for x in customer %}{% endfor %}", "customer"),
        ("\n{% for c in list %}{{ c.name }}{% endfor %}", "c"),
        ("\n{{ customer | upcase }}", "what upcase is given"),
        ("\n{{ 'a' | append: customer }}", "what append is given"),
        ("\n{{ customer | size }}", "what size is given"),
        ("\n{{ customer | plus: 1 }}", "what plus is given"),
        ("\n{{ list | map: 'name' }}", "what map is given"),
        ("\n{{ list | where: 'name', 'Ada' }}", "what where is given"),
        ("\n{{ list | sort: 'name' }}", "what sort is given"),
        ("\n{{ list | sum: 'id' }}", "what sum is given"),
        ("\n{{ list | uniq: 'id' }}", "what uniq is given"),
        ("\n{{ list | join: ', ' }}", "what join is given"),
        ("\n{{ list }}", "list"),
        ("\n{{ customer | json }}", "what json is given"),
        ("\n{{ order | json }}", "what json is given has a field 'customer' that"),
        ("\n{% echo customer %}", "customer"),
        ("\n{{ list | first }}", r"list \| first"),
        ("\n{{ 'a %(who)s' | t: who: customer }}", "what t is given"),
        ("\n{% translate who: customer %}a {{ who }}{% endtranslate %}", "what translate is given"),
        ("\n{% cycle customer, 'a' %}", "what cycle is given"),
        ("\n{% log customer %}", "what log is given"),
        ("\n{% case customer.name %}{% when 1 %}{% endcase %}", "customer"),
        ("\n{% background id: customer.id %}{% endbackground %}", "customer"),
        ("\n{% background %}{% assign n = customer.name %}{% endbackground %}", "customer"),
        ("\n{% trigger_event 'e', id: customer.id %}", "customer"),
    ],
)  # fmt: skip
def test_an_object_without_a_rule_says_so(site: Any, source: str, what: str) -> None:
    customer = Customer()
    site.write({"consumers/e/c": ""})
    with pytest.raises(NotExposed, match=rf"^{what} is a Customer, which no rule exposes") as raised:
        site.render(source, {"customer": customer, "order": {"customer": customer}, "list": [customer]})
    assert raised.value.context()[0] == 2
    assert "pages/page" in str(raised.value) or raised.value.template_name == "pages/page"
    assert site.jobs == []


def test_the_error_says_how_to_expose_it(site: Any) -> None:
    with pytest.raises(NotExposed, match=r"list what pages may read, expose\(Customer, 'name'\)"):
        site.render("{{ customer.name }}", {"customer": Customer()})


@pytest.mark.parametrize(
    "source", ["[{{ c.name }}]", "[{{ c }}]", "[{% for x in c %}{{ x }}{% endfor %}]", "[{{ l | map: 'name' }}]"]
)
def test_the_modes_tolerate_it_as_other_errors(make_site: Callable[..., Any], source: str) -> None:
    data = {"c": Customer(), "l": [Customer()]}
    assert make_site(Mode.LAX).render(source, data) == "[]"
    with pytest.warns(match="is a Customer, which no rule exposes"):
        assert make_site(Mode.WARN).render(source, data) == "[]"


def test_in_a_job_it_is_an_error_in_every_mode(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    site.engine.environment.add_filter("load", lambda _id: Customer())
    site.render(block("{% assign c = id | load %}{{ c.name }}", "id: 7, source_name: 's'"))
    assert "c is a Customer, which no rule exposes" in (site.perform(site.job).error or "")
    site.engine.environment.expose(Customer, "name")
    assert site.perform(site.job).result == "Ada"


def test_fields_that_are_not_there_are_undefined(exposed: Any, make_site: Callable[..., Any]) -> None:
    assert (
        exposed.render(
            "[{{ c.nothing }}{% if c.nothing %}x{% endif %}{{ c.nothing | default: 'd' }}]", {"c": Customer()}
        )
        == "[d]"
    )
    strict = make_site(undefined=StrictUndefined)
    strict.engine.environment.expose(Customer, "name")
    with pytest.raises(UndefinedError, match=r"c\.nothing is undefined"):
        strict.render("{{ c.nothing }}", {"c": Customer()})
    with pytest.raises(NotExposed, match="read no 'id', but name"):
        strict.render("{{ c.id }}", {"c": Customer()})


def test_the_text_of_an_object_is_exposed_as_such(site: Any) -> None:
    site.engine.environment.expose(Named, "name")
    for source in (
        "{{ c }}",
        "{{ l }}",
        "{{ l | join: ' ' }}",
        "{{ c | upcase }}",
        "{{ l | sort_natural }}",
        "{{ 'a' | append: c }}",
    ):
        with pytest.raises(
            NotExposed, match=r"is a Named, whose text no rule exposes: print one of its fields \(name\)"
        ):
            site.render(source, {"c": Named(), "l": [Named()]})
    site.engine.environment.expose(Named, "__str__")
    assert (
        site.render("{{ c }}{{ l }}{{ l | join: ' ' }}{{ c | upcase }}", {"c": Named(), "l": [Named()]})
        == "<Ada><Ada><Ada><ADA>"
    )
    with pytest.raises(NotExposed, match="c is a Named, of which pages read no 'name': expose"):
        site.render("{{ c.name }}", {"c": Named()})
    with pytest.raises(NotExposed, match="holds a Named"):
        site.render("{{ d }}", {"d": {"a": [Named()]}})


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (ipaddress.ip_address("::1"), "::1"),
        (Colour.RED, "Colour.RED"),
        (ValueError("what"), "what"),
        (Named(), "<Ada>"),  # the text that its class gives it, as ever
        (1j, "1j"),
    ],
)
def test_values_that_have_a_text_print_it_without_a_rule(site: Any, value: object, printed: str) -> None:
    assert (
        site.render("{{ v }}{{ l }}{{ v | append: '!' }}", {"v": value, "l": [value]})
        == f"{printed}{printed}{printed}!"
    )


class Drop:
    def __getitem__(self, name: str) -> str:
        return {"name": "Drop"}[name]

    def __str__(self) -> str:
        return "a drop"


class Truth:
    def __init__(self, value: object) -> None:
        self.value = value

    def __liquid__(self) -> object:
        return self.value


def test_objects_that_python_liquid_reads_need_no_rule(site: Any) -> None:
    source = (
        "{{ d.name }}{{ d }}{{ d.other }}{{ l | map: 'name' | join }}{% if t %}x{% else %}no{% endif %}{{ list[one] }}"
    )
    data = {"d": Drop(), "l": [Drop()], "t": Truth(False), "one": Truth(1), "list": [1, 2]}
    assert site.render(source, data) == "Dropa dropDropno2"


def test_an_explicit_rule_comes_before_the_objects_own_way(site: Any) -> None:
    class Open(Drop):
        colour = "red"

    class Bag(dict[str, str]):
        colour = "blue"

    for kind in (Open, Bag):
        site.engine.environment.expose(kind, "colour")
    assert (
        site.render("{{ o.colour }}{{ o.name }}{{ b.colour }}{{ b.name }}", {"o": Open(), "b": Bag(name="n")})
        == "redblue"
    )


def test_filters_read_the_fields(exposed: Any) -> None:
    people = [Customer("Cy", 3), Customer("Ada", 1), Customer("Bo", 2)]
    seen: list[object] = []
    exposed.engine.environment.add_filter("see", lambda value: seen.append(value) or "")
    source = (
        "{{ p | map: 'name' | join: ',' }} {% assign s = p | sort: 'name' %}{{ s | map: 'id' | join: ',' }} {{ s[0].name }} "
        "{{ p | where: 'name', 'Bo' | map: 'id' | first }} {{ p | sum: 'id' }} {{ p | find: 'id', 3 | see }}"
        "{% assign f = p | find: 'id', 3 %}{{ f.name }} {{ p | uniq: 'name' | size }} {{ p | reject: 'id', 1 | size }} "
        "{{ p | has: 'id', 2 }} {% assign l = p | last %}{{ l.name }} {{ p | reverse | map: 'id' | join }} {{ p | see }}"
        "{{ n | map: 'id' | join }} {{ p | concat: p | size }} {{ p | sort_natural: 'name' | map: 'id' | join }}"
    )
    printed = "Cy,Ada,Bo 1,2,3 Ada 2 6 Cy 3 2 true Bo 2 1 3 3 1 6 1 2 3"
    assert exposed.render(source, {"p": people, "n": [[people[0]], [[people[1]]]]}).replace("  ", " ") == printed
    assert all(
        type(value) in (Customer, list) for value in seen
    )  # a filter of the application has the objects themselves
    assert all(type(item) is Customer for value in seen if isinstance(value, list) for item in value)


def test_json_shows_the_fields_at_every_level(site: Any) -> None:
    class Order:
        def __init__(self) -> None:
            self.customer, self.lines, self.secret = Customer(), [Customer("Bo", 1)], "x"

    site.engine.environment.expose(Customer, "id", "name")
    site.engine.environment.expose(Order, "customer", "lines")
    source = "{{ o | json }}{{ d | json }}"
    ada, bo = '{"id": 7, "name": "Ada"}', '{"id": 1, "name": "Bo"}'
    assert (
        site.render(source, {"o": Order(), "d": {"x": Customer()}})
        == f'{{"customer": {ada}, "lines": [{bo}]}}{{"x": {ada}}}'
    )
    loop = Customer()
    site.engine.environment.expose(Customer, "orders")
    loop.orders = [loop]  # type: ignore[list-item]
    with pytest.raises(LiquidError):
        site.render("{{ c | json }}", {"c": loop})


def test_a_mapping_with_a_rule_is_not_looped_over(site: Any) -> None:
    found = collections.UserDict({"name": "Ada", "key": "SECRET"})
    site.engine.environment.expose(collections.UserDict, name=lambda found: found["name"])
    assert site.render("{{ u.name }}{{ u.key }}", {"u": found}) == "Ada"
    with pytest.raises(NotExposed, match="u is a UserDict, which is no list to loop over: name one of its fields"):
        site.render("{% for pair in u %}{{ pair | join: '=' }} {% endfor %}", {"u": found})


def test_objects_compare_as_ever(exposed: Any) -> None:
    ada = Customer()
    source = (
        "{% if d.a == d.b %}same{% endif %}{% if d.a %}true{% endif %}{% if d.l contains d.a %}in{% endif %}"
        "{% if d.a == nil %}nil{% endif %}{% if d.a != d.c %}other{% endif %}{{ d.a | default: 'x' | kind }}"
    )
    exposed.engine.environment.add_filter("kind", lambda value: type(value).__name__)
    assert exposed.render(source, {"d": {"a": ada, "b": ada, "c": 1, "l": [ada]}}) == "sametrueinotherCustomer"


def test_errors_of_a_field_name_the_line(exposed: Any) -> None:
    for source in (
        "{{ c.broken }}",
        "{{ l | map: 'broken' }}",
        "{{ c.misses }}",
        "{{ l | map: 'misses' }}",
        "{% for x in l %}{{ x.misses }}{% endfor %}",
    ):
        with pytest.raises(CodeError, match=r"ValueError: no such luck|KeyError: 'x3'") as raised:
            exposed.render("\n" + source, {"c": Customer(), "l": [Customer()]})
        assert raised.value.context()[0] == 2


def test_a_listed_field_that_no_object_has_says_so(site: Any) -> None:
    site.engine.environment.expose(Customer, "nmae")
    for source in ("{{ c.nmae }}", "{{ l | map: 'nmae' }}", "{{ c | json }}", "{% if c.nmae %}{% endif %}"):
        with pytest.raises(
            NotExposed, match="is a Customer without the 'nmae' that its rule lists: have the application"
        ):
            site.render(source, {"c": Customer(), "l": [Customer()]})


class Slotted:
    __slots__ = ("name",)


def test_what_the_class_cannot_have_is_refused_where_it_is_listed() -> None:
    expose(Slotted, "name")
    with pytest.raises(SettingsError, match="no Slotted has a 'nmae'"):
        expose(Slotted, "nmae")
    with pytest.raises(NotExposed, match="is a Slotted without the 'name' that its rule lists"):
        Environment().from_string("{{ s.name }}").render(s=Slotted())


@pytest.mark.parametrize(
    ("value", "advised"),
    [
        ("customer.__class__", "expose(Customer, 'name')"),
        ("customer.id", "expose(Customer, 'id')"),
        ("customer.nmae", "expose(Customer, 'name')"),
        ("customer.greeting", "expose(Customer, greeting=Customer.greeting)"),
        ("customer.initials", "expose(Customer, 'initials')"),
        ("customer.password_hash", "expose(Customer, 'name')"),
        ("customer", "expose(Customer, 'name')"),
        ("customer | json", "expose(Customer, 'name')"),
        ("list | map: 'id'", "expose(Customer, 'id')"),
        ("bare", "have the application pass what pages need of it, as plain values"),
        ("secret | json", "have the application pass what pages need of it, as plain values"),
        ("bare.__class__", "have the application pass what pages need of it, as plain values"),
        ("function.__globals__", "have the application pass what pages need of it, as plain values"),
        ("method.name", "have the application pass what pages need of it, as plain values"),
        ("module.path", "have the application pass what pages need of it, as plain values"),
        ("kind.name", "have the application pass what pages need of it, as plain values"),
        ("memory", "have the application decode it"),
    ],
)
def test_what_is_advised_works(value: str, advised: str) -> None:
    class Bare:
        pass

    data = {"customer": Customer(), "list": [Customer()], "bare": Bare(), "function": block, "kind": Customer}
    data |= {"method": Customer().delete, "module": enum, "memory": memoryview(b"x"), "secret": SecretStr("x")}
    environment = Environment()
    with pytest.raises(NotExposed) as raised:
        environment.from_string(f"{{{{ {value} }}}}").render(**data)
    assert raised.value.why.endswith(advised)
    if advised.startswith("expose("):
        eval(advised, {"expose": environment.expose, "Customer": Customer})
        assert environment.from_string("{{ list | size }}{{ c | json }}").render(list=[], c=Customer()).startswith("0{")


@pytest.mark.parametrize("given", [3, "name", None, Customer.initials, lambda: 1, lambda customer, other: 1])
def test_a_computed_field_is_a_function_of_the_object(given: Any) -> None:
    with pytest.raises(SettingsError, match=r"expose\(Customer, x=…\) takes a function of the object"):
        expose(Customer, x=given)


def test_an_object_is_no_class() -> None:
    with pytest.raises(SettingsError, match="expose takes a class, then each field by its name"):
        expose(Customer(), "name")  # type: ignore[arg-type]


def test_values_are_handed_over_and_objects_are_not(exposed: Any) -> None:
    body = "{% assign n = c.name %}{{ n }}{{ i }}"
    assert exposed.run(block(body, "source_name: 's', i: c.id"), {"c": Customer()}) == "Ada7"
    fields = r"\(pages read these of it: id, name, initials, misses, broken\)"
    with pytest.raises(
        HandOverError, match=rf"cannot hand `c` \(Customer\) to a background job: pass its id or plain values {fields}"
    ):
        exposed.render(block("{% assign n = c %}"), {"c": Customer()})
    with pytest.raises(
        ArgumentError, match=rf"parameter 'c' is a Customer, not plain data: pass its id or plain values {fields}"
    ):
        exposed.render(block("", "source_name: 's', c: c"), {"c": Customer()})


def _check_told(site: Any, data: dict[str, object], **names: str) -> None:
    """Check that what objects have, and no rule lists, is told; names of it stand by those of the objects."""
    for root, listed in names.items():
        for name in listed.split():
            with pytest.raises(NotExposed, match=rf"^{root} is an? \w+, of which pages read no '{name}'(, but|:) "):
                site.render(f"{{{{ {root}.{name} }}}}", data)


def test_a_rule_holds_for_subclasses_until_they_have_one(site: Any) -> None:
    class Role(ABC):  # noqa: B024
        """A class that others are registered with."""

    class Child(Customer):
        pass

    class Stranger:
        name, age = "S", 3

    Role.register(Stranger)
    assert expose("name")(Customer) is Customer
    assert expose(Role, "age") is Role
    data = {"c": Child(), "s": Stranger()}
    assert site.render("{{ c.name }}{{ s.age }}", data) == "Ada3"
    _check_told(site, data, c="id", s="name")
    site.engine.environment.expose(Child, "id")
    assert site.render("{{ c.id }}{{ s.age }}", data) == "73"
    _check_told(site, data, c="name")
    site.engine.environment.expose(Customer, "orders")  # nearer to the base than Child's
    assert site.render("{{ c.id }}{{ b.orders }}", {**data, "b": Customer()}) == "712"
    _check_told(site, {"b": Customer()}, b="name")
    with pytest.raises(NotExposed):
        Environment().from_string("{{ x.y }}").render(x=object())


def test_computed_fields(site: Any) -> None:
    expose(Customer, "id", greeting=Customer.greeting, shout=lambda customer: customer.name.upper())
    assert site.render("{{ c.greeting }} {{ c.shout }}", {"c": Customer()}) == "Hello Ada ADA"


@pytest.mark.parametrize(
    ("names", "computed", "message"),
    [
        (("_private",), {}, "private"),
        (("__class__",), {}, "private"),
        (("delete",), {}, r"delete is a method.*expose\(Customer, delete=Customer.delete\)"),
        (("a.b",), {}, "by its name"),
        ((7,), {}, "by its name"),
        ((), {}, "lists no field"),
        ((), {"_x": len}, "private"),
        ((), {"__str__": len}, "private"),
    ],
)
def test_what_cannot_be_exposed_is_refused_where_it_is_declared(names: Any, computed: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        expose(Customer, *names, **computed)
    with pytest.raises(SettingsError, match=message):
        expose(*names, **computed)(Customer) if names or computed else expose(Customer)


def test_the_decorator_without_its_call_is_refused() -> None:
    with pytest.raises(SettingsError, match="lists no field"):

        @expose  # type: ignore[arg-type]
        class _Forgotten:
            pass


@dataclasses.dataclass
class Line:
    sku: str
    price: float
    _cost: float = 1.0
    api_key: str = "x"
    note: str = dataclasses.field(default="x", repr=False)

    @property
    def total(self) -> float:
        return self.price


class Point(typing.NamedTuple):
    x: int
    size: int
    token: str = "x"


def test_dataclasses_and_named_tuples_show_what_they_declare(site: Any) -> None:
    data = {"l": Line("s", 2.5), "p": Point(1, 2), "all": [Point(1, 2), Point(3, 4)]}
    source = "{{ l.sku }}{{ l.price }}[{{ l._cost }}{{ l.nothing }}]{{ p.x }}{{ p.size }}{{ p[0] }}[{{ p._asdict }}{{ p.nothing }}]"
    assert site.render(source, data) == "s2.5[]121[]"
    _check_told(site, data, l="api_key note total", p="token count index")
    assert (
        site.render(
            "{{ all | map: 'x' | join: ',' }}{% for n in p %}{{ n }}{% endfor %}{{ all | where: 'x', 3 | size }}", data
        )
        == "1,3121"
    )
    with pytest.raises(NotExposed, match="Line, whose text"):
        site.render("{{ l }}", data)
    assert site.run(block("{% assign s = l.sku %}{{ s }}"), data) == "s"


class Place(typing.NamedTuple):
    x: int
    y: int


def test_a_named_tuple_shows_no_item_whose_name_looks_secret(make_site: Callable[..., Any]) -> None:
    data = {"p": Point(1, 2), "all": [Point(1, 2)], "d": {"p": Point(1, 2)}, "q": Place(3, 4)}
    site = make_site()
    source = "{{ p[9] }}{{ p | last }}{{ p | join: ',' }} {{ p | json }} {{ p | first }}"
    assert site.render(source, data) == "21,2 [1, 2] 1"
    for path in ("p[2]", "p[-1]", "p.last", "p.token"):
        with pytest.raises(NotExposed, match="p is a Point, of which pages read no 'token', but x, size: "):
            site.render(f"{{{{ {path} }}}}", data)
    assert site.render("{% if p contains 'x' %}x{% endif %}{{ q }}{{ q | json }}{{ q.last }}", data) == "34[3, 4]4"
    for shown in ("{{ p }}", "{{ all }}", "{{ d }}", "{{ d | json }}", "{{ all | json }}"):
        with pytest.raises(NotExposed, match=r"Point, wh(ose text|ich is not shown)"):
            make_site().render(shown, data)


@pytest.mark.parametrize(
    "holder",
    [
        lambda item: collections.deque([item]),
        lambda item: collections.UserList([item]),
        lambda item: collections.UserDict(a=item),
        lambda item: types.MappingProxyType({"a": item}),
        lambda item: {"a": collections.deque([item])},
        lambda item: [[{"a": (item,)}]],
    ],
)
def test_what_holds_an_object_does_not_show_it(exposed: Any, holder: Callable[[object], object]) -> None:
    for source in ("{{ v }}", "{{ v | append: '' }}"):
        with pytest.raises(NotExposed, match="holds a Customer, which is not shown inside others"):
            exposed.render(source, {"v": holder(Customer())})


@pytest.mark.parametrize("name", ["compact", "find", "has", "map", "reject", "sort", "sum", "uniq", "where"])
def test_no_error_of_a_filter_shows_an_object_that_is_its_key(exposed: Any, name: str) -> None:
    for key in ("key", "keys"):
        with pytest.raises(NotExposed, match=f"what {name} is given (is|holds) a Customer"):
            exposed.render(f"{{{{ l | {name}: {key} }}}}", {"l": [{"a": 1}], "key": Customer(), "keys": [[Customer()]]})


def test_what_has_a_size_tells_it(site: Any) -> None:
    """Views of a mapping are no lists to python-liquid, but have always told their size."""
    data = {"keys": {"a": 1, "b": 2}.keys(), "d": {"ip": ipaddress.ip_address("::1")}}
    assert site.render("{{ keys.size }}{{ keys | size }}{% if keys contains 'a' %}a{% endif %}{{ d }}", data) == (
        "22a{'ip': IPv6Address('::1')}"
    )


def test_what_stands_for_an_object_is_read_as_that(site: Any) -> None:
    class Proxy:
        __class__ = property(lambda self: Customer)  # type: ignore[assignment]

        def __getattr__(self, name: str) -> object:
            return getattr(Customer(), name)

    class Nobody:
        __class__ = property(lambda self: Nobody)  # type: ignore[assignment]

    site.engine.environment.expose(Customer, "name")
    render = site.engine.environment.from_string
    assert render("{{ c.name }}{{ l | map: 'name' }}[{{ c.nothing }}]").render(c=Proxy(), l=[Proxy()]) == "AdaAda[]"
    with pytest.raises(NotExposed, match="c is a Customer, of which pages read no 'initials', but name"):
        render("{{ c.initials }}").render(c=Proxy())
    with pytest.raises(NotExposed, match="c is a Nobody, which no rule exposes"):
        render("{{ c.name }}").render(c=Nobody())


def test_the_ready_rules_can_be_off(make_site: Callable[..., Any]) -> None:
    site = make_site(ready_rules=False)
    data = {"l": Line("s", 2.5), "p": Point(1, 2)}
    for source in ("{{ l.sku }}", "{{ l }}"):
        with pytest.raises(NotExposed, match="l is a Line, which no rule exposes"):
            site.render(source, data)
    for source in ("{{ p.x }}", "{{ p[0] }}", "{{ p }}", "{% for x in p %}{{ x }}{% endfor %}", "{{ p | join }}"):
        with pytest.raises(NotExposed, match="is a Point, which no rule exposes"):
            site.render(source, data)
    with pytest.raises(HandOverError, match=r"cannot hand `p` \(Point\)"):
        site.render(block("{% assign q = p %}"), data)
    site.engine.environment.expose(Point, "x")
    assert site.render("{{ p.x }}[{{ p[0] }}]", data) == "1[]"
    expose(Line, "sku")
    assert site.render("{{ l.sku }}", data) == "s"
    _check_told(site, data, l="price", p="size")


def test_an_explicit_rule_comes_before_the_ready_one(site: Any) -> None:
    expose(Line, "total")
    assert site.render("{{ l.total }}", {"l": Line("s", 2.5)}) == "2.5"
    _check_told(site, {"l": Line("s", 2.5)}, l="sku")


@pytest.mark.parametrize(
    "value", [Customer, len, Customer().delete, (n for n in [1])], ids=["class", "function", "method", "generator"]
)
def test_other_things_of_pythons_are_not_read(make_site: Callable[..., Any], value: object) -> None:
    for source in ("{{ v.objects }}", "{{ v.__name__ }}", "{{ v }}", "{% for x in v %}{% endfor %}"):
        with pytest.raises(NotExposed, match="which no rule exposes"):
            make_site().render(source, {"v": value})


@pytest.mark.parametrize(
    "tag",
    [
        "{% background p: nothing %}{% endbackground %}",
        "{% background j = 'p', p: user.x %}",
        "{% trigger_event 'e', p: nothing %}",
        "{% action 'act', p: nothing %}",
    ],
)
def test_a_parameter_that_is_strictly_undefined_raises_on_the_page(make_site: Callable[..., Any], tag: str) -> None:
    site = make_site(undefined=StrictUndefined)
    site.write({"consumers/e/c": "", "partials/p": ""})
    site.engine.environment.actions["act"] = lambda p: p
    with pytest.raises(UndefinedError, match="is undefined") as raised:
        site.render("\n" + tag, {"user": {}})
    assert raised.value.context()[0] == 2
    assert site.jobs == []
    lax = make_site(Mode.LAX, undefined=StrictUndefined)
    lax.engine.environment.actions["act"] = lambda p: p
    lax.render("\n" + tag, {"user": {}})
    assert all(job.parameters.get("p", job.parameters.get("event", {}).get("p")) is None for job in lax.jobs)


@pytest.mark.parametrize(
    ("literal", "sent"),
    [("nil", None), ("blank", ""), ("empty", ""), ("false", False), ("''", ""), ("nothing | default: 1", 1)],
)
def test_a_literal_is_never_undefined(make_site: Callable[..., Any], literal: str, sent: object) -> None:
    site = make_site(undefined=StrictDefaultUndefined)
    site.write({"consumers/e/c": "", "partials/p": ""})
    acted: list[object] = []
    site.engine.environment.actions["act"] = lambda v: acted.append(v) or ""  # type: ignore[func-returns-value]
    site.render(
        f"{{% background source_name: 's', v: {literal} %}}{{{{ v }}}}{{% endbackground %}}"
        f"{{% background j = 'p', v: {literal} %}}{{% trigger_event 'e', v: {literal} %}}"
        f"{{% action 'act', v: {literal} %}}",
        {},
    )
    sent_values = [job.parameters.get("event", job.parameters)["v"] for job in site.jobs]
    assert sent_values == [sent] * 3
    assert set(acted) == {sent}


def test_literals_need_no_rule(site: Any) -> None:
    assert site.render("{% assign x = blank %}{% assign y = empty %}[{{ x }}{{ y }}{{ x.foo }}{{ y.size }}]") == "[]"
