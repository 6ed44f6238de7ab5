"""Values whose names look secret are masked, however the name is spelt and wherever it stands."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, urlencode

import pytest
from markupsafe import escape

from liquid_background.jobs.masking import MASK, MASKED, certain_part, hidden, looks_secret, mask

NAMES = ("password", "api_key")


@pytest.mark.parametrize(
    "name", ["password", "PASSWORD", "old_password_2", "api_key", "API-Key", "apiKey", "user.api_key"]
)
def test_a_name_looks_secret_however_it_is_spelt(name: str) -> None:
    assert looks_secret(name, NAMES)
    assert mask({name: "s3cret"}, NAMES) == {name: MASK}


@pytest.mark.parametrize("name", ["", "pass", "key", "user.api.key", "email"])
def test_other_names_do_not(name: str) -> None:
    assert not looks_secret(name, NAMES)
    assert mask({name: "plain"}, NAMES) == {name: "plain"}


def test_no_name_is_secret_where_none_is_listed() -> None:
    assert not looks_secret("password", ())
    assert mask({"password": "x"}, ()) == {"password": "x"}


def test_what_is_inside_lists_and_mappings_is_masked_and_what_was_given_stays() -> None:
    values = {"user": {"name": "Ada", "tokens": [{"apiKey": "k", "id": 1}], "password": {"old": "x"}}}
    shown = {"user": {"name": "Ada", "tokens": [{"apiKey": MASK, "id": 1}], "password": MASK}}
    assert mask(values, NAMES) == shown
    assert values["user"]["password"] == {"old": "x"}


def test_places_that_are_named_beside_values_are_masked_and_not_told() -> None:
    values = {
        "args": ["s3cret-1", 2, [3]],
        "kwargs": {"args": ["s3cret-4"]},
        MASKED: ["args.0", "kwargs.args.0", "x.0"],
    }
    assert mask(values, NAMES) == {"args": [MASK, 2, [3]], "kwargs": {"args": [MASK]}}
    assert mask({"parameters": values}, NAMES)["parameters"]["args"] == [MASK, 2, [3]]
    for given in (values, {"parameters": values, "handed_over": {}}):
        assert hidden("s3cret-1 and s3cret-4, not 2", given, NAMES) == f"{MASK} and {MASK}, not 2"
    for odd in ("args.0", None, 7, {"args.0": 1}, [7, None], [""]):
        assert mask({"args": ["a"], MASKED: odd}, NAMES) == {"args": ["a"]}


def test_a_list_or_object_at_a_named_place_is_masked_with_all_that_is_in_it() -> None:
    values = {"args": [{"pin": "in an object", "more": ["in a list"]}, "seen"], "$masked": ["args.0", ""]}
    assert mask(values, ()) == {"args": [MASK, "seen"]}
    assert hidden("in an object, in a list, seen", values, ()) == f"{MASK}, {MASK}, seen"


def test_only_so_many_places_count() -> None:
    values = {f"b{number}": "seen" for number in range(101)}
    found = mask({**values, "$masked": list(values)}, ())
    assert [*found.values()] == [MASK] * 100 + ["seen"]


def test_the_request_that_an_event_carries_is_masked_as_a_whole() -> None:
    request = {"params": {"q": "x"}, "headers": {"accept": "*/*"}}
    assert mask({"context": request, "order": {"context": request}}, NAMES) == {
        "context": MASK,
        "order": {"context": MASK},
    }
    assert mask({"context": {"params": 1, "mine": 2}}, NAMES) == {"context": {"params": 1, "mine": 2}}
    assert mask({"context": "a text"}, NAMES) == {"context": "a text"}


def test_secret_values_are_hidden_in_a_text_wherever_they_stand() -> None:
    values = {"api_key": "k-1234", "user": {"name": "Ada", "tokens": ["tk-1", 98765]}, "pin_code": "1", "on": True}
    text = "KeyError: k-1234 of Ada, tk-1 and 98765"
    assert hidden(text, values, ("api_key", "token")) == f"KeyError: {MASK} of Ada, {MASK} and {MASK}"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "partial 'Bearer eyJhbGciOiJIUz…' not found"),
        ("-----BEGIN KEY-----\nMIIE\n", r"KeyError: '-----BEGIN KEY-----\nMIIE\n'"),
        ("-----BEGIN KEY-----\nMIIE\n", r"KeyError: '-----BEGIN KEY-----\nMI…'"),
    ],
)
def test_a_secret_is_hidden_as_python_shows_it_and_where_a_text_cuts_it_short(secret: str, text: str) -> None:
    told = hidden(text, {"token": secret}, ("token",))
    assert told.replace("…", "") == text[: text.index("'") + 1] + MASK + text[text.rindex("'") :]


def test_what_begins_as_a_secret_and_is_whole_stays() -> None:
    secret = "https://shop.example/hook?key=1"
    text = "https://shop.example/other and https://shop.example/ot… failed"
    assert hidden(text, {"token": secret}, ("token",)) == text


def test_a_text_that_may_cut_a_secret_short_in_many_places_is_masked_as_a_whole() -> None:
    assert hidden("a" * 100_000 + "…", {"token": "a" * 90_000 + "b"}, ("token",)) == MASK


def test_no_secret_is_found_in_a_mask() -> None:
    """Else who chooses parts of the mask for secrets has a text grow, each of them making more places for the next."""
    parts = [MASK[first:last] for first in range(len(MASK)) for last in range(first + 3, len(MASK) + 1)]
    assert hidden("a k-1234", {"token": ["k-1234", *parts]}, ("token",)) == f"a {MASK}"
    assert hidden("asked", {"token": ["ask", "[masked]ed"]}, ("token",)) == f"{MASK}ed"


@pytest.mark.parametrize(("count", "length"), [(2_001, 10), (30, 1_000_000)])
def test_a_text_is_masked_as_a_whole_where_looking_for_all_secrets_would_take_long(count: int, length: int) -> None:
    secrets = [f"secret-{number:05}" for number in range(count)]
    assert hidden("x" * length, {"token": secrets}, ("token",)) == MASK
    assert hidden("x" * 10 + secrets[0], {"token": secrets[:20]}, ("token",)) == "x" * 10 + MASK


@pytest.mark.parametrize(
    "secret",
    ['it\'s "so" s3cr\\t', "it's s3cret", 'a "b" c', "pässwörd", "two\nlines\tof it", "<a>&b", "k/1+2 =", "\ud800xyz"],
)
def test_a_secret_is_hidden_however_what_it_stands_in_spells_it(secret: str) -> None:
    spelt = [
        *(repr(secret), ascii(secret), repr([secret, "'"]), repr(f"no '{secret}'"), repr(f'no "{secret}"')),
        *(json.dumps(secret), json.dumps({"a": secret}, ensure_ascii=False)),
        *(escape(secret), html.escape(secret), html.escape(secret, quote=False), " ".join(secret.split())),
        *(quote(secret, safe="", errors="replace"), urlencode({"q": secret}, errors="replace")),
    ]
    for text in spelt:
        told = hidden(f"error: {text}!", {"password": secret}, NAMES)
        assert MASK in told, text
        assert len(told) <= len("error: no  !") + len(MASK) + len("{'a': \"'\"}"), told


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("503 no", "503 no"),
        (f"key {MASK}: 503", ": 503"),
        (f"the token {MASK}", "the token "),
        ("with [mas", "with "),
        ("ed]: no", ": no"),
        ("[", ""),
        ("ask", ""),
        (MASK, ""),
        (f"a{MASK}bc{MASK}d", "bc"),
    ],
)
def test_the_part_of_a_text_that_no_mask_can_stand_for(text: str, part: str) -> None:
    assert certain_part(text) == part
