"""How values are shown in messages: in quotes, cut short, and with what nobody sees named."""

from __future__ import annotations

import pytest

from liquid_background.language.syntax import show


@pytest.mark.parametrize("length", [0, 1, 76, 77, 78, 79, 80, 81, 6000])
@pytest.mark.parametrize("character", ["x", "é", "\t", "\u200b"])
def test_a_text_stands_in_quotes_however_long_it_is(length: int, character: str) -> None:
    shown = show(character * length)
    assert shown[0] == shown[-1] == "'"
    assert len(shown) <= 80
    assert ("…" in shown) == (len(show(character)[1:-1]) * length > 78)


def test_the_quotes_are_those_that_the_text_does_not_hold() -> None:
    assert show("it's") == '"it\'s"'
    assert show("it's " + "x" * 100).endswith('…"')
