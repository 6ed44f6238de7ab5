"""Dry runs: no code of the application's is called that is not declared pure, and what depends on it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import pytest
from liquid import CachingDictLoader, ChoiceLoader, Node, RenderContext, Tag, TokenStream
from liquid.builtin.filters.string import upcase
from liquid.expression import Expression
from liquid.filter import string_filter, with_context
from liquid.parser import get_parser
from liquid.token import TOKEN_TAG

from liquid_background import Engine, Environment, expose, parse_arguments
from liquid_background.job import Job
from liquid_background.jobs.queue.payload import payload_of
from liquid_background.language.compiled import deciding
from liquid_background.language.dry import DryRuns, DryVerdict
from liquid_background.language.exposed import REGISTERED
from liquid_background.language.pages import SiteLoader
from liquid_background.language.tags.output import EchoNode
from liquid_background.language.template import Template
from tests.language.drying import Called, Dry, messages, refuse

# What is not called


class MailNode(Node):
    """A tag with arguments and a block, as applications write them."""

    def __init__(self, token: Any, arguments: Any, block: Any) -> None:
        super().__init__(token)
        self.arguments, self.block = arguments, block

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        raise Called

    def expressions(self) -> list[Expression]:
        return [each.value for each in self.arguments]

    def children(self, *_: Any, **__: Any) -> list[Node]:
        return [self.block]


class MailTag(Tag):
    name = "mail"
    end = "endmail"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        arguments = parse_arguments(self.env, stream, token)
        next(stream)
        return MailNode(token, arguments.named, get_parser(self.env).parse_block(stream, (self.end,)))


@string_filter
def shouted(left: str) -> str:
    raise Called


@with_context
def knowing(left: object, *, context: RenderContext) -> object:
    raise Called


class Later:
    """A filter for event loops."""

    def __call__(self, left: object) -> object:
        raise Called

    async def filter_async(self, left: object) -> object:
        raise Called


WAYS = {
    "page": "{{ 'a' | act }}",
    "include": "{% include 'act' %}",
    "render": "{% render 'act' %}",
    "function": "{% function x = 'act' %}",
    "capture": "{% capture x %}{{ 'a' | act }}{% endcapture %}",
    "condition": "{% assign x = 'a' | act %}{% if x %}1{% endif %}",
    "loop": "{% for i in (1..3) %}{{ i | act }}{% endfor %}",
    "argument": "{% include 'other', x: 'a' | act %}",
    "parameter": "{% background source_name: 's', x: 'a' | act %}{% endbackground %}",
    "option": "{% background source_name: 'a' | act %}{% endbackground %}",
    "liquid": "{% liquid\nassign x = 'a' | act\necho x %}",
    "log": "{% log 'a' | act %}",
    "event": "{% trigger_event 'e', x: 'a' | act %}",
    "try": "{% try %}{{ 'a' | act }}{% catch e %}{% endtry %}",
    "macro": "{% macro m %}{{ 'a' | act }}{% endmacro %}{% call m %}",
    "literal": "{% assign x = ['a' | act] %}",
}


@pytest.mark.parametrize("act", [refuse, shouted, knowing, Later()], ids=["plain", "decorated", "context", "async"])
@pytest.mark.parametrize("way", WAYS)
def test_a_filter_is_listed_and_not_called(dry: Dry, way: str, act: Any) -> None:
    dry.engine.environment.add_filter("act", act)
    dry.write(partials__act="{{ 'a' | act }}", partials__other="{{ x }}", consumers__e__c="{{ event.x }}")
    outcome = dry.page(WAYS[way])
    assert outcome.error is None
    assert {(each.kind, each.name) for each in outcome.effects} == {("filter", "act")}
    assert outcome.effects[0].arguments["0"] in ("a", 1)
    assert outcome.effects[0].line == (2 if way == "liquid" else 1)


@pytest.mark.parametrize("way", WAYS)
def test_so_it_is_in_jobs_layouts_and_consumers(dry: Dry, way: str) -> None:
    dry.engine.environment.add_filter("act", refuse)
    dry.write(partials__act="{{ 'a' | act }}", partials__other="{{ x }}", consumers__e__c="{{ event.x }}")
    assert dry.job(WAYS[way]).effects
    dry.write(layouts__site=f"{WAYS[way]}{{{{ content_for_layout }}}}")
    outcome = dry.page("---\nlayout: site\n---\nthe page")
    assert outcome.effects
    assert "the page" in outcome.result


def test_a_filter_that_takes_the_place_of_a_standard_one_is_the_applications(dry: Dry) -> None:
    runs = DryRuns(dry.engine.environment, dry.engine)
    dry.write(pages__page="{{ 'a' | upcase }}")
    assert runs.render("page").result == "A"
    dry.engine.environment.filters["upcase"] = refuse  # after the template was parsed, and behind everybody's back
    outcome = runs.render("page")
    assert [each.name for each in outcome.effects] == ["upcase"]
    dry.engine.environment.filters["upcase"] = upcase
    dry.engine.environment.add_filter("shout", upcase)
    assert runs.render("page").result == "A"
    assert dry.page("{{ 'a' | shout }}").effects == ()


def test_a_compiled_template_is_walked_over(dry: Dry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    calls: list[object] = []
    dry.engine.environment.add_filter("act", lambda left: calls.append(left) or left)
    dry.write(pages__page="{{ 'a' | act }}{% include 'p' %}", partials__p="{{ 'b' | act }}")
    for _ in range(3):
        dry.engine.render("page")  # in the application, compiled
    assert len(calls) == 6
    assert len(DryRuns(dry.engine.environment).render("page").effects) == 2
    assert len(calls) == 6


def test_a_tag_is_listed_with_its_arguments_and_its_block(dry: Dry) -> None:
    dry.engine.environment.add_tag(MailTag)
    outcome = dry.page("{% mail to: user.email %}Dear {{ user.name }}{% log 'inside' %}{% endmail %}after{% log 'x' %}",
                       {"user": {"email": "a@b.c", "name": "Ada"}})  # fmt: skip
    (effect,) = outcome.effects
    assert (effect.kind, effect.name, effect.arguments, effect.text) == ("tag", "mail", {"to": "a@b.c"}, "Dear Ada")
    assert outcome.result == "[mail?]after"
    assert outcome.result_depends_on == (1,)
    assert messages(outcome) == [("inside", (1,)), ("x", (1,))]  # it does not say that it sets no variable


def test_nodes_that_a_dry_run_did_not_get_to_see_are_not_rendered(dry: Dry) -> None:
    """A tag that keeps the parser of the environment it was made with makes nodes behind the back of any copy."""
    other = dry.engine.environment

    class SneakyTag(MailTag):
        name = "sneaky"
        end = "endsneaky"

        def parse(self, stream: TokenStream) -> Node:
            token = stream.eat(TOKEN_TAG)
            arguments = parse_arguments(other, stream, token)
            next(stream)
            return PassNode(token, arguments.named, get_parser(other).parse_block(stream, (self.end,)))

    class PassNode(MailNode):
        def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
            return int(self.block.render(context, buffer))

    other.add_tag(SneakyTag, pure=True)
    other.add_tag(MailTag)
    outcome = dry.page("{% sneaky x: 1 %}{% if true %}{% mail to: 'a' %}{% endmail %}{% endif %}{% endsneaky %}")
    assert outcome.error is not None
    assert "mail" in outcome.error


def test_an_action_is_not_called(dry: Dry) -> None:
    dry.engine.action("pay")(refuse_named)
    outcome = dry.page("{% action paid = 'pay', amount: 5 %}{{ paid.id }}")
    (effect,) = outcome.effects
    assert (effect.kind, effect.name, effect.arguments, effect.line) == ("action", "pay", {"amount": 5}, 1)
    assert outcome.result == "[pay?]"
    assert "no action" in str(dry.page("{% action 'pya' %}").error)


def refuse_named(**_: Any) -> Any:
    raise Called


def test_a_function_that_a_job_names_is_not_called(dry: Dry) -> None:
    function = dry.engine.background(refuse_named)
    runs = DryRuns(dry.engine.environment, dry.engine)
    job = Job(
        source_name="s", template="t", line=1, function=function.path, parameters={"args": [], "kwargs": {"a": 1}}
    )
    outcome = runs.perform(payload_of(job))
    assert (outcome.verdict, outcome.depends_on) == (DryVerdict.DEPENDS, (1,))
    assert outcome.effects[0].arguments == {"a": 1}
    gone = runs.perform({**payload_of(job), "function": "shop:gone"})
    assert (gone.verdict, gone.raised) == (DryVerdict.FAILS, "FunctionNotFound")


def test_hooks_are_not_called(dry: Dry) -> None:
    dry.engine.around_job(refuse)
    dry.engine.around_page(refuse)
    dry.engine.on_failure(refuse)
    assert dry.page("{{ 1 }}").verdict is DryVerdict.PASSES
    assert dry.job("{% include 'gone' %}").verdict is DryVerdict.FAILS


class Order:
    """An object with what it holds, and what it works out."""

    def __init__(self) -> None:
        self.id = 7

    @property
    def total(self) -> int:
        raise Called


@pytest.fixture
def own_rules() -> Any:
    before = dict(REGISTERED.rules)
    yield
    REGISTERED.rules = before
    REGISTERED.version += 1


@pytest.mark.usefixtures("own_rules")
def test_what_an_object_works_out_is_an_effect(dry: Dry) -> None:
    expose(Order, "id", "total", label=refuse)
    outcome = dry.page(
        "{{ order.id }} {{ order.total }} {{ order.label }} {{ list | map: 'total' }} {{ order | json }}"
        "{{ list | where: 'total', 5 | size }}",
        {"order": Order(), "list": [Order()]},
    )
    assert {(each.kind, each.name) for each in outcome.effects} == {("read", "Order.total"), ("read", "Order.label")}
    assert outcome.result.startswith("7 [Order.total?] [Order.label?] [Order.total?] {")
    assert outcome.verdict is DryVerdict.DEPENDS  # `where` chooses by it


@pytest.mark.usefixtures("own_rules")
def test_unless_its_rule_says_that_it_is_pure(dry: Dry) -> None:
    expose(Order, "id", pure=True, label=lambda order: f"no. {order.id}")
    assert dry.page("{{ order.label }}", {"order": Order()}).result == "no. 7"


def test_an_expression_of_the_applications_class_is_not_evaluated(dry: Dry) -> None:
    class Lazy(Expression):
        def evaluate(self, context: RenderContext) -> object:
            raise Called

        def children(self) -> list[Expression]:
            return []

    class LazyTag(Tag):
        name = "lazy"
        block = False

        def parse(self, stream: TokenStream) -> Node:
            token = stream.eat(TOKEN_TAG)
            return EchoNode(token, Lazy(token))

    dry.engine.environment.add_tag(LazyTag, pure=True)
    assert dry.page("{% lazy %}").result == "[Lazy?]"


def test_what_answers_for_a_dialect_is_not_called(tmp_path: Path) -> None:
    environment = Environment(loader=SiteLoader(tmp_path), dialect="platformos")
    site = Dry(tmp_path, Engine(environment=environment, redis_url="redis://127.0.0.1:1"))
    environment.provide("graphql", refuse)
    environment.provide("asset_url", refuse)
    source = "{% graphql r = 'search', page: 2 %}{{ r.items }} {{ 'a.css' | asset_url }}{% log 'behind' %}"
    outcome = site.page(source)
    assert outcome.result == "[graphql?] [asset_url?]"
    assert messages(outcome) == [("behind", ())]
    query, asset = outcome.effects
    assert (query.kind, query.arguments) == ("graphql", {"0": "search", "1": {"page": 2}, "2": ""})
    assert (asset.kind, asset.arguments) == ("filter", {"0": "a.css"})
    environment.provide("graphql", refuse, preview=lambda name, args, text: {"items": [name]})
    environment.provide("asset_url", lambda path: f"/assets/{path}", pure=True)
    assert site.page(source).result == "search /assets/a.css"


def test_frameworks_environments_have_dry_copies(dry: Dry) -> None:
    """An environment of a class of its own, with templates of a class of their own, and a loader that caches."""

    class OwnTemplate(Template):
        """As applications may have it."""

    class Own(Environment):
        template_class = OwnTemplate

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.made_here = True

    environment = Own(loader=ChoiceLoader([CachingDictLoader({"page": "{{ 'a' | act }}"}), SiteLoader(dry.root)]))
    environment.add_filter("act", lambda left: left)
    engine = Engine(environment=environment, redis_url="redis://127.0.0.1:1")
    assert engine.render("page") == "a"  # which caches it
    environment.add_filter("act", refuse)
    assert DryRuns(environment).render("page").result == "[act?]"


def test_a_loader_that_gives_templates_of_an_environment_of_its_own_is_asked_for_their_text(dry: Dry) -> None:
    environment = dry.engine.environment

    class Stubborn(SiteLoader):
        def load(self, env: Any, name: str, **options: Any) -> Any:
            return super().load(environment, name, **options)

    environment.loader = Stubborn(dry.root)
    environment.add_filter("act", refuse)
    dry.write(partials__p="{{ 'b' | act }}")
    assert dry.page("{{ 'a' | act }}{% include 'p' %}").result == "[act?][act?]"
