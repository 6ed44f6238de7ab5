"""What is said of an option that has no value: the expression, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from liquid import StrictUndefined

from liquid_background import ArgumentError
from tests.language.conftest import block

OUT = "give it a default, or leave the option out"
PRIORITY = "it must be 'low', 'default' or 'high'"

# (option, what is said)
SAID = [
    ("priority: high", "priority: high: `high` is a variable without a value; quote it: 'high'"),
    ("priority: hgih", "priority: hgih: `hgih` is a variable without a value; did you mean 'high'?"),
    ("priority: rank", f"priority: rank: `rank` is a variable without a value; {PRIORITY}"),
    (
        "priority: order.rank",
        f"priority: order.rank: `order.rank` is a variable without a value; {PRIORITY}: {OUT}",
    ),
    ("priority: list | first", f"priority: list | first: `list | first` has no value; {PRIORITY}: {OUT}"),
    (
        "priority: high | downcase",
        f"priority is ''; {PRIORITY}: give `high | downcase` a default, or leave the option out",
    ),
    ("delay: empty_text", "delay is ' '; it must be minutes from 0 to 65535: give `empty_text` a default, or leave"),
    ("delay: ''", "delay is ''; it must be minutes from 0 to 65535: leave the option out for its default"),
    ("delay: 10s", "delay: 10s: `10s` is a variable without a value; write 0.1667, in minutes"),
    ("delay: soon", "delay: soon: `soon` is a variable without a value; it must be minutes from 0 to 65535"),
    ("max_attempts: 3x", "max_attempts: 3x: `3x` is a variable without a value; write 3"),
    (
        "source_name: send_email",
        "source_name: send_email: `send_email` is a variable without a value; quote it: 'send_email'",
    ),
    ("send_email", "source_name: send_email: `send_email` is a variable without a value; quote it: 'send_email'"),
    ("source_name: nil", "source_name is nil; it must be 1 to 100 letters, digits, - and _: leave the option out"),
]


def test_strict_names_the_expression_and_says_what_to_write(site: Any) -> None:
    for option, said in SAID:
        with pytest.raises(ArgumentError) as raised:
            site.render(
                f"{block('')}\n{{% background {option} %}}x{{% endbackground %}}", {"empty_text": " ", "list": []}
            )
        assert str(raised.value.message).startswith(said)
        assert (raised.value.template_name, raised.value.context()[0]) == ("pages/page", 2)
    assert site.jobs == []


def test_every_form_says_it(site: Any) -> None:
    for source in (
        "{% background _ = 'p', priority: high %}",
        "{% background _ = p, priority: high %}",
        "<% background _ = 'p', priority: high %>",
        "<% background priority: high %>x<% endbackground %>",
        "{% liquid background _ = 'p', priority: high %}",
        "{% liquid background priority: high\necho 1\nendbackground %}",
    ):
        with pytest.raises(
            ArgumentError, match="priority: high: `high` is a variable without a value; quote it: 'high'"
        ):
            site.render(source, {"p": "p"})


def test_a_job_says_it_with_the_pages_line(site: Any) -> None:
    site.render("\n" + block(block("x", "priority: high")))
    assert site.perform(site.job).error == (
        "priority: high: `high` is a variable without a value; quote it: 'high' (pages/page:2)"
    )


def test_a_strict_undefined_says_it(make_site: Callable[..., Any]) -> None:
    with pytest.raises(ArgumentError, match="quote it: 'high'"):
        make_site(undefined=StrictUndefined).render(block("x", "priority: high"))


def test_a_partial_without_a_value_says_it(site: Any) -> None:
    with pytest.raises(
        ArgumentError, match="the partial to run is `mail`, a variable without a value; quote it: 'mail'"
    ):
        site.render("{% background _ = mail %}")
