"""The tag's two forms and its arguments."""

from __future__ import annotations

from typing import Any

import pytest
from liquid import Token
from liquid.builtin.expressions import tokenize
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.token import (
    TOKEN_ASSIGN,
    TOKEN_DOT,
    TOKEN_EXPRESSION,
    TOKEN_FLOAT,
    TOKEN_IDENTINDEX,
    TOKEN_INTEGER,
    TOKEN_STRING,
)

from liquid_background import ArgumentError
from liquid_background.job import Priority
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.language.syntax import starts_assignment
from liquid_background.language.tags import Tokens
from liquid_background.language.tags.background_node import BackgroundNode
from tests.language.conftest import block

BLOCK = "{% background source_name: 'x' %}done{% endbackground %}"


def test_a_block_prints_nothing_and_becomes_a_job(site: Any) -> None:
    assert site.render(f"before{BLOCK}after") == "beforeafter"
    assert (site.job.source_name, site.job.source, site.job.template) == ("x", "done", "pages/page")
    assert site.perform(site.job).result == "done"


def test_options_and_parameters_are_told_apart(site: Any) -> None:
    site.render(
        "{% background delay: 2.5, priority: 'high', max_attempts: 3, source_name: 'pay', order_id: 7, who: name %}"
        "{{ order_id }} {{ who }} {{ delay }}{% endbackground %}",
        {"name": "Ada"},
    )
    job = site.job
    assert (job.delay, job.priority, job.max_attempts, job.source_name) == (2.5, Priority.HIGH, 3, "pay")
    assert job.parameters == {"order_id": 7, "who": "Ada"}
    assert site.perform(job).result == "7 Ada "


@pytest.mark.parametrize(
    "arguments",
    [
        "source_name: 'n', a: 1, b: 2",
        "source_name: 'n' a: 1 b: 2",
        "source_name: 'n', a: 1, b: 2,",
        ", source_name: 'n', a: 1, b: 2",
        "\n  source_name: 'n',\n  a: 1,\n  b: 2\n",
        "source_name: 'N' | downcase, a: 0 | plus: 1, b: 2",
        "source_name: 'N' | downcase a: 0 | plus: 1 b: 4 | minus: 2 | at_least: 1",
        "'n', a: 1, b: 2",
        "'n' a: 1 b: 2",
        "'N' | downcase, a: 1, b: 2",
        "'ignored', source_name: 'n', a: 1, b: 2",
        "source_name: 'n', a: nothing | default: 1, allow_false: true, b: 2",
        "b: 2 a: list[0], source_name: name['first']",
        'source_name: "n", a: 1, b: list | size | minus: 1',
    ],
)
def test_spellings_of_the_same_arguments(site: Any, arguments: str) -> None:
    data = {"list": [1, 2, 3], "name": {"first": "n"}}
    assert site.run(f"{{% background {arguments} %}}{{{{ a }}}}{{{{ b }}}}{{% endbackground %}}", data) == "12"
    assert site.job.source_name == "n"


def test_words_that_liquid_reserves_may_name_parameters(site: Any) -> None:
    site.render("{% background for: 1, limit: 2, with: 3, if: 4, true: 5 %}{% endbackground %}")
    assert site.job.parameters == {"for": 1, "limit": 2, "with": 3, "if": 4, "true": 5}


def test_a_filter_keeps_its_own_keyword_arguments(site: Any) -> None:
    source = "{% background a: no | default: 'x', allow_false: true, b: 1 %}{{ a }}{{ b }}{% endbackground %}"
    assert site.run(source, {"no": False}) == "false1"
    assert site.job.parameters == {"a": False, "b": 1}


def test_a_filter_argument_that_only_python_fills_in_is_a_parameter(site: Any) -> None:
    site.render("{% background d: 0 | date: '%Y', context: 'c', environment: 'e' %}{% endbackground %}")
    assert site.job.parameters == {"d": "1970", "context": "c", "environment": "e"}


@pytest.mark.parametrize("dash", ["", "-"])
def test_inside_a_liquid_tag(site: Any, dash: str) -> None:
    source = f"""{{%{dash} liquid
      assign n = 2
      background source_name: 'x', n: n
        assign doubled = n | times: 2
        echo doubled
      endbackground
      background id = 'p', n: n
      echo id
    {dash}%}}"""
    site.write({"partials/p": "{{ n }}!"})
    printed = site.render(source).strip()
    block, partial = site.jobs
    assert site.perform(block).result.strip() == "4"
    assert site.perform(partial).result == "2!"
    assert printed == partial.id


