"""`<% background %>` means the same as `{% background %}`; other text with `<%` survives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from liquid.exceptions import LiquidError, LiquidSyntaxError

BODY = "{% assign a = user.name %}{{ a }}"


@pytest.mark.parametrize(
    ("opener", "closer"),
    [
        ("<% background source_name: 'x' %>", "<% endbackground %>"),
        ("<%background source_name: 'x'%>", "<%endbackground%>"),
        ("<%- background source_name: 'x' -%>", "<%- endbackground -%>"),
        ("<% background\n  source_name: 'x'\n%>", "<%\nendbackground\n%>"),
        ("<% background source_name: 'x' %>", "{% endbackground %}"),
        ("{% background source_name: 'x' %}", "<% endbackground %>"),
    ],
)
def test_both_spellings_may_be_mixed(site: Any, opener: str, closer: str) -> None:
    assert site.run(f"{opener}{BODY}{closer}", {"user": {"name": "Ada"}}) == "Ada"
    assert site.job.source_name == "x"


@pytest.mark.parametrize(
    "text",
    [
        "<%= name %>",
        "<% if x %><% end %>",
        "<% backgrounds %>",
        "<% background_color: 'red' %>",
        "<% background-color %>",
        "<%# background %>",
        "<? php background ?>",
        "a <% b",
        "<%",
        "{% raw %}<% background %>{% endraw %}",
        "{{ '<% background %>' }}",
    ],
)
def test_other_text_is_left_alone(site: Any, text: str) -> None:
    expected = text.removeprefix("{% raw %}").removesuffix("{% endraw %}").removeprefix("{{ '").removesuffix("' }}")
    assert site.render(text) == expected
    assert site.jobs == []


@pytest.mark.parametrize("wrapper", ["comment", "doc"])
def test_comments_hide_it(site: Any, wrapper: str) -> None:
    text = f"a{{% {wrapper} %}}<% background %>{{% end{wrapper} %}}b<% background %>{{% {wrapper} %}}%>{{% end{wrapper} %}}<% endbackground %>"
    assert site.render(text) == "ab"
    assert len(site.jobs) == 1


def test_nested_comments_hide_it(site: Any) -> None:
    text = (
        "{% comment %}{% comment %}{% endcomment %}<% background {% endcomment %}x<% background %>y<% endbackground %>"
    )
    assert site.render(text) == "x"
    assert site.job.source == "y"


def test_lines_are_right_and_the_source_is_as_written(site: Any) -> None:
    site.render(
        "\n\n<% background %>\n<% background source_name: 'in' %>{{ 1 }}<% endbackground %>\n<% endbackground %>"
    )
    job = site.job
    assert (job.line, job.source_name) == (3, "pages_page_3")
    assert job.source == "\n<% background source_name: 'in' %>{{ 1 }}<% endbackground %>\n"
    (inner,) = site.perform(job).jobs
    assert (inner.line, inner.source) == (4, "{{ 1 }}")


def test_an_error_shows_the_line_as_written(site: Any) -> None:
    with pytest.raises(LiquidError) as raised:
        site.render("\n<% background a: 1, a: 2 %><% endbackground %>")
    assert "2 | <% background a: 1, a: 2 %>" in str(raised.value)


def test_a_tag_that_is_never_closed_is_an_error(site: Any) -> None:
    with pytest.raises(LiquidSyntaxError, match="add %>") as raised:
        site.render("\n\n<% background a: 1")
    assert raised.value.context()[0] == 3


def test_it_can_be_turned_off(make_site: Callable[..., Any]) -> None:
    site = make_site(ejs_tags=False)
    text = "<% background %>x<% endbackground %>"
    assert site.render(text) == text


def test_a_line_of_a_liquid_tag_may_end_like_a_delimiter(site: Any) -> None:
    source = "{% liquid\n  # old ejs <%\n  background source_name: 'x'\n    echo 'hi'\n  endbackground\n%}"
    assert site.run(source) == "hi"
