"""Names without quotes: what is surely text or a number is an error, what nothing gives a value a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.lint import Finding, check_files
from tests.lint.test_lint import block, findings, rules

# (what a block is given, rule, beginning of the message, what to do)
UNQUOTED = [
    ("priority: high", "option", "priority: high: `high` is a variable without a value", "quote it: 'high'"),
    ("priority: default", "option", "priority: default: `default` is", "quote it: 'default'"),
    ("delay: 10s", "option", "delay: 10s: `10s` is a variable without a value", "write 0.1667, in minutes"),
    ("delay: 5m", "option", "delay: 5m: `5m` is", "write 5, in minutes"),
    ("delay: 1h30m", "option", "delay: 1h30m: `1h30m` is", "write 90, in minutes"),
    ("delay: 7d", "option", "delay: 7d: `7d` is", "write 10080, in minutes"),
    ("delay: 100d", "option", "delay: 100d: `100d` is", "it must be minutes from 0 to 65535"),
    ("delay: 10x", "option", "delay: 10x: `10x` is", "it must be minutes from 0 to 65535"),
    ("max_attempts: 3x", "option", "max_attempts: 3x: `3x` is a variable without a value", "write 3"),
    ("max_attempts: 9x", "option", "max_attempts: 9x: `9x` is", "it must be an integer from 1 to 5"),
    ("wait: 5m", "option", "wait: 5m: `5m` is a variable without a value", "quote it: '5m', or write the number alone"),
    ("priority: hgih", "unquoted", "priority: nothing here gives `hgih` a value", "did you mean 'high'?"),
    ("delay: soon", "unquoted", "delay: nothing here gives `soon` a value", "it must be minutes from 0 to 65535"),
    ("max_attempts: three", "unquoted", "max_attempts: nothing here gives `three` a value", "it must be an integer"),
    ("source_name: send-email", "unquoted", "source_name: nothing here gives `send-email`", "quote it: 'send-email'"),
]

# Numbers with something around them, which do not parse at all.
BROKEN = [
    ("delay: 10 s", "delay: `10 s` is no number; write 0.1667, in minutes"),
    ("delay: 1.5h", "delay: `1.5h` is no number; write 90, in minutes"),
    ("delay: 1,5", "delay: `1,5` is no number; write 1.5"),
    ("delay: .5", "delay: `.5` is no number; write 0.5"),
    ("delay: 5.minutes", "delay: `5.minutes` is no number; write 5, in minutes"),
    ("delay: five minutes", "delay: `five minutes` is no number; it must be minutes from 0 to 65535"),
    ("delay: 00:10", "delay: `00:10` is no number; it must be minutes from 0 to 65535"),
    ("max_attempts: 3 times", "max_attempts: `3 times` is no number; write 3"),
    ("priority: :high", "priority: `:high` is not one text in quotes; did you mean 'high'?"),
    (
        "priority: 'high' 'x', delay: 1",
        "priority: `'high' 'x'` is not one text in quotes; it must be 'low', 'default' or 'high'",
    ),
    ("source_name: send the email", "source_name: `send the email` is not one text in quotes; write 'send_the_email'"),
]

CLEAN = [
    "{% assign rank = 'low' %}" + block("x", "priority: rank"),
    "{% capture rank %}low{% endcapture %}" + block("x", "priority: rank"),
    "{% for wait in waits %}" + block("x", "delay: wait") + "{% endfor %}",
    "{% function rank = 'mail' %}" + block("x", "priority: rank"),
    "{% liquid assign 5m = 5 %}" + block("{{ a }}", "delay: 5m, a: 5m"),
    "{% include name %}" + block("x", "priority: rank"),
    "{% include 'sets' %}" + block("x", "priority: rank"),
    block(block("x", "priority: rank").replace("'s'", "'t'"), "rank: 'low'"),
    block("x", "priority: order.rank, delay: order.wait"),
    block("x", "priority: rank | default: 'low'"),
    block("{{ u }}{{ v }}", "u: user, v: v2"),
    "{% increment n %}" + block("x", "max_attempts: n"),
]


def _found(root: Path, source: str) -> list[Finding]:
    (root / "partials").mkdir(exist_ok=True)
    (root / "partials/sets.liquid").write_text("{% assign rank = 'low' %}")
    return findings(root, source)


def _said(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(item.rule.name, item.message, item.fix) for item in found]


def test_what_is_unquoted_is_told_once_with_what_to_do(tmp_path: Path) -> None:
    for arguments, rule, message, fix in UNQUOTED:
        source = f"\n{{% background {arguments} %}}{{{{ wait }}}}{{% endbackground %}}"
        found = [item for item in _found(tmp_path, source) if item.rule.name in ("option", "unquoted")]
        ((name, said, to_do),) = _said(found)
        assert (name, said[: len(message)], to_do[: len(fix)]) == (rule, message, fix), arguments
        assert (found[0].line, found[0].column) == (2, source.index(arguments.split()[-1]) - 1)


def test_a_number_with_more_around_it_says_what_to_write(tmp_path: Path) -> None:
    for arguments, message in BROKEN:
        source = f"{{% background {arguments} %}}x{{% endbackground %}}"
        ((rule, said, _), *_) = _said(_found(tmp_path, source))
        assert (rule, said[: len(message)]) == ("option", message)


def test_names_that_something_gives_a_value_are_right(tmp_path: Path) -> None:
    for source in CLEAN:
        assert _said(_found(tmp_path, source)) == [], source


def test_every_form_is_looked_at(tmp_path: Path) -> None:
    for source in (
        "{% background _ = 'mail', priority: high, source_name: 's' %}",
        "{% liquid\n background _ = 'mail', priority: high, source_name: 's' %}",
        "{% liquid\n background source_name: 's', priority: high\n echo 1\n endbackground %}",
        "<% background source_name: 's', priority: high %>x<% endbackground %>",
        block(block("x", "priority: high").replace("'s'", "'t'")),
        "{% if a %}" + block("x", "priority: high") + "{% endif %}",
    ):
        assert [rule for rule, _ in rules(tmp_path, source)] == ["option"], source
    ((rule, said, fix),) = _said(_found(tmp_path, "{% background nightly %}x{% endbackground %}"))
    assert (rule, fix) == ("unquoted", "quote it: 'nightly'")
    ((rule, said, fix),) = _said(_found(tmp_path, "{% background _ = mail %}"))
    assert (rule, said) == ("unquoted", "the partial to run: nothing here gives `mail` a value")
    assert fix == "quote it: 'mail'"


@pytest.mark.parametrize(
    "gives", ["{% include 'inner', rank: 'low' %}", "{% liquid assign rank = 'low'\n include 'inner' %}"]
)
def test_a_partial_may_be_given_names_by_others(tmp_path: Path, gives: str) -> None:
    for folder in ("pages", "partials"):
        (tmp_path / folder).mkdir()
    inner = tmp_path / "partials/inner.liquid"
    inner.write_text(block("x", "priority: rank"))
    page = tmp_path / "pages/page.liquid"
    page.write_text("{% include 'inner' %}")
    environment = Environment(loader=SiteLoader(tmp_path))
    assert [item.rule.name for item in check_files(environment, [inner])] == ["unquoted"]
    page.write_text(gives)
    assert check_files(environment, [inner]) == []


def test_a_partial_form_needs_no_source_name(tmp_path: Path) -> None:
    assert rules(tmp_path, "{% background _ = 'mail', email: 1 %}") == []


def test_a_partial_form_without_a_name_says_what_to_write(tmp_path: Path) -> None:
    for source in ("{% background = 'mail' %}", "{% liquid\n background = 'mail' %}"):
        ((rule, said, _), *_) = _said(_found(tmp_path, source))
        assert (rule, said) == (
            "syntax",
            "the name that receives the job's id is missing: write `_ = 'name/of/a/partial'`",
        )


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("trigger_event paid", "the event: nothing here gives `paid` a value"),
        ("log x, type: error", "the type: nothing here gives `error` a value"),
        ("log x, error", "the type: nothing here gives `error` a value"),
        ("function a = welcome", "the partial: nothing here gives `welcome` a value"),
        ("trigger_event x", ""),
        ("log x, type: x", ""),
    ],
)
def test_a_name_without_quotes_is_found_in_each_tag_that_takes_one(tmp_path: Path, tag: str, told: str) -> None:
    (tmp_path / "pages").mkdir()
    page = tmp_path / "pages/page.liquid"
    page.write_text(f"{{% assign x = 'mail' %}}{{% {tag} %}}")
    environment = Environment(loader=SiteLoader(tmp_path))
    found = [each.message for each in check_files(environment, [page]) if each.rule.name == "unquoted"]
    assert found == ([told] if told else [])


def test_a_partial_may_be_given_the_names_of_its_tags_by_anybody(tmp_path: Path) -> None:
    (tmp_path / "partials").mkdir()
    partial = tmp_path / "partials/fire.liquid"
    partial.write_text("{% log x, type: kind %}{% function a = hook %}{% trigger_event event %}")
    assert not check_files(Environment(loader=SiteLoader(tmp_path)), [partial])