def test_the_partial_form_gives_the_id(site: Any) -> None:
    site.write({"partials/mail/send": "to {{ email }}"})
    printed = site.render(
        "{% background job_id = 'mail/send', email: user.email, max_attempts: 2, source_name: 'm' %}[{{ job_id }}]",
        {"user": {"email": "a@b"}},
    )
    job = site.job
    assert printed == f"[{job.id}]"
    assert (job.source_name, job.max_attempts, job.parameters) == ("m", 2, {"email": "a@b"})
    assert site.perform(job).result == "to a@b"


def test_the_partial_may_be_a_variable_and_the_name_an_underscore(site: Any) -> None:
    site.write({"partials/mail/send": "sent"})
    site.render("{% assign p = 'mail/' | append: 'send' %}{% background _ = p %}{% background job = p %}")
    assert [site.perform(job).result for job in site.jobs] == ["sent", "sent"]


def test_the_partial_form_needs_no_end(site: Any) -> None:
    site.write({"partials/p": "x"})
    assert site.render("a{% background _ = 'p' %}b{% if true %}c{% endif %}").split() == ["abc"]


@pytest.mark.parametrize("value", ["nil", "42", "''", "missing"])
def test_a_partial_that_is_no_name_is_an_error(site: Any, value: str) -> None:
    with pytest.raises(ArgumentError, match="the partial to run is"):
        site.render(f"{{% background _ = {value} %}}")


def test_a_default_source_name_is_template_and_line(site: Any) -> None:
    site.render("\n\n{% background %}{% endbackground %}")
    assert site.job.source_name == "pages_page_3"


def test_white_space_control_in_the_tag_trims_the_body_as_a_page_would(site: Any) -> None:
    for opener, closer in (("{%-", "-%}"), ("{%", "%}")):
        site.engine.store.client.flushall()
        body = "\n  x \n {{ 1 }} \n"
        site.render(f"a {opener} background {closer}{body}{opener} endbackground {closer} b")
        expected = site.engine.environment.from_string(
            f"{opener} if true {closer}{body}{opener} endif {closer}"
        ).render()
        assert site.perform(site.job).result == expected


@pytest.mark.parametrize("wrapper", ["raw", "comment", "doc"])
def test_an_end_tag_in_text_that_liquid_leaves_alone_ends_nothing(site: Any, wrapper: str) -> None:
    text = f"{{% {wrapper} %}}{{% endbackground %}}<% endbackground %>{{% end{wrapper} %}}"
    site.render(f"{{% background %}}a{text}b{{% endbackground %}}")
    inside = "{% endbackground %}<% endbackground %>" if wrapper == "raw" else ""
    assert site.perform(site.job).result == f"a{inside}b"


def test_blocks_inside_other_tags_make_one_job_for_each_time(site: Any) -> None:
    site.write({"partials/p": BLOCK, "layouts/base": "{% block main %}{% endblock %}"})
    for source, count in (
        ("{% for i in (1..100) %}" + BLOCK + "{% endfor %}", 100),
        ("{% if true %}" + BLOCK + "{% else %}" + BLOCK + "{% endif %}", 1),
        ("{% if false %}" + BLOCK + "{% endif %}", 0),
        ("{% case 1 %}{% when 1 %}" + BLOCK + "{% endcase %}", 1),
        ("{% include 'p' %}{% include 'p' %}", 2),
        ("{% render 'p' %}", 1),
        ("{% capture x %}" + BLOCK + "{% endcapture %}{{ x }}{{ x }}", 1),
        ("{% raw %}" + BLOCK + "{% endraw %}", 0),
        ("{% comment %}" + BLOCK + "{% endcomment %}", 0),
        ("{% macro m %}" + BLOCK + "{% endmacro %}{% call m %}{% call m %}", 2),
        ("{% extends 'base' %}{% block main %}" + BLOCK + "{% endblock %}", 1),
        ("{% tablerow i in (1..3) %}" + BLOCK + "{% endtablerow %}", 3),
        ("{% function x = 'p' %}", 1),
        ("{% background %}" + BLOCK + "{% endbackground %}", 1),
    ):
        site.engine.store.client.flushall()
        site.render(source)
        assert len(site.jobs) == count, source


