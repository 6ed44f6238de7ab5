"""Mistakes that authors make: each is one finding, at its place, with the word that is wrong and what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import check_files

MISTAKES: Final = [
    (
        "{{ b | }}",
        "2:8 expected the name of a filter behind `|`, and the output ends: write {{ value | filter: argument }}",
    ),
    ("{{ a\n  | upcase\n  | }}", "4:3 expected the name of a filter behind `|`, and the output ends"),
    ("{{ | x }}", "2:6 expected a value, found `|`: write the value before its filter"),
    ("{{ a | append 'x' }}", "2:17 unexpected `'x'` behind `append`: a colon stands before the arguments of a filter"),
    ("{{ a + b }}", "2:8 unexpected `+` behind `a`: there is no `+` here: write `| plus: value`"),
    ("{{ 'abc }}", "2:6 unexpected `'`: the quote is never closed"),
    ("{{ a", "2:3 this output is never closed: add }}"),
    ("{% if a\n{% endif %}", "2:6 this 'if' is not closed: add %} before the {% of line 3"),
    ("{% if %}{% endif %}", "2:6 this 'if' does not say what it needs: write {% if condition %}"),
    ("{% if a = b %}{% endif %}", "2:11 unexpected `=` behind `a`: write `==`"),
    ("{% if a && b %}{% endif %}", "2:11 unexpected `&&` behind `a`: write `and`"),
    ("{% if a %}{% elif b %}{% endif %}", "2:16 unexpected tag 'elif': a Jinja tag: write {% elsif condition %}"),
    ("{% for x of xs %}{% endfor %}", "2:12 expected `in` behind `x`, found `of`: write {% for item in items %}"),
    ("{% for x in xs limit 3 %}{% endfor %}", "2:24 expected `:` behind `limit`, found `3`: write `limit: 3`"),
    ("{% for x in y %}{% if a %}{% endfor %}{% endif %}", "2:22 this 'if' is never closed before the endfor of line 2"),
    ("{% assign x %}", "2:13 expected `=` behind `x`, and the tag ends: write {% assign name = value %}"),
    ("{% liquid\n  assign x = 1\n  echo b |\n%}", "4:10 expected the name of a filter behind `|`, and the line ends"),
    ("{% liquid\n  if a\n%}", "3:3 this 'if' is never closed: add endif"),
    ("{% include %}", "2:6 this 'include' does not say what it needs: write {% include 'partial', argument: value %}"),
    ("{% include 'mial' %}", "2:14 the partial 'mial' is not there; did you mean 'mail'?"),
    ("{{ a | apend: 'x' }}", "2:10 unknown filter 'apend'; did you mean 'append'?"),
    ("{% include %}{% if a %}{% endif %}", "2:6 this 'include' does not say what it needs"),
    ("{% form 'x' %}{% endform %}", "2:6 unexpected tag 'form': a platformOS tag: write <form> in HTML"),
    ("{% schema %}{% endschema %}", "2:6 unexpected tag 'schema': a Shopify tag"),
    (
        "{% background 'a', dealy: 2 %}{% endbackground %}",
        "2:22 'dealy' is taken for a parameter; did you mean the option",
    ),
    (
        "{% background 'b', timeout: 2 %}{% endbackground %}",
        "2:22 'timeout' is taken for a parameter, which nothing reads; the",
    ),
    (
        "{% background 'c', queue: 'x' %}{% endbackground %}",
        "2:22 'queue' is taken for a parameter, which nothing reads; write",
    ),
    ("{% background delay=2 %}x{% endbackground %}", "2:17 write delay: …, with a colon, for the option"),
    (
        "{% background 'e' %}x{% endbackgroud %}",
        "2:27 unexpected tag 'endbackgroud': write {% endbackground %} for the",
    ),
    ("{% if a %}{% if b %}x{% ednif %}{% endif %}", "2:27 unexpected tag 'ednif': write {% endif %} for the 'if' of"),
    ("{% try %}x{% catch e %}y{% endtry_rc %}", "2:30 unexpected tag 'endtry_rc': write {% endtry %} for the 'try' of"),
    ("{% if a %}{% endfor %}{% endif %}", "2:16 unexpected tag 'endfor': it belongs to nothing that is open here"),
    (
        "{% background job = 'mail' %}x{% endbackground %}",
        "2:36 unexpected tag 'endbackground': the background of line 2",
    ),
    ("{% switch a %}{% when 1 %}x{% endswitch %}", "2:6 unexpected tag 'switch': write {% case value %}"),
    ("{% try %}x{% rescue e %}y{% endtry %}", "2:16 unexpected tag 'rescue': write {% catch err %}"),
    ("{% publish 'paid' %}", "2:6 unexpected tag 'publish': write {% trigger_event 'name' %}"),
    ("{% if a %}{% endif %}{% when 1 %}", "2:27 unexpected tag 'when': it belongs to nothing that is open here"),
    ("{% background 'new' %}x", "2:6 this 'background' is never closed: add {% endbackground %}"),
    ("{% include mails/new-one %}", "2:19 unexpected `/` behind `mails`: quote the name: 'mails/new-one'"),
    ("{% background _ = mail/a, source_name: 'f' %}", "2:25 unexpected `/` behind `mail`: quote the name: 'mail/a'"),
    ("{% render 'mail', n: a/b %}", "2:25 unexpected `/` behind `a`: there is no `/` here"),
    ("{% function 'mail' %}", "2:15 expected a name, found `'mail'`: write {% function result = 'partial'"),
    ("{% function = 'mail' %}", "2:15 expected a name, found `=`: write {% function result = 'partial'"),
    ("{% assign a[ = 3 %}", "2:16 what is in brackets behind `[` cannot be read"),
    (
        "{% liquid\n  {{ x }}\n%}",
        "3:3 each line of {% liquid %} must start with the name of a tag, found '{': leave out",
    ),
    ("{{ a | concat [1] }}", "2:17 unexpected `[` behind `concat`: a colon stands before the arguments of a filter"),
    ("{{ a | default: {} }}", "2:19 unexpected `{` behind `:`: no object is written out in an output: {% assign %} it"),
    ("{% background 'd', x: 1 %}{{ x | }}{% endbackground %}", "2:34 expected the name of a filter behind `|`"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    for folder in ("pages", "partials"):
        (root / folder).mkdir()
    (root / "partials/mail.liquid").write_text("x")
    return root


@pytest.mark.parametrize(("written", "told"), MISTAKES, ids=[f"{at}" for at in range(len(MISTAKES))])
def test_a_mistake_is_one_finding_with_place_word_and_remedy(site: Path, written: str, told: str) -> None:
    page = site / "pages/page.liquid"
    page.write_text(f"first\n  {written}\n" if not written.startswith("{{ a\n") else f"first\n  {written}")
    [found] = check_files(Environment(loader=SiteLoader(site)), [page])
    text = f"{found.line}:{found.column + 1} {found.message}" + (f"; {found.fix}" if found.fix else "")
    assert text.startswith(told), text


def test_a_background_that_is_written_as_an_include_is_told_the_partial_form(site: Path) -> None:
    page = site / "pages/page.liquid"
    page.write_text("{% background 'mail/new', n: 1 %}")
    [found] = check_files(Environment(loader=SiteLoader(site), dialect="platformos"), [page])
    assert found.message.endswith("add {% endbackground %}, or run a partial by background _ = 'mail/new'")
