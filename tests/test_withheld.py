"""The patterns of NEVER_SHIP: which paths they mean, and which texts are none."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

from liquid_background import SettingsError
from liquid_background.settings import load_settings
from liquid_background.withheld import NeverShip, check_pattern

Person = namedtuple("Person", "name card")


@pytest.mark.parametrize(
    ("pattern", "path", "value", "met"),
    [
        ("user.card", "user.card", None, "user.card"),
        ("user.card", "user", {"card": None}, "user.card"),
        ("user.card", "user", {"name": "x"}, None),
        ("user.card", "user.card.number", 1, "user.card"),
        ("user.card", "order.user.card", 1, "order.user.card"),
        ("user.card", "order", {"user": {"card": 1}}, "order.user.card"),
        ("user.card", "user.cards", 1, None),
        ("user.card", "users", {"card": 1}, None),
        ("user.card", "user.home.card", 1, None),
        ("user.card", "card", 1, None),
        ("User.Credit-Card", "user.creditCard", 1, "user.creditCard"),
        ("user.api_key", "USER", {"API-Key": 1}, "USER.API-Key"),
        ("*.password", "password", 1, "password"),
        ("*.password", "a.b.password", 1, "a.b.password"),
        ("password", "user", {"a": [{"password": 1}]}, "user.a[0].password"),
        ("user.*.card", "user.card", 1, None),
        ("user.*.card", "user.home.card", 1, "user.home.card"),
        ("user.*.card", "user.a.b.card", 1, None),
        ("user.**.card", "user.card", 1, "user.card"),
        ("user.**.card", "user.a.b.card", 1, "user.a.b.card"),
        ("user.**.card", "user", {"a": {"b": [{"card": 1}]}}, "user.a.b[0].card"),
        ("user.*", "user", 1, None),
        ("user.*", "user.name", 1, "user.name"),
        ("user.**", "user", 1, "user"),
        ("*token*", "csrf_token_1", 1, "csrf_token_1"),
        ("user.to*", "user.tokens", 1, "user.tokens"),
        ("user.to*", "user.no_token", 1, None),
        ("users.card", "users", [{"card": 1}], "users[0].card"),
        ("users.*.card", "users", [{"card": 1}], "users[0].card"),
        ("users.*.card", "users", {"7": {"card": 1}}, "users.7.card"),
        ("users.1.card", "users", [{"card": 1}], None),
        ("users.1.card", "users", [{}, {"card": 1}], "users[1].card"),
        ("user.card", "user", Person("Ada", 1), "user.card"),
        ("user.card", "user", [[[{"card": 1}]]], "user[0][0][0].card"),
        ("user.7", "user", {7: 1}, "user.7"),
        ("user.card", "user", "card", None),
    ],
)
def test_what_a_pattern_means(pattern: str, path: str, value: Any, met: str | None) -> None:
    found = NeverShip([pattern]).search(path.split("."), value)
    assert (found and found.path) == met
    assert found is None or found.pattern == pattern


def test_a_name_that_nobody_knows_may_be_any() -> None:
    never_ship = NeverShip(["user.card"])
    assert never_ship.at(["user", None])
    assert never_ship.at([None, "name"]) is None
    assert NeverShip().search(["user", None], {"card": 1}) is None
    assert not NeverShip()


def test_what_may_be_inside_is_told_by_where_a_pattern_begins() -> None:
    never_ship = NeverShip(["*.password", "user.home.**.pin"])
    assert never_ship.begun_by(["user"]) == never_ship.begun_by(["user", "home", "x"]) == "user.home.**.pin"
    assert never_ship.begun_by(["user", "name"]) == never_ship.begun_by(["order"]) == ""


def test_values_without_what_is_never_shipped() -> None:
    never_ship = NeverShip(["*.password", "session.pin"])
    value = {"password": 1, "q": [{"pin": 1, "Pass-Word": 2, "z": (3, {"password": 4})}]}
    assert never_ship.without(["params"], value) == {"q": [{"pin": 1, "z": [3, {}]}]}
    assert never_ship.without(["session"], {"pin": 1}) == {}
    assert never_ship.without(["session", "pin"], {"a": 1}) is None
    same = {"q": object()}
    assert never_ship.without(["params"], same) is same


def test_values_that_are_in_themselves_or_in_there_many_times_end() -> None:
    never_ship = NeverShip(["user.**.card", "pin"])
    circle: list[Any] = [1]
    circle += [circle, {"again": circle}]
    wide: Any = {"name": "x"}
    for _ in range(40):
        wide = [wide, wide]
    for value in (circle, wide):
        assert never_ship.search(["user"], value) is None
    wide = {"a": wide, "b": {"pin": 1}, "c": circle}
    found = never_ship.search(["user"], wide)
    assert found is not None
    assert found.path == "user.b.pin"
    assert never_ship.without(["user"], wide)["b"] == {}


def test_a_path_is_shown_in_one_short_line() -> None:
    found = NeverShip(["*.card"]).search(["user"], {"a\nb" * 100: {"card": 1}})
    assert found is not None
    assert len(found.path) == 100
    assert found.path.isprintable()


WRONG = [
    "",
    "user..card",
    ".card",
    "card.",
    "*",
    "**",
    "*.**",
    "user.**x",
    "user card",
    "user[0]",
    'user."card"',
    "a\x07",
]


@pytest.mark.parametrize("text", WRONG, ids=repr)
def test_a_text_that_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|stands alone"):
        check_pattern(text)


@pytest.mark.parametrize("given", ["user..card", "user.card,*", ["user.card", "x y"]])
def test_the_setting_refuses_it_and_names_itself(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"^setting never_ship: '.*LIQUID_BACKGROUND_NEVER_SHIP"):
        load_settings(never_ship=given)
    if isinstance(given, str):
        monkeypatch.setenv("LIQUID_BACKGROUND_NEVER_SHIP", given)
        with pytest.raises(SettingsError, match="never_ship"):
            load_settings()


def test_the_setting_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_NEVER_SHIP", "user.card, *.password,")
    assert load_settings().never_ship == ("user.card", "*.password")