def test_a_nested_block_is_made_by_the_job(site: Any) -> None:
    site.render(
        "{% background source_name: 'outer', id: 7 %}{% assign local = 'L' %}"
        "{% background source_name: 'inner', id: id, l: local %}{% assign who = user.name %}"
        "{{ id }}{{ l }}{{ who }}{{ local }}{% endbackground %}{% endbackground %}",
        {"user": {"name": "Ada"}},
    )
    assert site.job.handed_over == {"user.name": "Ada"}
    outcome = site.perform(site.job)
    (inner,) = outcome.jobs
    assert (inner.source_name, dict(inner.parameters)) == ("inner", {"id": 7, "l": "L"})
    assert site.engine.perform(inner.id, decode_payload(encode_data(inner)), 1, 1).result == "7LAda"


def test_a_failed_job_makes_none(site: Any) -> None:
    site.render("{% background %}" + BLOCK + "{% include 'nowhere' %}{% endbackground %}")
    outcome = site.perform(site.job)
    assert outcome.error is not None
    assert outcome.jobs == ()


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("\n{% background source_name: 'a' %}\n", 2, "never closed"),
        ("{% background %}\n{% background %}{% endbackground %}", 1, "never closed"),
        ("\n\n{% background a: 1, a: 2 %}{% endbackground %}", 3, "'a' is given twice"),
        ("{% background delay: 1,\n delay: 2 %}{% endbackground %}", 2, "'delay' is given twice"),
        ("{% background a: %}{% endbackground %}", 1, "'a' has no value"),
        ("{% background a: , b: 1 %}{% endbackground %}", 1, "'a' has no value"),
        ("{% background a: 1 2 %}{% endbackground %}", 1, "expected"),
        ("{% background 'a' 'b' %}{% endbackground %}", 1, "expected"),
        ("{% background [delay: value] %}{% endbackground %}", 1, "expected"),
        ("{% background _ = %}", 1, "the name of a partial is missing"),
        ("{% background %}\n{% break %}{% endbackground %}", 2, "would leave the background block"),
        (
            "{% for i in x %}{% background %}{% if i %}\n{% continue %}{% endif %}{% endbackground %}{% endfor %}",
            2,
            "leave",
        ),
        ("{% background source_name: 'job' %}...\n{% endcomment %}", 2, "unexpected tag 'endcomment'"),
        ("{% background %}\n\n{% if %}{% endif %}{% endbackground %}", 3, "this .if. does not say what it needs"),
        ("{% background %}\r\n\r\n{% nope %}{% endbackground %}", 3, "unexpected tag 'nope'"),
        ("{% endbackground %}", 1, "unexpected tag 'endbackground'"),
        (f"{{% background {'n' * 256}: 1 %}}{{% endbackground %}}", 1, "256 characters"),
        (f"{{% background %}}{'x' * 70_000}{{% endbackground %}}", 1, "over 64 KB"),
    ],
)
def test_what_cannot_be_parsed_names_its_line(site: Any, source: str, line: int, message: str) -> None:
    with pytest.raises(LiquidError, match=message) as raised:
        site.render(source)
    context = raised.value.context()
    assert context is not None
    assert context[0] == line
    assert raised.value.template_name == "pages/page"
    assert site.jobs == []


def test_break_inside_a_loop_of_the_body_is_fine(site: Any) -> None:
    source = "{% background %}{% for i in (1..9) %}{{ i }}{% if i == 2 %}{% break %}{% endif %}{% endfor %}{% endbackground %}"
    assert site.run(source) == "12"


def test_an_error_in_a_later_job_names_the_pages_own_line_and_the_way_in(site: Any) -> None:
    site.write({"partials/a": "\n{% include 'b' %}", "partials/b": "\n\n{{ 'x' | date: 1, 2, 3, 4 }}"})
    site.render("one\ntwo {% background %}\n{% include 'a' %}{% endbackground %}")
    error = site.perform(site.job).error
    assert error is not None
    assert error.endswith("(partials/b:3, included from partials/a:2, included from pages/page:3)")

    site.engine.store.client.flushall()
    site.render("one\ntwo {% background %} \n  {% include 'nowhere' %}{% endbackground %}")
    assert site.perform(site.job).error == "partial 'nowhere' not found (pages/page:3)"


def test_an_error_that_a_filter_raises_is_located_too(site: Any) -> None:
    def explode(_: object) -> None:
        raise RuntimeError("no luck")

    site.engine.environment.add_filter("explode", explode)
    site.render("\n{% background %}\n{% if true %}\n{{ 1 | explode }}{% endif %}{% endbackground %}")
    assert site.perform(site.job).error == "RuntimeError: no luck (pages/page:4)"


