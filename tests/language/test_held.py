"""What a render holds of parsed templates has a limit, in whatever way they are in use at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from liquid import DictLoader

from liquid_background import Environment
from liquid_background.errors import LimitReached
from liquid_background.language import limits

LARGE = "{% if a %}" + "{{a}}" * 1_250 + "{% endif %}"  # over 1 MB, parsed
MOST = 5 * 1024 * 1024

Render = Callable[[dict[str, str]], str]


@pytest.fixture(params=["sync", "async"])
def render(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Render:
    monkeypatch.setattr(limits, "MAX_HELD", MOST)

    def rendered(templates: dict[str, str]) -> str:
        template = Environment(loader=DictLoader(templates)).get_template("page")
        return template.render() if request.param == "sync" else asyncio.run(template.render_async())

    return rendered


def in_each_other(tag: str, count: int) -> dict[str, str]:
    """Return a page, and templates of which each uses the next."""
    parts = {f"p{i}": f"{{% {tag} 'p{i + 1}' %}}{LARGE}" for i in range(count)}
    return {"page": f"{{% {tag} 'p0' %}}", **parts, f"p{count}": "end"}


@pytest.mark.parametrize("tag", ["include", "render", "extends", "function x ="])
def test_templates_that_are_in_use_at_once_take_so_much(render: Render, tag: str) -> None:
    assert render(in_each_other(tag, 4)) == ("" if "function" in tag else "end")
    with pytest.raises(LimitReached, match=r"in use at once take over 5 MB, parsed.*the limit is fixed") as raised:
        render(in_each_other(tag, 6))
    assert raised.value.template_name


def test_macros_keep_their_templates(render: Render) -> None:
    parts = {f"p{i}": f"{{% macro m{i} %}}{LARGE}{{% endmacro %}}" for i in range(6)}
    with pytest.raises(LimitReached, match="in use at once"):
        render({"page": "".join(f"{{% include '{name}' %}}" for name in parts), **parts})


def test_small_templates_with_macros_count_too(render: Render) -> None:
    small = LARGE.replace("{{a}}" * 1_250, "{{a}}" * 125)
    parts = {f"p{i}": f"{{% macro m{i} %}}{small}{{% endmacro %}}" for i in range(60)}
    with pytest.raises(LimitReached, match="in use at once"):
        render({"page": "".join(f"{{% include '{name}' %}}" for name in parts), **parts})


def test_templates_that_follow_each_other_do_not_add_up(render: Render) -> None:
    parts = {f"p{i}": LARGE for i in range(6)}
    assert render({"page": "".join(f"{{% include '{name}' %}}" for name in parts) * 2, **parts}) == ""


def test_one_that_is_used_in_itself_counts_once(render: Render) -> None:
    part = "{% if n < 10 %}{% assign n = n | plus: 1 %}{% include 'part' %}{% else %}end{% endif %}" + LARGE
    assert render({"page": "{% assign n = 0 %}{% include 'part' %}", "part": part}) == "end"


def test_the_next_render_begins_anew(render: Render) -> None:
    for _ in range(3):
        assert render(in_each_other("include", 4)) == "end"
