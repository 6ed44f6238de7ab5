"""Words that python-liquid reserves are names here, wherever its grammar has no such word; what it parses is the same."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import liquid
import pytest
from liquid import DictLoader
from liquid.builtin.expressions import KeywordArgument
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.token import TOKEN_FOR, TOKEN_TAG

from liquid_background import Environment
from liquid_background.language.compiled import deciding
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import check_files

WORDS = (
    "limit", "offset", "required", "cols", "reversed", "with", "as", "for", "if", "else", "in", "and", "or", "not",
    "contains", "continue",
)  # fmt: skip
FLAGS = (
    "logical_not_operator",
    "logical_parentheses",
    "ternary_expressions",
    "keyword_assignment",
    "shorthand_indexes",
)


class Nowhere:
    """Takes what renders make, and keeps the jobs."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def send(self, jobs: Any, entries: Any) -> None:
        self.jobs += jobs

    async def send_async(self, jobs: Any, entries: Any) -> None:
        self.jobs += jobs


def environment(base: type[Any] = Environment, *, flags: tuple[str, ...] = (), **options: Any) -> Any:
    made = type("Flagged", (base,), dict.fromkeys(flags, True))(loader=DictLoader(PARTIALS), **options)
    made.sink = Nowhere()
    return made


# Each with a word for W; what it prints, when the word's value is "w", that of x.W is "m", and l is 1, 2, 3.
FORMS = {
    "{{ W }}": "w",
    "{{ W | upcase | append: W }}": "Ww",
    "{{ x.W }}{{ x['W'] }}{{ x.W.size }}": "mm1",
    "{{ y[W] }}": "of w",
    "{{ l | join: W }}": "1w2w3",
    "{{ nothing | default: W, allow_false: W }}": "w",
    "{{ 'a' | keys: W: 1, b: W }}": "W=1 b=w",
    "{% echo W | append: x.W %}": "wm",
    "{% assign W = 1 %}{{ W }}": "1",
    "{% assign W = W | append: W %}{{ W }}": "ww",
    "{% capture W %}c{% endcapture %}{{ W }}": "c",
    "{% increment W %}{% decrement W %}": "00",
    "{% for W in l %}{{ W }}{% endfor %}": "123",
    "{% for W in l limit: 1 offset: 1 reversed %}{{ W }}{% endfor %}": "2",
    "{% for i in x.list, limit: two, offset: continue %}{{ W }}{% endfor %}": "ww",
    "{% for i in W %}{{ i }}{% endfor %}{% for i in x.W reversed %}{{ i }}{% endfor %}": "wm",
    "{% for i in (1..n.W) limit: n.W offset: n.W %}{{ i }}{% else %}none{% endfor %}": "none",
    "{% tablerow W in l cols: 2 limit: 1 %}{{ W }}{% endtablerow %}": '<tr class="row1">\n<td class="col1">1</td></tr>\n',
    "{% if W %}y{% endif %}{% unless W %}n{% endunless %}": "y",
    "{% if W == 'w' and W contains W or W %}y{% endif %}": "y",
    "{% if x.W contains 'm' and W != x.W %}y{% endif %}": "y",
    "{% if false %}{% elsif W %}y{% endif %}": "y",
    "{% if not W %}n{% else %}y{% endif %}": "y",
    "{{ 'a' if W else 'b' }}{{ W if W else W }}": "aw",
    "{{ W if false else W | append: 'z' }}": "wz",
    "{% case W %}{% when 'v', W %}y{% endcase %}{% case 'w' %}{% when 1 or W %}y{% endcase %}": "yy",
    "{% cycle W, 'b' %}{% cycle W: 'a', 'b' %}": "wa",
    "{% include 'p', W: 5 %}{% include 'p' W: W %}": "[5|||][w|||]",
    "{% include W %}": "[w|||]",
    "{% render 'p', W: W, a: 1 %}": "[w|1||]",
    "{% render 'p' with W as a %}{% render 'p' for l as a %}": "[w|w||][w|1||][w|2||][w|3||]",
    "{% include 'p' with x.W as W %}{% include 'p' for l as W %}": "[m|||][1|||][2|||][3|||]",
    "{% function W = 'f', W: 'v', a: W %}{{ W }}": "v|w",
    "{% macro W W %}<{{ W }}>{% endmacro %}{% call W W %}{% call W W: 3 %}": "<w><3>",
    "{% macro m a, W: 1 %}{{ a }}{{ W }}{% endmacro %}{% call m W %}{% call m 2, W: W %}": "w12w",
    "{% with W: 3, a: W %}{{ W }}{{ a }}{% endwith %}": "3w",
    "{% translate W: 4 %}{{ W }}{% endtranslate %}": "4",
    "{% block W %}b{% endblock W %}": "b",
    "{% try %}{{ 1 | divided_by: 0 }}{% catch W %}{{ W.line }}{% endtry %}": "1",
    "{% liquid\n  assign W = 3\n  if W\n    echo W\n  endif\n%}": "3",
    "{% log W, type: x.W, W: 1 %}": "",
}
OF_FLAGS = ("{% if not", " if ")


def _filled(source: str, word: str) -> str:
    return re.sub(r"\bW\b", word, source)


PARTIALS: dict[str, str] = {"f": "{% assign t = W | append: '|' | append: a %}{% return t %}"}