def test_the_caret_points_into_the_page(site: Any) -> None:
    with pytest.raises(LiquidError) as raised:
        site.render("a\nb {% background delay: -1 %}{% endbackground %}")
    shown = str(raised.value)
    assert "pages/page:2:23" in shown
    assert "^" in shown
    assert "delay is -1; it must be minutes from 0 to 65535" in shown


def test_errors_of_a_partial_form_name_the_page(site: Any) -> None:
    site.write({"partials/bad": "\n{{ 1 | nosuch }}"})
    site.render("\n\n{% background _ = 'nowhere' %}{% background _ = 'bad' %}")
    errors = [site.perform(job).error for job in site.jobs]
    assert all("pages/page:3" in error for error in errors)
    assert any(error.endswith("(partials/bad:2, run from pages/page:3)") for error in errors)


class Gateway:
    """Has a name of its own for people, as a template has."""

    display_name = "THE GATEWAY"

    def fail(self, _: object) -> None:
        raise ValueError("boom\nline two")


def test_an_error_of_a_filter_is_one_line_with_the_way_in(site: Any) -> None:
    site.engine.environment.add_filter("fail", Gateway().fail)
    site.write({"partials/mid": "{% include 'deep' %}", "partials/deep": "\n{{ 1 | fail }}"})
    site.render("\n\n" + block("{% include 'mid' %}"))
    expected = "ValueError: boom line two (partials/deep:2, included from partials/mid:1, included from pages/page:3)"
    assert site.perform(site.job).error == expected


def test_an_option_with_an_equals_sign_is_explained(site: Any) -> None:
    with pytest.raises(LiquidSyntaxError, match="write source_name: …"):
        site.render("{% background source_name = 'x' %}{% endbackground %}")


def test_many_blocks_in_a_large_template(site: Any) -> None:
    filler = "<p>text</p>\n" * 15  # nearly as much as a template may have
    template = site.engine.environment.from_string((filler + block("x")) * 1000)
    assert len([node for node in template.nodes if isinstance(node, BackgroundNode)]) == 1000


@pytest.mark.parametrize(
    ("expression", "assigns"),
    [
        ("x = 'p'", True),
        ("_='p'", True),
        (" \n\tx\n=\n'p'", True),
        ("for = 'p'", True),
        ("a-b_1 = 'p'", True),
        ("1x = 'p'", True),
        ("x? = 'p'", True),
        ("é = 'p'", True),
        ("x =-1", True),
        ("x =", True),
        ("", False),
        ("x", False),
        ("= x", False),
        ("x == 1", False),
        ("x => 1", False),
        ("x != 1", False),
        ("-x = 'p'", False),
        ("1 = 'p'", False),
        ("-1 = 'p'", False),
        ("1.5 = 'p'", False),
        ("1-2 = 'p'", False),
        ("'x' = 'p'", False),
        ("x.y = 'p'", True),
        ("x[0] = 'p'", True),
        ("x . y['a'] [ b[0] ] = 'p'", True),
        ("x << 'p'", True),
        ("x.y 'p'", False),
        ("x[0 = 'p'", False),
        ("x: y = 'p'", False),
        ("x, y = 'p'", False),
    ],
)
def test_an_assignment_at_the_start_of_a_tag_is_told_by_its_first_tokens(expression: str, assigns: bool) -> None:
    token = Token(TOKEN_EXPRESSION, expression, 0, expression)
    assert starts_assignment(token) is assigns
    try:
        first, second, *_ = [*tokenize(expression, parent_token=token), token, token]
    except LiquidSyntaxError:
        return  # python-liquid has no token for it
    if second.kind in (TOKEN_DOT, TOKEN_IDENTINDEX):
        return  # a place in a list or object
    names = first.value[:1].isalnum() or first.value[:1] == "_"
    is_name = names and first.kind not in (TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT)
    assert (is_name and second.kind == TOKEN_ASSIGN) is assigns


def test_no_end_tag_is_missed_behind_what_is_no_partial_form(site: Any) -> None:
    for source in (
        "{% if a %}{% background x? = 'p' %}\n{% endif %}",
        "{% if a %}{% background 1x='p' %}\n{% endif %}",
    ):
        site.render(source)
    for wrong in ("-x = 1", "1 = 1"):
        tokens = list(site.engine.environment.tokenizer()(f"{{% background {wrong} %}}\n{{% if a %}}"))
        stream = Tokens(site.engine.environment, iter(tokens))
        stream.pos = 2
        opener = stream.opener()
        assert opener is not None
        assert opener.value == "background"
