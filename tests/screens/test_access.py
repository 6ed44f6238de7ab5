"""What a host's `authorize` may answer, and what becomes of whom it names."""

from __future__ import annotations

from typing import Any

import pytest

from liquid_background.errors import SettingsError
from liquid_background.screens import ACTIONS, Action, Visitor
from liquid_background.screens.access import visitor_of


def test_what_may_be_answered() -> None:
    assert visitor_of(None, "ada") is None
    assert visitor_of("read", "ada") == Visitor("ada", frozenset())
    assert visitor_of(ACTIONS, "ada") == Visitor("ada", ACTIONS)
    for some in ({"retry", "cancel"}, ["retry", "cancel"], ("retry", "cancel"), {Action.RETRY, Action.CANCEL}):
        assert visitor_of(some, "ada") == Visitor("ada", frozenset({Action.RETRY, Action.CANCEL}))
    for nothing in (set(), [], frozenset()):
        assert visitor_of(nothing, "ada") is None


ODD: list[Any] = [
    *(True, False, 1, 0, "", "write", "retry", "READ", b"read", object(), {"retry": False}, {"retry": True}),
    *({"retri"}, {"read"}, {"read", "retry"}, [None], [True], [[]], {"retry", ""}, (each for each in ("retry",))),
]


@pytest.mark.parametrize("answer", ODD, ids=map(str, range(len(ODD))))
def test_what_is_none_of_these_is_no_yes(answer: Any) -> None:
    with pytest.raises(SettingsError, match="authorize "):
        visitor_of(answer, "ada")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ada@shop.example", "ada@shop.example"),
        ("  ada \n lovelace\t", "ada lovelace"),
        ("", "dashboard"),
        (None, "dashboard"),
        (7, "7"),
        ("a\x00\x1b[2J", "a\\x00\\x1b[2J"),
        ("ada\u202emoc", "ada\\u202emoc"),
        ("a\ud800", "a\\ud800"),
        ("x" * 300, "x" * 99 + "…"),
    ],
)
def test_a_name_is_one_short_line(name: Any, shown: str) -> None:
    visitor = visitor_of("read", name)
    assert visitor is not None
    assert visitor.name == shown
