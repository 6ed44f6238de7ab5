"""`break` outside a loop ends a template: that of a page, of a render, and of the page around an include."""

from __future__ import annotations

from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Environment

GUARD = "{% liquid\n  if user == blank\n    echo 'sign in '\n    break\n  endif\n%}"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (f"a {GUARD}b", "a sign in "),
        ("a {% include 'guard' %}b", "a sign in "),
        ("a {% render 'guard' %}b", "a sign in b"),
        ("a {% theme_render_rc 'guard' %}b", "a sign in b"),
        ("a {% include 'around' %}b", "a sign in "),
        ("a {% function x = 'guard' %}{{ x }}b", "a b"),
        ("{% for i in (1..3) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}b", "1b"),
        ("{% for i in (1..3) %}{{ i }}{% include 'guard' %}{% endfor %}b", "1sign in b"),
        ("{% for i in (1..2) %}{% function x = 'guard' %}{{ i }}{% endfor %}b", "12b"),
        ("{% capture x %}a{% break %}{% endcapture %}{{ x }}b", ""),
    ],
)
def test_it_ends(site: Any, page: str, text: str) -> None:
    site.write({"partials/guard": f"{GUARD}not here", "partials/around": "{% include 'guard' %}nor here"})
    assert site.render(page) == text


def test_it_ends_a_job_by_its_partial(site: Any) -> None:
    site.write({"partials/guard": f"{GUARD}not here"})
    site.render("{% background _ = 'guard' %}")
    assert site.perform(site.job).result == "sign in "


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("word", ["break", "continue"])
def test_elsewhere_it_is_an_error_at_its_own_line(site: Any, word: str, compile: bool) -> None:
    site.engine.environment.dialect = Environment().dialect
    site.write({"partials/guard": f"one\n{{% if true %}}\n  {{% {word} %}}\n{{% endif %}}"})
    for page in ("{% include 'guard' %}", "{% render 'guard' %}", "{% function x = 'guard' %}"):
        with pytest.raises(LiquidError, match=rf"'{word}' stands in no loop: {{% return %}} ends a template") as raised:
            site.render(f"\n\n\n\n\n{page}")
        assert raised.value.template_name == "partials/guard"
        assert raised.value.token.source.count("\n", 0, raised.value.token.start_index) == 2


def test_continue_ends_nothing(site: Any) -> None:
    with pytest.raises(LiquidError, match="'continue' stands in no loop"):
        site.render("{% continue %}")


def test_a_block_tells_of_return(site: Any) -> None:
    with pytest.raises(LiquidError, match=r"would leave the background block.*{% return %} ends it"):
        site.render("{% background source_name: 'x' %}{% break %}{% endbackground %}")
