"""What a page is held to holds in compiled templates, too, at the same place and no later; so do the bounds of Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from liquid import Mode
from liquid.exceptions import ResourceLimitError

from liquid_background.language.compiled.source import MAX_LINES
from liquid_background.language.limits import Text
from tests.language.compiled.differ import Pair, Way, environment

LAX = Way(Mode.LAX)
WAYS = (LAX, Way(Mode.STRICT, awaits=True))
MOST = 30_000  # bytes of output, and of variables
TOO_MUCH = {
    "text": "{% for i in (1..99999) %}{{ i }} and text{% endfor %}",
    "content": "{% for i in (1..99999) %}" + "x" * 700 + "{% endfor %}",
    "nested": "{% for i in (1..999) %}{% for j in (1..99) %}{{ j }}{% endfor %}{% endfor %}",
    "large": "{% for i in (1..999) %}{{ long }}{% endfor %}",
    "captured": "{% capture c %}{% for i in (1..99999) %}{{ i }}{% endfor %}{% endcapture %}",
    "blank": "{% if true %}{% capture c %}{% for i in (1..99999) %}{{ i }}{% endfor %}{% endcapture %}{% endif %}",
    "captures": "{% for i in (1..99999) %}{% capture c %}{{ c }}x{{ long }}{% endcapture %}{% endfor %}",
    "variables": "{% assign a = long %}{% assign b = long | append: 'x' %}"
    + "".join(f"{{% assign v{n} = long | append: {n} %}}" for n in range(20)),
    "growing": "{% assign s = 'x' %}{% for i in (1..40) %}{% assign s = s | append: s %}{% endfor %}",
    "growing list": "{% assign a = 'a,b' | split: ',' %}{% for i in (1..40) %}{% assign a = a | concat: a %}{% endfor %}",
    "number": "{% assign n = 9 %}{% for i in (1..60) %}{% assign n = n | times: n %}{% endfor %}",
    "product": "{% for i in (1..60000) %}{% for j in (1..60000) %}{% endfor %}{% endfor %}",
    "range": "{{ (1..3000000) | join }}",
    "long range": "{% for i in (1..3000000000000) %}{% endfor %}",
    "recursion": "{% include 'itself' %}",
    "isolated recursion": "{% render 'rendered' %}",
    "function": "{% function x = 'called' %}",
    "in a partial": "{% include 'prints' %}",
    "in a loop": "{% for i in (1..9999) %}{% include 'prints' %}{% endfor %}",
}
PARTIALS = {
    "itself": "{{ a }}{% include 'itself' %}",
    "rendered": "{% render 'rendered' %}",
    "called": "{% function x = 'called' %}",
    "prints": "{% for i in (1..99999) %}{{ i }}{% endfor %}",
}


def _limited(env: Any) -> None:
    env.output_stream_limit = env.local_namespace_limit = MOST
    env.loop_iteration_limit = 1_000_000


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_too_much_is_refused_where_it_was(name: str, way: Way) -> None:
    pair = Pair(way, PARTIALS, _limited)
    source = f"\n{{% try %}}{TOO_MUCH[name]}{{% catch e %}}caught{{% endtry %}}\n{TOO_MUCH[name]}"
    for each in (source, TOO_MUCH[name]):
        (walked, text), (compiled, longer) = (_refused(env, each, way) for env in (pair.walking, pair.compiling))
        assert type(compiled) is type(walked)
        assert compiled.message == walked.message
        assert compiled.context()[:1] == walked.context()[:1]
        assert longer.tell() <= text.tell() + 25_000


def _render(template: Any, context: Any, buffer: Text) -> None:
    template.render_with_context(context, buffer)


def _render_async(template: Any, context: Any, buffer: Text) -> None:
    asyncio.run(template.render_with_context_async(context, buffer))


def _refused(env: Any, source: str, way: Way) -> tuple[ResourceLimitError, Text]:
    template = env.from_string(source, name="pages/page")
    buffer = Text(env.output_stream_limit)
    context = template.context_class(template, globals=template.make_globals({"long": "x" * 9_000}))
    render = _render_async if way.awaits else _render
    with pytest.raises(ResourceLimitError) as raised:
        render(template, context, buffer)
    return raised.value, buffer


SLOW = {
    "loop": "{% for i in (1..9000000) %}{% endfor %}" * 30,
    "nested": "{% for i in (1..3000) %}{% for j in (1..3000) %}{% assign x = i %}{% endfor %}{% endfor %}" * 30,
    "branches": "{% for i in (1..9000000) %}{% if i == 0 %}{{ x }}{% elsif i == -1 %}{% endif %}{% endfor %}" * 30,
    "case": "{% for i in (1..9000000) %}{% case i %}{% when -1, -2 %}{% endcase %}{% endfor %}" * 30,
    "filters": "{% assign s = (1..9000) | join: ',' %}" + "{{ s | split: ',' | sort | join: ',' | size }}" * 3_000,
    "conditions": "{% assign s = (1..90000) | join: ',' | split: ',' %}" + "{% if s contains 'x' %}{% endif %}" * 6_000,
    "comparisons": "{% assign s = (1..90000) | join: ',' | split: ',' %}{% for i in (1..99999) %}{% if s == s %}{% endif %}{% endfor %}",
    "chain": "{% assign s = (1..90000) | join: ',' | split: ',' %}{{ s" + " | uniq" * 500 + " | size }}",
    "outputs": "{% for i in (1..9000000) %}{{ i }}{{ i }}{% endfor %}",
    "tree": "{% include 'tree' %}",
}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", SLOW)
def test_a_compiled_page_ends_at_its_time(name: str, way: Way) -> None:
    env = environment(way, {"tree": "{% include 'tree' %}{% include 'tree' %}"})
    env.loop_iteration_limit = 10_000_000
    env.page_timeout = 0.03
    started = time.process_time()
    _refused(env, SLOW[name], way)
    assert time.process_time() - started < 8


DEEP = 30
SHAPES = {
    "blocks": "{% if a %}{% for i in l %}{% unless b %}{% case i %}{% when 1, 2 %}" * (DEEP // 4)
    + "{{ i }}{% break %}" + "{% endcase %}{% endunless %}{% endfor %}{% endif %}" * (DEEP // 4),
    "loops": "{% for i in one %}" * DEEP + "{{ i }}{{ forloop.parentloop.index }}" + "{% endfor %}" * DEEP,
    "captures": "{% capture c %}x" * DEEP + "{{ c }}" + "{% endcapture %}{{ c | size }}" * DEEP,
    "branches": "{% if a %}" * DEEP + "x" + "{% else %}y{% endif %}" * DEEP,
    "nodes": "{{ a }}{% assign b = a %}text{{ nothing }}\n" * 1_000,
    "elsifs": "{% if x == 0 %}" + "".join(f"{{% elsif x == {n} %}}{n}" for n in range(500)) + "{% else %}none{% endif %}",
    "whens": "{% case x %}" + "".join(f"{{% when {n}, '{n}' %}}{n}" for n in range(500)) + "{% else %}none{% endcase %}",
    "filters": "{{ 'x'" + " | append: 'y' | upcase" * 100 + " }}",
    "unknown filters": "{{ 'x'" + " | append: 'y' | nothing_of_that_name" * 100 + " }}",
    "conditions": "{% if a == 1 " + "and a != 2 or b " * 200 + "%}x{% endif %}",
    "path": "{{ d" + ".d" * 500 + "['x'][0].size }}",
    "paths": "{{ d" + "[d.d" * 20 + "]" * 20 + " }}",
    "whole text": "x" * 200_000,
    "liquid": "{% liquid\n" + "assign x = a | plus: 1\necho x\n" * 1_000 + "%}",
    "huge range": "{% for i in (1..99999999999999999999) %}{{ i }}{% endfor %}",
    "includes": "{% include 'p' %}{% render 'p', a: a %}" * 100,
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_template_of_any_shape_is_rendered_the_same(shape: str) -> None:
    for way in (LAX, Way(awaits=True, autoescape=True)):
        found = Pair(way, {"p": "{{ a }}"}).differences(SHAPES[shape], _given)
        assert not found


def _given() -> dict[str, Any]:
    inner: dict[str, Any] = {"x": [1]}
    inner["d"] = inner
    return {"a": 1, "l": [1, 2, 3], "one": [1], "d": inner, "x": 499}


def test_a_template_of_too_many_lines_is_walked() -> None:
    env = environment(LAX)
    template = env.from_string("{{ a }}" * MAX_LINES)
    assert template.render(a=1) == "1" * MAX_LINES
    assert "lines of Python" in template.compiled.why_walked


@pytest.mark.parametrize("change", ["autoescape", "filter", "mode", "suppress"])
def test_what_an_application_changes_later_counts(change: str) -> None:
    source = "{% if true %} {% assign x = 1 %} {% endif %}{{ s | upcase }}{{ 1 | divided_by: 0 }}{{ s }}"

    def made(*, compile: bool) -> tuple[str, str]:
        env = environment(LAX, compile=compile)
        env.sink = None
        template = env.from_string(source)
        before = template.render(s="<b>")
        _CHANGES[change](env)
        return before, _text(lambda: template.render(s="<b>"))

    walked = made(compile=False)
    assert walked[0] != walked[1]
    assert made(compile=True) == walked


def _text(render: Callable[[], str]) -> str:
    try:
        return render()
    except Exception as error:  # noqa: BLE001  compared
        return repr(error)


_CHANGES: dict[str, Callable[[Any], None]] = {
    "autoescape": lambda env: setattr(env, "autoescape", True),
    "filter": lambda env: env.filters.update(upcase=lambda value: f"<{value}>"),
    "mode": lambda env: setattr(env, "mode", Mode.STRICT),
    "suppress": lambda env: setattr(env, "suppress_blank_control_flow_blocks", False),
}
