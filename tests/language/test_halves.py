"""`render` and `render_async` do the same, tag by tag; and no async body of this room is left that no test runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from liquid import Mode, Node, Tag
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.language.compiled import deciding
from tests.async_bodies import ROOT, bodies_in, run
from tests.language.compiled.given import Awaited


class Point(NamedTuple):
    """An object that a ready rule exposes."""

    x: int


DATA = {"user": {"name": "Ada", "tags": ["a", "b"]}, "n": 3, "point": Point(7)}
FILES = {
    "partials/hello": "hello {{ name }}{% log 'greeted' %}",
    "partials/base": "[{% block name %}nobody{% endblock %}]",
    "partials/twice": "{% assign x = n | times: 2 %}{% return x %}",
    "partials/nothing": "{% return %}",
    "layouts/main": "<{{ content_for_layout }}>{% log 'laid out' %}",
    "consumers/paid/mail": "---\npriority: low\n---\n{{ event.id }}",
    "pages/p": "---\nlayout: main\n---\n{% background source_name: 'b', n: n %}{{ n }}{% endbackground %}page",
}
PAGES = {
    "assign": "{% assign h = {'a': user.name, n: [n, user.tags, [n | plus: 1]], 't': '{{ user.name }}!'} %}{{ h | json }}",
    "assign, a name alone": "{% assign h = [user.name] %}{% assign i = ['n'] %}{% assign j = ['q'] %}{{ h }}{{ i }}{{ j }}",
    "assign, a place": "{% assign h = {} %}{% assign h.k[user.name] = n %}{% assign h['l'] = [] %}{% assign h.l << n %}{{ h | json }}",
    "assign, wrong": "{% assign n.k = 1 %}",
    "function, a place": "{% assign h = {} %}{% function h.a = 'twice', n: n %}{{ h | json }}",
    "include, written out": "{% include 'hello' with 'x' as name %}{% include 'hello' with name: [n, n] %}",
    "log, there": "{% log user.name, 'greeting', env: nothing %}{% log n, env: 'elsewhere' %}",
    "try_rc": "{% try_rc %}{% include 'nowhere' %}{% catch e %}{{ e.message }}{% endtry_rc %}",
    "echo": "{% echo point.x %}{% echo nothing %}",
    "#": "a{% # a comment\n  # of two lines %}b",
    "object": "{{ point.x }}{{ point.y }}{% render 'hello' for point as name %}",
    "if, at length": "{% if n %}x{% endif %}" * 300,
    "background": "{% background source_name: 's', n: n %}{% assign u = user.name %}{% endbackground %}",
    "background, wrong": "{% background delay: n | times: -1 %}{% endbackground %}",
    "background, a partial": "{% background id = 'hello', name: user.name %}[{{ id | size }}]",
    "background, in itself": "{% background %}{% background a: 1 %}{% endbackground %}{% endbackground %}",
    "log": "{% log user.name | upcase, type: 'greeting' %}",
    "trigger_event": "{% trigger_event 'paid', id: n | plus: 1 %}",
    "trigger_event, wrong": "{% trigger_event nothing, id: 1 %}",
    "function": "{% function x = 'twice', n: n | plus: 1 %}{{ x }}",
    "function, blank": "{% function x = 'nothing' %}[{{ x }}]",
    "function, gone": "{% function x = 'nowhere' %}",
    "return": "a{% return n %}b",
    "action": "{% action r = 'shout', text: user.name %}{{ r }}",
    "action, async": "{% action r = 'whisper', text: user.name %}{{ r }}",
    "action, gone": "{% action 'nowhere' %}",
    "include": "{% include 'hello', name: user.name | upcase %}{% include 'hello' for user.tags as name %}",
    "include, gone": "{% assign p = 'nowhere' %}{% include p %}",
    "extends": "{% extends 'base' %}{% block name %}{{ user.name }}{% endblock %}",
    "extends, gone": "{% extends 'nowhere' %}",
    "render": "{% render 'hello', name: user.name %}{% render 'hello' for user.tags as name %}",
    "try": "{% try %}{% include 'nowhere' %}{% catch e %}{{ e.message }}{% endtry %}{% try %}fine{% endtry %}",
    "capture": "{% capture c %}{{ user.name }}{% endcapture %}[{{ c }}]",
    "ifchanged": "{% for t in user.tags %}{% ifchanged %}{{ n }}{% endifchanged %}{% endfor %}",
    "liquid": "{% liquid assign x = n | plus: 1\n echo x %}",
    "translate": "{% translate %}Hello, {{ you }}{% endtranslate %}",
    "cycle": "{% for i in (1..3) %}{% cycle user.name, n %}{% endfor %}",
    "tablerow": "{% tablerow t in user.tags cols: 1 %}{{ t }}{% endtablerow %}",
    "output": "{{ user.name }}{{ user.tags }}{{ n | plus: 0.5 }}{{ nothing }}",
    "filters": "{{ user.tags | join: '-' | append: n }}{{ user.name | append: user.name }}",
    "contains": "{% if user.name contains 'd' %}yes{% endif %}{% if user.tags contains 'c' %}no{% endif %}",
    "ranges": "{{ (1..n) | join: ',' }}{% for i in (1..n) reversed %}{{ i }}{% endfor %}",
    "macro": "{% macro m a %}{{ a }}{% endmacro %}{% call m user.name %}",
    "call": "{% macro m a, b: 'B' %}{{ a }}{{ b }}{{ args }}{{ kwargs.k }}{% endmacro %}{% call m 1, 2, user.tags, k: n %}"
    "{% call m %}{% call nothing %}",
    "filters, awaited": "{{ user.tags | pair: user.tags | size }}{{ n | pair: 1 }}",
}


class Pair:
    """A filter that may be awaited."""

    def __call__(self, left: object, other: object) -> list[object]:
        return [left, other]

    async def filter_async(self, left: object, other: object) -> list[object]:
        return self(left, other)


@pytest.fixture
def full(make_site: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a site with the files and two actions."""

    def make(mode: Mode = Mode.STRICT) -> Any:
        site = make_site(mode)
        site.write(FILES)

        async def whisper(text: str) -> str:
            return text.lower()

        site.engine.environment.filters["pair"] = Pair()
        site.engine.environment.actions.update(shout=lambda text: text.upper(), whisper=whisper)
        return site

    return make


