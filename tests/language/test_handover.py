"""What a job can see: each rule of docs/what-a-job-can-see.md, with what must work and what must not."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from liquid import BlockNode, Node, StrictUndefined, Tag
from liquid.builtin.expressions import FilteredExpression
from liquid.exceptions import UndefinedError
from liquid.parser import get_parser
from liquid.undefined import StrictDefaultUndefined
from markupsafe import Markup

from liquid_background import ArgumentError, HandOverError
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from tests.language.conftest import block

PAGE: dict[str, Any] = {
    "user": {"name": "Ada", "email": "ada@x", "tags": ["a", "b"]},
    "order": {"id": 7, "lines": [{"sku": "s1"}, {"sku": "s2"}]},
    "a": {"k": "v", "list": [10, 20, 30]},
    "b": {"c": "k"},
    "n": 1,
}


@pytest.fixture
def handed(site: Any) -> Any:
    site.write({"partials/p": "{{ x }}{{ y }}", "partials/f": "{% return x %}"})

    def run(body: str, arguments: str = "", **data: Any) -> tuple[str, dict[str, Any]]:
        printed = site.run(block(body, arguments), {**PAGE, **data})
        return printed, site.job.handed_over

    return run


@pytest.mark.parametrize(
    ("body", "printed", "shipped"),
    [
        # hand-over positions
        ("{% assign x = user.name %}{{ x }}", "Ada", {"user.name": "Ada"}),
        ("{% include 'p', x: user.name, y: order.id %}", "Ada7", {"user.name": "Ada", "order.id": 7}),
        ("{% render 'p', x: user.name %}", "Ada", {"user.name": "Ada"}),
        ("{% include 'p' with user.name as x %}", "Ada", {"user.name": "Ada"}),
        ("{% include 'p' for user.tags as x %}", "ab", {"user.tags": ["a", "b"]}),
        ("{% render 'p' for user.tags as x %}", "ab", {"user.tags": ["a", "b"]}),
        ("{% function r = 'f', x: user.name %}{{ r }}", "Ada", {"user.name": "Ada"}),
        ("{% log user.name, type: order.id %}", "", {"user.name": "Ada", "order.id": 7}),
        ("{% trigger_event 'e', who: user.name %}", "", {"user.name": "Ada"}),
        ("{% background x: user.name %}{% endbackground %}", "", {"user.name": "Ada"}),
        ("{% background %}{% assign x = user.name %}{% endbackground %}", "", {"user.name": "Ada"}),
        ("{% liquid\n assign x = user.name\n echo x %}", "Ada", {"user.name": "Ada"}),
        ("{% assign x = 'Hi ' | append: user.name | append: '!' %}{{ x }}", "Hi Ada!", {"user.name": "Ada"}),
        ("{% if true %}{% assign x = user.name %}{{ x }}{% endif %}", "Ada", {"user.name": "Ada"}),
        # no other position
        ("{{ user.name }}", "", {}),
        ("{% echo user.name %}", "", {}),
        ("{% if user.name %}yes{% endif %}", "", {}),
        ("{% if x %}{% elsif user.name %}{% assign y = 1 %}{% endif %}", "", {}),
        ("{% unless true %}{% elsif user.name %}{% include 'p', x: 1 %}{% endunless %}", "", {}),
        ("{% unless user.name %}blank{% endunless %}", "blank", {}),
        ("{% case user.name %}{% when 'Ada' %}yes{% else %}no{% endcase %}", "no", {}),
        ("{% for t in user.tags %}{{ t }}{% endfor %}", "", {}),
        ("{% cycle user.name, user.email %}", "", {}),
        ("{% capture x %}{{ user.name }}{% endcapture %}[{{ x }}]", "[]", {}),
        # a value is where it was named, and nowhere else
        ("{% assign x = user.name %}{{ x }}/{{ user.name }}/{{ user.email }}", "Ada//", {"user.name": "Ada"}),
        ("{% include 'p', x: user.name %}{{ user.name }}", "Ada", {"user.name": "Ada"}),
        ("{% assign user = user %}{{ user.name }}", "Ada", {"user": PAGE["user"]}),
        ("{% assign x = user['name'] %}{{ x }}", "Ada", {"user.name": "Ada"}),
        ("{% assign x = user.tags[1] %}{{ x }}", "b", {"user.tags[1]": "b"}),
        ("{% assign x = user.tags.size %}{{ x }}", "2", {"user.tags.size": 2}),
        ("{% assign x = order.lines.last.sku %}{{ x }}", "s2", {"order.lines.last.sku": "s2"}),
        # the body's own roots
        ("{% assign x = 1 %}{% assign y = x %}{{ y }}", "1", {}),
        ("{% capture n %}c{% endcapture %}{% assign y = n %}{{ y }}", "c", {}),
        ("{% for n in (5..6) %}{% assign y = n %}{{ y }}{% endfor %}", "56", {}),
        ("{% for i in (1..2) %}{% assign y = forloop.index %}{{ y }}{% endfor %}", "12", {}),
        ("{% assign n = n %}{% assign y = n %}{{ y }}", "1", {"n": 1}),
        ("{% if true %}{% assign n = 2 %}{% endif %}{% assign y = n %}{{ y }}", "2", {"n": 1}),
        ("{% if false %}{% assign n = 2 %}{% endif %}{% assign y = n %}{{ y }}", "1", {"n": 1}),
        ("{% for i in (1..0) %}{% assign n = 2 %}{% endfor %}{% assign y = n %}{{ y }}", "1", {"n": 1}),
        ("{% assign y = n %}{% assign n = 2 %}{{ y }}{{ n }}", "12", {"n": 1}),
        ("{% for i in (1..2) %}{% assign y = n %}{{ y }}{% assign n = 9 %}{% endfor %}", "19", {"n": 1}),
        ("{% try %}{% assign n = 2 %}{% catch n %}{% assign y = n %}{% endtry %}{% assign y = n %}{{ y }}", "2", {"n": 1}),
        ("{% background %}{% assign n = 5 %}{% endbackground %}{% assign y = n %}{{ y }}", "1", {"n": 1}),
        ("{% background n = 'p' %}{% assign y = n | size %}{{ y }}", "32", {}),
        ("{% increment n %}{% assign y = n %}{{ y }}", "01", {"n": 1}),
        # brackets
        ("{% assign x = a[b.c] %}{{ x }}", "v", {"a[b.c]": "v"}),
        ("{% assign k = 'k' %}{% assign x = a[k] %}{{ x }}", "v", {"a": PAGE["a"]}),
        ("{% assign i = 1 %}{% assign x = a.list[i] %}{{ x }}", "20", {"a.list": [10, 20, 30]}),
        ("{% for i in (0..1) %}{% assign x = order.lines[i].sku %}{{ x }}{% endfor %}", "s1s2", {"order.lines": PAGE["order"]["lines"]}),
        ("{% assign x = a.list[n] %}{{ x }}", "20", {"a.list[n]": 20}),
        ("{% if true %}{% assign n = 2 %}{% endif %}{% assign x = a.list[n] %}{{ x }}", "30", {"a.list": [10, 20, 30], "n": 1}),
        # the request
        ("{% assign x = params.q %}{% include 'p', x: session.a, y: context.current_user.id %}[{{ x }}]", "[]", {}),
        ("{% assign x = cookies %}{% assign y = headers['a'] %}{% assign z = request.host %}[{{ x }}{{ y }}{{ z }}]", "[]", {}),
        ("{% assign x = a[params.k] %}[{{ x }}]", "[]", {}),
        ("{{ params.q }}{{ context.params.q }}[]", "[]", {}),
        ("{% assign params = n %}{% assign x = params %}{{ x }}", "1", {"n": 1}),
        # undefined
        ("{% assign x = nothing %}{% assign y = user.age %}{% assign z = a[nothing] %}[{{ x }}{{ y }}{{ z }}]", "[]", {}),
    ],
)  # fmt: skip
def test_rule(handed: Any, body: str, printed: str, shipped: dict[str, Any]) -> None:
    request = {"q": "Q", "k": "k"}
    assert handed(body, params=request, session={"a": 1}, context={"current_user": {"id": 1}}) == (printed, shipped)


def test_parameters_are_the_bodys_own(handed: Any) -> None:
    assert handed("{% assign x = n %}{{ x }}{{ n }}", "n: 5") == ("55", {})
    assert handed("{% assign x = order.id %}{{ x }}", "order: user") == ("", {})


def test_a_page_says_what_it_wants_of_the_request(site: Any) -> None:
    source = "{% assign q = params.q %}" + block("{% assign x = q %}{{ x }}")
    assert site.run(source, params={"q": "Q"}) == "Q"
    assert site.run(block("{{ q }}", "q: params.q"), params={"q": "Q"}) == "Q"


def test_values_of_the_page_at_that_moment(site: Any) -> None:
    source = (
        "{% for i in (1..3) %}"
        + block("{% assign x = forloop.index %}{{ x }}{% assign y = i %}{{ y }}")
        + "{% endfor %}"
    )
    site.render(source)
    assert [site.perform(job).result for job in site.jobs] == ["11", "22", "33"]


def test_filters_run_in_the_worker(site: Any) -> None:
    calls = []

    def note(value: object) -> object:
        calls.append(value)
        return value

    site.engine.environment.add_filter("note", note)
    site.render(block("{% assign x = user.name | note %}{{ x }}"), PAGE)
    assert calls == []
    assert site.perform(site.job).result == "Ada"
    assert calls == ["Ada"]


def test_values_are_encoded_when_the_tag_renders(site: Any) -> None:
    values = [1]

    def grow(value: list[int]) -> str:
        value.append(2)
        return ""

    site.engine.environment.add_filter("grow", grow)
    site.render(block("{% assign x = values %}{{ x | join: ',' }}") + "{{ values | grow }}", {"values": values})
    assert site.perform(site.job).result == "1"


VALUES = [
    None, True, 0, -5, 10**30, 1.5, "", "text", "é😀", "nul\0", "\ud800", "{{ x }}{% y %}", [], [1, [2]], {}, {"a": {"b": None}},
    {1: "int key"}, {"$date": "x"}, dt.date(2024, 2, 29), dt.time(1, 2, 3), dt.datetime(2024, 1, 1, 12, 0, 0, 5),
    dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5))), Decimal("1.10"), UUID(int=7), Markup("<b>"), range(1, 4),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_went(site: Any, value: object) -> None:
    seen: list[object] = []
    site.engine.environment.add_filter("see", lambda value: seen.append(value) or "")
    site.render(block("{% assign x = v %}{{ x | see }}{{ p | see }}", "p: v"), {"v": value})
    site.perform(site.job)
    for found in seen:
        assert found == value
        assert type(found) is type(value)
    assert len(seen) == 2


def test_escaped_text_stays_safe(make_site: Any) -> None:
    site = make_site(autoescape=True)
    assert (
        site.run(block("{% assign x = v %}{{ x }}{{ p }}", "p: raw"), {"v": Markup("<b>"), "raw": "<i>"})
        == "<b>&lt;i&gt;"
    )


class User:
    def __init__(self) -> None:
        self.name = "Ada"


class Account(NamedTuple):
    """Travels not, since pages read a part of it only; its name begins with a vowel."""

    name: str
    password: str


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (User(), r"^cannot hand `user` \(User\) to a background job: pass its id or plain values$"),
        (
            Account("a", "x"),
            r"^cannot hand `user` \(Account\) to a .* or plain values \(pages read these of it: name\)$",
        ),
        ([Account("a", "x")], r"^cannot hand `user` \(list\) .* \(something in it is an Account, not plain data\)$"),
        ({"deep": User()}, r"^cannot hand `user` \(dict\) .* \(something in it is a User, not plain data\)$"),
        (b"x", r"^cannot hand `user` \(bytes\)"),
        (float("inf"), r"^cannot hand `user` \(float\) .*JSON"),
    ],
)
def test_a_value_that_cannot_travel_is_an_error_with_its_line(site: Any, value: object, message: str) -> None:
    with pytest.raises(HandOverError) as raised:
        site.render("\n" + block("{% assign x = user %}"), {"user": value})
    assert re.search(message, str(raised.value.message))
    assert raised.value.context()[0] == 2
    assert site.jobs == []


def test_nothing_of_the_page_is_visible_otherwise(make_site: Any) -> None:
    site = make_site(globals={"site_name": "G"})
    site.write({"partials/p": "{{ user.name }}{{ site_name }}{{ params.q }}{{ x }}"})
    body = "{% include 'p', x: 'x' %}{{ site_name }}{{ context.current_user }}{{ session }}{{ page.slug }}{{ today | size }}"
    assert site.run(block(body), PAGE, params={"q": 1}, current_user={"id": 1}) == "x0"


def test_text_is_never_read_as_liquid(site: Any) -> None:
    assert site.run(block("{% assign x = v %}{{ x }}{{ p }}", "p: v"), {"v": "{{ 1 }}{% x %}"}) == "{{ 1 }}{% x %}" * 2


class _HandingNode(Node):
    def __init__(self, token: Any, expression: Any) -> None:
        super().__init__(token)
        self.expression = expression

    def render_to_output(self, context: Any, buffer: Any) -> int:
        return buffer.write(f"<{self.expression.evaluate(context)}>")

    def expressions(self) -> Any:
        yield self.expression


class HandingTag(Tag):
    name = "show"
    block = False

    def parse(self, stream: Any) -> Node:
        token = next(stream)
        return _HandingNode(token, FilteredExpression.parse(self.env, stream.into_inner(tag=token, eat=False)))


def test_a_tag_of_the_application_may_hand_over(site: Any) -> None:
    site.engine.environment.add_tag(HandingTag)
    assert site.run(block("{% show user.name %}"), PAGE) == "<>"
    site.engine.environment.add_tag(HandingTag, hands_over=True)
    assert site.run(block("{% show user.name %} "), PAGE) == "<Ada>"


@pytest.mark.parametrize(
    "body", [row.values[0] if hasattr(row, "values") else row[0] for row in test_rule.pytestmark[0].args[1]]
)
def test_sync_and_async_agree(site: Any, body: str) -> None:
    site.write({"partials/p": "{{ x }}{{ y }}", "partials/f": "{% return x %}"})
    results = []
    for render in (site.engine.render, lambda *args: asyncio.run(site.engine.render_async(*args))):
        site.engine.store.client.flushall()
        site.write({"pages/page": block(body)})
        render("page", PAGE)
        results.append((site.job.handed_over, site.perform(site.job).result.replace(site.job.id, "")))
    assert results[0] == results[1]


def test_a_bracket_behind_an_include_is_looked_up_in_the_job(site: Any) -> None:
    site.write({"partials/set": "{% assign k = 'own' %}"})
    data = {"a": {"pg": "PG", "own": "OWN"}, "k": "pg"}
    for body in (
        "{% include 'set' %}{% assign v = a[k] %}{{ v }}",
        "{% for i in (1..2) %}{% assign v = a[k] %}{% include 'set' %}{% endfor %}{{ v }}",
        "{% if true %}{% include 'set' %}{% endif %}{% assign v = a[k] %}{{ v }}",
    ):
        assert site.run(block(body), data) == "OWN"


class _EachNode(Node):
    def __init__(self, token: Any, body: BlockNode) -> None:
        super().__init__(token)
        self.body = body
        self.blank = False

    def render_to_output(self, context: Any, buffer: Any) -> int:
        for _ in range(3):
            self.body.render(context, buffer)
        return 0

    def children(self, static_context: Any, *, include_partials: bool = True) -> Any:
        assert static_context.env is not None
        yield self.body


class EachTag(Tag):
    """A loop of an application's own."""

    name = "each"
    end = "endeach"

    def parse(self, stream: Any) -> Node:
        token = next(stream)
        return _EachNode(token, get_parser(self.env).parse_block(stream, ("endeach",)))


