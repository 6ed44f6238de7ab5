"""The text of an error shows a part of a long line, whose error it may be."""

from __future__ import annotations

import warnings

import pytest
from liquid import DictLoader, Mode
from liquid.exceptions import LiquidError

from liquid_background import Environment

LONG = "x" * 100_000


class Boom:
    def __str__(self) -> str:
        raise KeyError("boom")


@pytest.mark.parametrize(
    "source",
    [
        LONG + "{{ 'a' | nope }}" + LONG,
        LONG + "{% if %}" + LONG,
        LONG + "{% include 'p' %}",
        LONG + "{% include 'none' %}",
        LONG + "{{ boom }}" + LONG,
        LONG + "{{ (1..9999999) | join }}" + LONG,
        "{% if 1 %}" * 200 + LONG,
        "{{ '" + LONG + "' | nope }}",
        "{% " + "a" * 100_000 + " %}",
    ],
    ids=["filter", "syntax", "in a partial", "no partial", "python", "limit", "nesting", "long token", "long name"],
)
@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.WARN])
def test_an_error_in_a_long_line_has_a_short_text(source: str, mode: Mode) -> None:
    loader = DictLoader({"p": LONG + "{{ 'a' | nope }}" + LONG})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            Environment(loader=loader, tolerance=mode).from_string(source, name="page").render(boom=Boom())
            texts = [str(each.message) for each in caught]
        except LiquidError as error:
            texts = [str(error)]
    assert texts
    assert max(map(len, texts)) < 10_000


def test_the_place_is_the_true_one_and_the_caret_below_it() -> None:
    with pytest.raises(LiquidError) as raised:
        Environment().from_string(f"a\n{LONG}{{{{ 'a' | nope }}}}{LONG}", name="page").render()
    _, place, _, line, caret, *_ = str(raised.value).splitlines()
    assert place.endswith("page:2:100009")
    assert line[caret.index("^") :].startswith("nope }}")
    assert raised.value.context()[0] == 2


def test_a_short_line_is_shown_as_ever() -> None:
    with pytest.raises(LiquidError) as raised:
        Environment().from_string("a\n{{ 'a' | nope }}\nb", name="page").render()
    wrong = "unknown filter 'nope': register it with environment.add_filter"
    assert str(raised.value) == f"{wrong}\n  -> page:2:9\n  |\n2 | {{{{ 'a' | nope }}}}\n  |          ^^^^ {wrong}\n"