def test_each_tag_of_ours_has_a_page() -> None:
    ours = {name for name, tag in Environment().tags.items() if type(tag).__module__.startswith("liquid_background")}
    assert ours - {"illegal"} <= {name.partition(",")[0] for name in PAGES}  # that one stands for every unknown tag


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.LAX])
@pytest.mark.parametrize("name", PAGES)
def test_a_tag_does_the_same_in_both(full: Callable[..., Any], name: str, mode: Mode) -> None:
    site = full(mode)
    if ", wrong" in name or ", gone" in name:
        if mode is Mode.STRICT:
            with pytest.raises(LiquidError):
                site.render(PAGES[name], DATA)
        else:
            site.render(PAGES[name], DATA)
    else:
        assert site.render(PAGES[name], DATA) or site.jobs or site.engine.log.entries()


@pytest.mark.parametrize("name", ["include", "render"])
def test_a_compiled_partial_does_the_same_in_both(
    full: Callable[..., Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    test_a_tag_does_the_same_in_both(full, name, Mode.LAX)


@pytest.mark.parametrize("tag", ["assign", "function", "action", "background"])
def test_a_place_to_write_to_is_found_by_what_is_awaited(full: Callable[..., Any], tag: str) -> None:
    values = {"assign": "1", "function": "'twice', n: 1", "action": "'shout', text: 'a'", "background": "'hello'"}
    source = f"{{% assign h = {{}} %}}{{% {tag} h[who.x] = {values[tag]} %}}{{% for each in h %}}{{{{ each[0] }}}}{{% endfor %}}"
    template = full().engine.environment.from_string(source)
    assert template.render(who=Awaited()) == "read"
    assert asyncio.run(template.render_async(who=Awaited())) == "awaited"


def test_a_page_in_a_layout_does_the_same_in_both(full: Callable[..., Any]) -> None:
    site = full()
    assert site.engine.render("p", DATA) == "<page>"
    assert site.job.parameters == {"n": 3}
    assert [entry.message for entry in site.engine.log.entries()] == ["laid out"]


class _UnlikeNode(Node):
    def render_to_output(self, context: Any, buffer: Any) -> int:
        return buffer.write(str(context.resolve("plain")))  # type: ignore[no-any-return]

    async def render_to_output_async(self, context: Any, buffer: Any) -> int:
        return buffer.write("another text")  # type: ignore[no-any-return]


class UnlikeTag(Tag):
    """A tag whose halves differ."""

    name = "unlike"
    block = False

    def parse(self, stream: Any) -> Node:
        return _UnlikeNode(stream.current)


@pytest.mark.parametrize("made", ["", "{% log 'a' %}", "{% background %}{% endbackground %}"])
def test_the_tests_see_a_difference(site: Any, made: str) -> None:
    site.engine.environment.add_tag(UnlikeTag)
    with pytest.raises(AssertionError, match="render_async and render differ"):
        site.render("{% unlike %}" + made, {"plain": "a text"})
    assert site.render("{% unlike %}" + made, {"plain": "another text"}) == "another text"


@pytest.mark.slow
def test_every_async_body_of_this_room_is_run_by_the_tests_above() -> None:
    here = str(Path(__file__).relative_to(ROOT))
    code, missing = run([here, "-k", "both"], ["liquid_background/language"])
    assert (code, list(map(str, missing))) == (0, [])


@pytest.mark.slow
def test_a_body_that_nobody_runs_is_named() -> None:
    here = str(Path(__file__).relative_to(ROOT))
    code, missing = run([here, "-k", "in_both and tablerow"], ["liquid_background/language/tags"])
    assert code == 0
    assert {body.file.rpartition("/")[2] for body in missing} >= {"action.py", "log.py", "try_catch.py"}
    assert not [body for body in missing if body.file.endswith("tablerow.py")]
    assert len(bodies_in(ROOT, ["liquid_background/language/tags"])) > len(missing)