def printed(word: str, **options: Any) -> Iterator[tuple[str, str, str]]:
    """Yield each form with what it prints, rendered and awaited."""
    partials = {"p": "[{{ W }}|{{ a }}|{{ b }}|]", "w": "[{{ W }}|||]", "f": PARTIALS["f"]}
    own = {word: "m", "list": [1, 2, 3]}
    data = {"x": own, "y": {"w": "of w"}, "n": {word: 9}, word: "w", "l": [1, 2, 3], "two": 2}
    env = environment(flags=FLAGS[:3], **options)
    env.add_filter("keys", lambda _, **given: " ".join(f"{name}={value}" for name, value in given.items()))
    env.loader = DictLoader({name: _filled(text, word) for name, text in partials.items()})
    for source in FORMS:
        template = env.from_string(_filled(source, word))
        yield source, template.render(**data), asyncio.run(template.render_async(**data))


@pytest.mark.parametrize("word", WORDS)
def test_a_reserved_word_is_a_name_in_every_place(word: str) -> None:
    for source, rendered, awaited in printed(word, compile=False):
        assert rendered == awaited == _filled(FORMS[source], word), source


def test_compiled_templates_have_such_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "patience", 0.0)
    for source, rendered, awaited in printed("if", compile=True):
        assert rendered == awaited == _filled(FORMS[source], "if"), source


def test_without_their_operators_such_words_are_names_too() -> None:
    env = environment()
    for word in WORDS:
        data = {word: "w", "x": {word: "m"}, "l": [1, 2, 3], "n": {word: 9}}
        for source in ("{{ W }}{{ x.W }}", "{% if W %}w{% endif %}{{ x['W'] }}", "{% assign a = W %}{{ a }}{{ x.W }}"):
            assert env.from_string(_filled(source, word)).render(**data) == "wm"
    with pytest.raises(LiquidError, match="there is no `not` here"):
        env.from_string("{% if not x %}{% endif %}")
    with pytest.raises(LiquidError, match="no condition behind it here"):
        env.from_string("{{ a if b }}")


def test_between_two_values_such_a_word_is_no_name() -> None:
    env = environment(flags=FLAGS[:3])
    for source in (
        "{{ a limit }}", "{{ with x }}", "{{ a limit b }}", "{% if a and or b %}{% endif %}", "{{ and x }}",
        "{% for limit: 2 in x %}{% endfor %}", "{% for i in x limit %}{% endfor %}", "{{ not x }}", "{{ a if }}",
        "{% for i in x with y %}{% endfor %}", "{% assign limit offset = 1 %}", "{% capture limit 'x' %}{% endcapture %}",
    ):  # fmt: skip
        with pytest.raises(LiquidError):
            env.from_string(source)


@pytest.mark.parametrize("word", WORDS)
def test_a_job_reads_parameters_and_page_values_of_such_names(word: str, site: Any) -> None:
    data = {word: "w", "u": {word: "m"}}
    assert site.run(_filled("{% background W: 20 %}{{ W }}{{ W | plus: 1 }}{% endbackground %}", word)) == "2021"
    source = "{% background W: W | append: '!' %}{% assign q = u.W %}{{ W }}{{ q }}{% endbackground %}"
    assert site.run(_filled(source, word), data) == "w!m"
    site.write({"partials/p": _filled("<{{ W }}>", word)})
    assert site.run(_filled("{% background W = 'p', W: W %}", word), data) == "<w>"


def test_check_sees_such_names_as_any_others(tmp_path: Any) -> None:
    sources = (
        "{% background source_name: 's', W: 20 %}x{% endbackground %}",
        "{% background source_name: 's', W: 20 %}{{ W }}{% endbackground %}",
        "{% background source_name: 's' %}{{ u.W }}{{ W.name }}{% endbackground %}",
        "{% background source_name: 's' %}{% assign q = u.W %}{{ q }}{% for W in q %}{{ W }}{% endfor %}{% endbackground %}",
    )
    env = Environment(loader=SiteLoader(tmp_path))
    page = tmp_path / "pages/page.liquid"
    page.parent.mkdir()

    def found(source: str) -> list[tuple[str, int]]:
        page.write_text(source)
        return [(each.rule.name, each.line) for each in check_files(env, [page])]

    plain = [found(_filled(source, "other")) for source in sources]
    assert [[name for name, _ in each] for each in plain] == [
        ["unused-parameter"], [], ["blank-variable", "blank-variable"], [],
    ]  # fmt: skip
    for word in WORDS:
        assert [found(_filled(source, word)) for source in sources] == plain, word


class FormTag(liquid.Tag):
    """An application's tag with words of its own: `{% form for x limit: 3 %}`."""

    name = "form"
    block = False

    def parse(self, stream: Any) -> Any:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        tokens.eat(TOKEN_FOR)
        name = next(tokens).value
        arguments = KeywordArgument.parse(self.env, tokens)
        return OutputNode(token, StringLiteral(token, " ".join([name, *map(str, arguments)])))


def test_an_application_s_tag_finds_the_words_that_it_looks_for() -> None:
    env = environment()
    env.add_tag(FormTag)
    assert env.from_string("{% form for x limit: 3, with: x.in, a: if %}").render() == "x limit:3 with:x.in a:if"


def test_words_before_brackets_take_a_time_that_grows_with_them() -> None:
    source = "{{ x" + " or not ['a']" * 1_500 + " }}"
    began = time.process_time()
    with pytest.raises(LiquidError):
        Environment().from_string(source)
    assert time.process_time() - began < 0.5
