"""`extends`: a chain of parents ends at its limit, and each template is loaded in the time of the render."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from liquid import DictLoader, Mode
from liquid.exceptions import TemplateInheritanceError, TemplateNotFoundError

from liquid_background import Environment
from liquid_background.errors import LimitReached, PageTimeout
from liquid_background.language.syntax import explain

SOON = 0.05  # seconds that a page has which loads slow files

Render = Callable[..., str]


class Slow(DictLoader):
    """Takes all the time that a page has to load a template."""

    def __init__(self, templates: dict[str, str]) -> None:
        super().__init__(templates)
        self.loaded: list[str] = []

    def get_source(self, env: Any, name: str, **options: Any) -> Any:
        self.loaded.append(name)
        time.sleep(2 * SOON)
        return super().get_source(env, name, **options)


def chain(length: int) -> dict[str, str]:
    """Return templates of which each extends the next; the first one has so many before it."""
    parents = {f"p{i}": f"{{% extends 'p{i + 1}' %}}" for i in range(length)}
    return {**parents, f"p{length}": "root {% block a %}{% endblock %}"}


@pytest.fixture(params=["sync", "async"])
def render(request: pytest.FixtureRequest) -> Render:
    def rendered(environment: Environment, source: str, **data: Any) -> str:
        template = environment.from_string(source, name="pages/p")
        if request.param == "sync":
            return template.render(**data)
        return asyncio.run(template.render_async(**data))

    return rendered


def test_blocks_replace_those_of_all_parents(render: Render) -> None:
    templates = {
        "p1": "{% extends 'p2' %}{% block a %}1 {{ block.super }}{% endblock %}",
        "p2": "<{% block a %}2{% endblock %}{% block b %}b{% endblock %}>",
    }
    page = "{% extends 'p1' %}{% block a %}0 {{ block.super }}{% endblock %}ignored"
    assert render(Environment(loader=DictLoader(templates)), page) == "<0 1 2b>"


LOADS = {
    "extends": ("{% extends 'p0' %}", chain(20)),
    "include": ("{% include 'p0' %}{% include 'p1' %}{% include 'p2' %}", {f"p{i}": "x" for i in range(3)}),
    "render": ("{% render 'p0' %}{% render 'p1' %}{% render 'p2' %}", {f"p{i}": "x" for i in range(3)}),
    "function": ("{% function x = 'p0' %}{% function x = 'p1' %}", {f"p{i}": "x" for i in range(3)}),
    "include in each other": ("{% include 'p0' %}", {f"p{i}": f"{{% include 'p{i + 1}' %}}" for i in range(20)}),
}


@pytest.mark.parametrize(("source", "templates"), LOADS.values(), ids=LOADS)
def test_no_template_is_loaded_after_the_end_of_the_time(
    render: Render, source: str, templates: dict[str, str]
) -> None:
    loader = Slow(templates)
    with pytest.raises(PageTimeout):
        render(Environment(loader=loader, page_timeout=SOON), source)
    assert len(loader.loaded) <= 1


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.LAX])
def test_a_chain_is_as_long_as_partials_are_deep(render: Render, mode: Mode) -> None:
    loader = DictLoader(chain(40))
    environment = Environment(loader=loader, tolerance=mode)
    assert render(environment, "{% extends 'p11' %}").startswith("root")
    with pytest.raises(LimitReached) as raised:
        render(environment, "\n{% extends 'p10' %}")
    assert explain(raised.value) == (
        "over 30 templates are extended one behind the other (Environment.context_depth_limit) (pages/p:2)"
    )


def test_the_length_of_a_chain_is_the_environments(render: Render) -> None:
    environment = Environment(loader=DictLoader(chain(9)))
    environment.context_depth_limit = 5
    with pytest.raises(LimitReached, match="over 5 templates"):
        render(environment, "{% extends 'p0' %}")


def test_chains_in_each_other_share_the_limit_and_chains_in_turn_do_not(render: Render) -> None:
    inner = {f"q{i}": f"{{% extends 'q{i + 1}' %}}" for i in range(19)} | {"q19": "x"}
    environment = Environment(loader=DictLoader({**chain(20), **inner, "in_turn": "{% extends 'q0' %}"}))
    assert render(environment, "{% for i in (1..3) %}{% include 'in_turn' %}{% endfor %}") == "xxx"
    page = "{% extends 'p0' %}{% block a %}{% include 'in_turn' %}{% endblock %}"
    with pytest.raises(LimitReached, match="over 30 templates are extended"):
        render(environment, page)


def test_what_is_wrong_in_a_chain_names_its_template(render: Render) -> None:
    twice = "{% block a %}{% endblock %}\n{% block a %}{% endblock %}"
    templates = {"around": "{% extends 'again' %}", "again": "\n{% extends 'around' %}", "twice": twice}
    environment = Environment(loader=DictLoader({**templates, "gone": "\n\n{% extends 'nowhere' %}"}))
    for parent, kind, said in (
        ("around", TemplateInheritanceError, "circular extends 'around' (again:2)"),
        ("twice", TemplateInheritanceError, "duplicate block a (twice:2)"),
        ("gone", TemplateNotFoundError, "partial 'nowhere' not found (gone:3)"),
    ):
        with pytest.raises(kind) as raised:
            render(environment, f"{{% extends '{parent}' %}}")
        assert explain(raised.value) == said


def test_a_job_is_held_to_the_length_of_a_chain(site: Any) -> None:
    site.write({f"partials/{name}": source for name, source in chain(40).items()})
    site.render("{% background source_name: 's' %}{% extends 'p0' %}{% endbackground %}")
    assert "over 30 templates are extended one behind the other" in site.perform(site.job).error
