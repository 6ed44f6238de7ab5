"""Blocks that are never closed, and expressions that end too early: each error names its line."""

from __future__ import annotations

from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax import explain

BLOCKS = {
    "if": "if a",
    "unless": "unless a",
    "case": "case a %}{% when 1",
    "for": "for a in b",
    "tablerow": "tablerow a in b",
    "capture": "capture a",
    "ifchanged": "ifchanged",
    "comment": "comment",
    "doc": "doc",
    "raw": "raw",
    "block": "block a",
    "macro": "macro a",
    "with": "with a: 1",
    "translate": "translate",
    "background": "background source_name: 'x'",
    "try": "try %}{% catch err",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_that_is_never_closed_names_the_line_of_its_opening_tag(site: Any, name: str) -> None:
    opener = f"{{% {BLOCKS[name]} %}}"
    said = f"this '{name}' is never closed: add {{% end{name} %}} (pages/page:6)"
    around = "{% if x %}{% for i in y %}{% endfor %}{% background _ = 'p' %}"
    for source in (f"---\nslug: s\n---\n\n\n{opener}\n\n", f"---\nslug: s\n---\n{around}\n\n{opener}\n\n"):
        with pytest.raises(TagSyntaxError) as raised:
            site.render(source)
        assert explain(raised.value) == said


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("{% if a %}\n{% for b in c %}\n{% endif %}", "for", 2),
        ("{% for b in c %}\n{% if a %}\n{% endfor %}", "if", 2),
        ("{% background source_name: 'x' %}\n{% if a %}\n{% endbackground %}", "if", 2),
        ("{% if a %}\n{% else %}\n{% unless b %}\n", "unless", 3),
        ("{% if a %}\n{% if b %}{% endif %}\n", "if", 1),
        ("{% liquid\n  if a\n  echo b\n%}", "if", 2),
        ("{% if a %}\n{% liquid\n  for b in c\n  if b\n  endfor\n%}{% endif %}", "if", 4),
        ("<% background source_name: 'x' %>\n{% if a %}\n<% endbackground %>", "if", 2),
        ("{% comment %}{% for a in b %}{% endcomment %}{% raw %}{% for a in b %}{% endraw %}\n{% if a %}", "if", 2),
        ("{% include 'open' %}", "case", 3),
    ],
)
def test_the_innermost_block_is_named(site: Any, source: str, name: str, line: int) -> None:
    site.write({"partials/open": "\n\n{% case a %}\n{% when 1 %}"})
    with pytest.raises(LiquidError, match=f"this '{name}' is never closed") as raised:
        site.render(source)
    assert f":{line}" in explain(raised.value)


@pytest.mark.parametrize(
    "source",
    [
        "{% assign a = %}",
        "{% assign a %}",
        "{{ a | }}",
        "{{ a.b[ }}",
        "{% for a in %}\n{% endfor %}",
        "{% if a == %}\n{% endif %}",
        "{% unless a and %}\n{{ b }}\n{% endunless %}",
        "{% if a %}{% elsif b and %}\n{% endif %}",
        "{% return a | %}",
        "{% translate a: %}\n{% endtranslate %}",
        "{% if a %}{{ b | }}",
    ],
)
def test_an_expression_that_ends_too_early_names_its_line(site: Any, source: str) -> None:
    with pytest.raises(LiquidError) as raised:
        site.render(f"{{% assign x = 1 %}}\n{source}\n{{{{ x }}}}")
    assert explain(raised.value).endswith("(pages/page:2)")


def test_a_liquid_tag_may_be_empty(site: Any) -> None:
    assert site.render("a{% liquid %}{% if true %}{% liquid %}b{% endif %}{% liquid\n %}c") == "abc"
