"""The tags of the dialect: what each does and cannot take, in both halves, walked over and compiled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Engine, Environment
from liquid_background.errors import SettingsError

JSON = '{% parse_json o %}{"a": [1, {"b": "{{ x }}"}], "n": null}{% endparse_json %}'


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (f"{JSON}{{{{ o.a[1].b }}}} {{{{ o | json }}}}", '7 {"a": [1, {"b": "7"}], "n": null}'),
        ("{% parse_json 'o' %}[1]{% endparse_json %}{{ o[0] }}", "1"),
        ("{% parse_json o %} {% endparse_json %}{{ o | json }}", "null"),
        (f"{JSON}{{% hash_assign o['a'] = 3 %}}{{{{ o.a }}}}", "3"),
        (f"{JSON}{{% hash_assign o['c']['d'] = x | plus: 1 %}}{{{{ o.c.d }}}}", "8"),
        ("{% liquid\n assign k = 'q'\n parse_json o\n echo '{}'\n endparse_json\n hash_assign o[k] = x\n%}{{ o.q }}",
         "7"),
        ("{% export x, namespace: 'n' %}{{ context.exports.n.x }}{% render 'exported' %}", "77"),
        ("{% assign y = 1 %}{% export x, y, namespace: 'n' %}{% export y %}{{ context.exports | json }}",
         '{"n": {"x": 7, "y": 1}, "y": 1}'),
        ("{% yield 'h' %}{% content_for 'h' %}a{{ x }}{% endcontent_for %}{% content_for h %}b{% endcontent_for %}"
         "[{% yield 'h' %}{% yield none %}]", "[a7b]"),
        ("{% render 'head' %}{% yield 'h' %}", "in a partial"),
        ("{% print '<b>' | append: x %}{% print %}", "<b>7"),
        ("{% theme_render_rc 'shown', p: x, q: 'y' %}", "7y"),
        ("{% theme_render_rc 'shown' with x as p %}", "7"),
        ("{% assign e = '' %}{% if e == blank and none == blank and false == blank and blank == none %}y{% endif %}"
         "{% if x != blank %}y{% endif %}{% unless none != blank %}y{% endunless %}", "yyy"),
    ],
)  # fmt: skip
def test_what_a_tag_does(site: Any, page: str, text: str) -> None:
    partials = {"exported": "{{ context.exports.n.x }}", "shown": "{{ p }}{{ q }}"}
    head = "{% content_for 'h' %}in a partial{% endcontent_for %}"
    site.write({f"partials/{name}": source for name, source in {**partials, "head": head}.items()})
    assert site.render(page.replace("{% print %}", ""), {"x": 7}) == text


def test_a_layout_yields_what_its_page_keeps_and_exports(site: Any) -> None:
    site.write({"layouts/site": "<{% yield 'head' %}>{{ content_for_layout }}{{ context.exports.n.x }}"})
    page = "---\nlayout: site\n---\n{% content_for 'head' %}H{% endcontent_for %}{% assign x = 1 %}"
    assert site.render(f"{page}{{% export x, namespace: 'n' %}}body") == "<H>body1"
    assert site.render("---\nlayout: site\n---\nbody") == "<>body"


def test_an_export_leaves_what_the_application_gave_as_it_was() -> None:
    given = {"params": {}}
    template = Environment(dialect="platformos").from_string(
        "{% assign x = 1 %}{% export x, namespace: 'n' %}{{ context.exports.n.x }}"
    )
    assert template.render(context=given) == "1"
    assert given == {"params": {}}


@pytest.mark.parametrize(
    "way", ["", "{% assign context = app %}", "{% assign context = {'exports': app.exports} %}"], ids=str
)
def test_exports_of_the_application_stay_as_they_were(way: str) -> None:
    given = {"exports": {"n": {"y": 2}}}
    source = way + "{% assign x = 1 %}{% export x %}{% export x, namespace: 'n' %}{{ context.exports | json }}"
    shown = Environment(dialect="platformos").from_string(source).render(context=given, app=given)
    assert json.loads(shown) == {"n": {"y": 2, "x": 1}, "x": 1}
    assert given == {"exports": {"n": {"y": 2}}}


def test_print_is_as_it_is_where_others_are_escaped() -> None:
    environment = Environment(dialect="platformos", autoescape=True)
    source = "{{ t }}{% print t %}{{ t | html_safe }}{% content_for 'x' %}<i>{% endcontent_for %}{% yield 'x' %}"
    assert environment.from_string(source).render(t="<b>") == "&lt;b&gt;<b><b><i>"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            "{% parse_json o %}{'a': 1}{% endparse_json %}",
            "parse_json o: its text is no JSON: text stands in double quotes",
        ),
        ("{% parse_json o %}[1, ]{% endparse_json %}", "remove the last comma: nothing follows it .line 1"),
        (
            "{% parse_json o %}[x]{% endparse_json %}",
            "a value is missing, or is no JSON: of a variable write {{ name . json }}",
        ),
        ("{% trigger_event paid %}", "the event is `paid`, a variable without a value; quote it: 'paid'"),
        ("{% parse_json o %}[1,\n2 3]{% endparse_json %}", r"line 2, column 3 of the text, at '3\]'"),
        ("{% parse_json o %}[NaN]{% endparse_json %}", "NaN is not JSON"),
        ("{% parse_json o %}[1e999]{% endparse_json %}", "'1e999' is larger than a number can be"),
        ("{% parse_json o %}{{ deep }}{% endparse_json %}", "deep"),
        ("{% parse_json %}{% endparse_json %}", "'parse_json' needs a name, as in {% parse_json data %}"),
        ("{% parse_json a b %}{% endparse_json %}", "'parse_json' takes one name"),
        ("{% parse_json a %}", "this 'parse_json' is never closed: add {% endparse_json %}"),
        ("{% content_for 'a' %}", "this 'content_for' is never closed: add {% endcontent_for %}"),
        ("{% yield %}", "'yield' needs a name, as in {% yield 'head' %}"),
        ("{% hash_assign o['a'] = 1 %}", "`o` is nil"),
        ("{% export namespace: 'x' %}", "'export' needs the name of a variable"),
        ("{% export x, namespace: none %}", "the namespace of export is no text; it must be a name"),
        ("{% export x, of: 'y' %}", "'export' takes no of"),
        ("{% export user, namespace: 'x' %}", "'user' is a User"),
        ("{% graphql r = 'x' %}", r"answers no graphql: give it a function with engine.environment.provide\('graphql'"),
        ("{% graphql %}", "'graphql' needs the name of a variable for its result"),
        ("{% graphql r %}query", "this 'graphql' is never closed: add {% endgraphql %}"),
        ("{% theme_render_rc 'none' %}", "none"),
    ],
)
def test_what_a_tag_cannot_take(site: Any, page: str, said: str) -> None:
    class User:
        pass

    with pytest.raises(LiquidError, match=said) as raised:
        site.render(f"\n{page}", {"x": 1, "user": User(), "deep": "[" * 200_000})
    assert raised.value.template_name == "pages/page"
    assert raised.value.token.source.count("\n", 0, raised.value.token.start_index) >= 1


def _answer(name: str, arguments: dict[str, Any], query: str) -> dict[str, Any]:
    return {"users": {"results": [{"name": name, "query": query, **arguments}]}}


async def _answer_later(name: str, arguments: dict[str, Any], query: str) -> dict[str, Any]:
    return _answer(name, arguments, query)


@pytest.mark.parametrize("function", [_answer, _answer_later])
def test_graphql_asks_the_application(site: Any, function: Any) -> None:
    site.engine.environment.provide("graphql", function)
    for page, text in (
        ("{% graphql r = 'find', id: x %}{{ r.users.results[0] | json }}", '{"name": "find", "query": "", "id": 7}'),
        ("{% graphql r = 'find' | dig: 'users', 'results' | first %}{{ r.name }}", "find"),
        ("{% graphql r = 'find', id: x, a: 'b' | fetch: 'users' | fetch: 'results' %}{{ r[0].a }}{{ r[0].id }}", "b7"),
        ("{% assign n = 'by_name' %}{% graphql r = n %}{{ r.users.results[0].name }}", "by_name"),
        ("{% parse_json a %}{\"p\": 1}{% endparse_json %}{% graphql r = 'f', args: a, q: 2 %}"
         "{{ r.users.results[0].p }}{{ r.users.results[0].q }}", "12"),
        ("{% graphql r, id: 3 %}query { {{ x }} }{% endgraphql %}{{ r.users.results[0].query }}", "query { 7 }"),
        ("{% liquid\n graphql r = 'find', id: 1\n echo r.users.results[0].id\n%}", "1"),
    ):  # fmt: skip
        assert site.render(page, {"x": 7}) == text


def test_what_graphql_answers_is_plain(site: Any) -> None:
    site.engine.environment.provide("graphql", lambda *_: {"user": object()})
    with pytest.raises(LiquidError, match=r"the result of graphql .* have the function return plain values"):
        site.render("{% graphql r = 'x' %}")
    with pytest.raises(LiquidError, match="the query to run is nil; it must be the name of one"):
        site.render("{% graphql r = none %}")


def test_what_they_name_of_the_page_travels(site: Any) -> None:
    site.engine.environment.provide("graphql", _answer)
    body = (
        "{% parse_json h %}{}{% endparse_json %}{% hash_assign h['m'] = user.email %}{{ h.m }} "
        "{% graphql r = 'find', id: user.id | fetch: 'users' | fetch: 'results' %}{{ r[0].id }} "
        "{% theme_render_rc 'shown', p: user.name %}{% export me, namespace: 'n' %}{{ context.exports.n.me }}"
    )
    site.write({"partials/shown": "{{ p }} "})
    user = {"email": "a@b.c", "id": 3, "name": "Ada"}
    source = f"{{% background source_name: 's' %}}{body}{{% endbackground %}}"
    assert site.run(source, {"user": user, "me": "I"}) == "a@b.c 3 Ada I"


def test_an_environment_takes_the_dialect_of_its_engine_and_keeps_what_the_application_added(settings: Any) -> None:
    environment = Environment()
    environment.filters["slugify"] = lambda value: "mine"
    Engine(environment=environment, settings=settings.model_copy(update={"dialect": "platformos"}))
    assert environment.from_string("{{ 'A b' | slugify }}{{ 'A b' | titleize }}").render() == "mineA B"


def test_hooks_have_names() -> None:
    environment = Environment(dialect="platformos")
    environment.provide("asset_url", lambda path: f"/assets/{path}")
    environment.provide("l", lambda value, form="short": f"{value} {form}")
    environment.provide("t", lambda key, **given: f"{key} {given}")
    source = "{{ 'a.css' | asset_url }} {{ 1 | l }} {{ 1 | localize: 'long' }} {{ 'k' | t: n: 2 }}"
    assert environment.from_string(source).render() == "/assets/a.css 1 short 1 long k {'n': 2}"
    with pytest.raises(SettingsError, match=r"no 'asset_uri': did you mean 'asset_url'\?"):
        environment.provide("asset_uri", str)
    with pytest.raises(SettingsError, match="standard Liquid asks the application for no 'graphql': set DIALECT first"):
        Environment().provide("graphql", str)


@pytest.mark.parametrize("given", ["platformo", "shopify", 3])
def test_a_dialect_that_is_none(given: Any) -> None:
    with pytest.raises(SettingsError, match="platformos"):
        Environment(dialect=given)