def test_a_loop_of_the_application_is_taken_for_one(site: Any) -> None:
    site.engine.environment.add_tag(EachTag)
    body = "{% each %}{% assign v = a[k] %}{{ v }} {% assign k = 'own' %}{% endeach %}"
    assert site.run(block(body), {"a": {"pg": "PG", "own": "OWN"}, "k": "pg"}) == "PG OWN OWN"


@pytest.mark.parametrize("undefined", [StrictUndefined, StrictDefaultUndefined])
def test_strict_undefined_values_are_not_shipped(make_site: Callable[..., Any], undefined: Any) -> None:
    site = make_site(undefined=undefined)
    site.render(block("{% assign r = user.role %}"), {"user": {}})
    assert site.job.handed_over == {}
    with pytest.raises(UndefinedError, match="'nothing' is undefined"):
        site.render(block("", "source_name: 's', p: nothing"))
    with pytest.raises(ArgumentError, match="`nothing` is a variable without a value; it must be"):
        site.render(block("", "delay: nothing"))


def test_a_macro_in_a_nested_block_sees_that_blocks_parameters(site: Any) -> None:
    body = "{% macro m %}{% assign v = a[k] %}{{ v }}{% endmacro %}{% call m %}"
    site.render(block(block(body, "source_name: 'in', k: 'own'")), {"a": {"own": "OWN", "pg": "PG"}, "k": "pg"})
    (inner,) = site.perform(site.job).jobs
    assert site.engine.perform(inner.id, decode_payload(encode_data(inner)), 1, 1).result == "OWN"


class Colour(str, Enum):  # noqa: UP042  as many applications still have it
    RED = "red"


def test_an_enum_travels_as_its_value(site: Any) -> None:
    assert site.run(block("{% assign x = c %}{{ x }}{{ p }}", "p: c"), {"c": Colour.RED}) == "redred"


def test_a_key_that_could_not_come_back_is_refused(site: Any) -> None:
    with pytest.raises(ArgumentError, match="key that is a tuple"):
        site.render(block("", "a: v"), {"v": {(1, 2): 3}})


def test_an_error_hides_the_secrets_that_a_job_was_given(site: Any) -> None:
    def login(name: str, key: str, times: str) -> None:
        raise ValueError(f"{name} cannot login with {key} or {times}")

    site.engine.environment.add_filter("login", login)
    source = (
        "{% background source_name: 'in', name: 'ada', api_key: 'k-1234' %}"
        "{% assign both = user.tokens %}{{ name | login: api_key, both[0] }}{% endbackground %}"
    )
    site.render(source, {"user": {"tokens": ["two\n words"]}})
    outcome = site.perform(site.job)
    assert outcome.error is not None
    assert outcome.error.startswith("ValueError: ada cannot login with [masked] or [masked] (pages/page:1")
    assert "k-1234" not in outcome.traceback
    assert "two" not in outcome.traceback


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer " + "eyJhbGciOiJIUzI1NiJ9" * 10,
        "-----BEGIN KEY-----\nMIIE",
        "-----BEGIN KEY-----\n" + "MIIE" * 30,
        "four\u2028seven",
    ],
    ids=["cut short", "a line's end", "both", "named"],
)
def test_an_error_hides_secrets_as_messages_show_them(site: Any, secret: str) -> None:
    site.render(
        "{% background source_name: 'in', api_key: key %}{% include api_key %}{% endbackground %}", {"key": secret}
    )
    outcome = site.perform(site.job)
    assert outcome.error is not None
    assert outcome.error.replace("…", "").startswith("partial '[masked]' not found (pages/page:1")
    assert secret[:4] not in outcome.traceback
