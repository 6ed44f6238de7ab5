"""The filters of the dialect: what each makes, and that none of them takes more than there is room and time for."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Engine, Environment
from liquid_background.platformos.filters import FILTERS
from liquid_background.platformos.pattern import Pattern

Show = Callable[..., str]
DATA: dict[str, Any] = {
    "h": {"b": 1, "a": {"c": [1, 2]}},
    "l": [3, 1, 2],
    "bits": [0, 1],
    "likes": [{"n": "1", "is": 1}, {"n": "true", "is": True}, {"n": "false", "is": False}, {"n": "0", "is": 0}],
    "prices": [1.5, Decimal("2.5")],
    "people": [{"n": "Al", "age": 3}, {"n": "Bo", "age": 1}, {"n": "Cy"}],
    "at": datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
}
MADE = [
    ("'{\"a\": [1, null]}' | parse_json | json", '{"a": [1, null]}'),
    ("'[1]' | to_hash | first", "1"),
    ("none | parse_json", ""),
    ("h | parse_json | dig: 'b'", "1"),
    ("nothing.at.all | json", "null"),
    ("l | json: 1 | size", "14"),
    ("h | to_json", '{"b": 1, "a": {"c": [1, 2]}}'),
    ("h | hash_merge: b: 2, z: 'x' | json", '{"b": 2, "a": {"c": [1, 2]}, "z": "x"}'),
    ("none | hash_merge: h | hash_keys | join", "b a"),
    ("h | dig: 'a', 'c', 1", "2"),
    ("h | dig: 'x', 'c', 1", ""),
    ("h | fetch: 'a' | fetch: 'c' | fetch: -1", "2"),
    ("h | hash_add_key: 'k', 5 | hash_values | last", "5"),
    ("h | hash_delete_key: 'b'", "1"),
    ("h | hash_except: 'a' | json", '{"b": 1}'),
    ("h | hash_sort | json", '{"a": {"c": [1, 2]}, "b": 1}'),
    ("h | deep_clone | dig: 'b'", "1"),
    ("none | add_to_array: 1 | array_add: 'x' | json", '[1, "x"]'),
    ("l | prepend_to_array: 0 | json", "[0, 3, 1, 2]"),
    ("people | array_detect: n: 'Bo', age: 1 | fetch: 'n'", "Bo"),
    ("people | array_select: age: 3 | size", "1"),
    ("people | array_reject: age: 3 | size", "2"),
    ("l | array_include: 2", "true"),
    ("l | array_any: 9", "false"),
    ("'a,,b' | split: ',' | array_compact | json", '["a", "b"]'),
    ("'[0, 0.0, false, null, {}, 1]' | parse_json | array_compact | json", "[0, 0.0, 1]"),
    ("likes | array_select: is: true | array_map: 'n' | json", '["true"]'),
    ("likes | array_detect: is: 0 | fetch: 'n'", "0"),
    ("bits | array_include: true", "false"),
    ("bits | array_any: false", "false"),
    ("bits | array_index_of: 1", "1"),
    ("bits | add_to_array: true | array_index_of: true", "2"),
    ("bits | array_delete: false | json", "[0, 1]"),
    ("'[true, 1, 0]' | parse_json | array_intersect: bits | json", "[1, 0]"),
    ("'[false, 0, true]' | parse_json | subtract_array: bits | json", "[false, true]"),
    ("'[1,[2,[3]]]' | parse_json | array_flatten | json", "[1, 2, 3]"),
    ("people | array_group_by: 'age' | hash_keys | json", '["3", "1", ""]'),
    ("l | in_groups_of: 2 | json", "[[3, 1], [2, null]]"),
    ("l | array_index_of: 2", "2"),
    ("'[1,2]' | parse_json | array_intersect: l | json", "[1, 2]"),
    ("l | subtract_array: h.a.c | json", "[3]"),
    ("l | array_delete: 1 | json", "[3, 2]"),
    ("l | array_limit: 2 | json", "[3, 1]"),
    ("people | array_map: 'age' | json", "[3, 1, null]"),
    ("'Ⅷ Ωmega_ﬁ 1.. x̌' | slugify", "viii-mega_fi-1-x"),
    ("l | array_rotate | json", "[1, 2, 3]"),
    ("l | array_shuffle | size", "3"),
    ("people | array_sort_by: 'age' | array_map: 'n' | join", "Cy Bo Al"),
    ("l | array_sum", "6"),
    ("prices | array_sum", "4.0"),
    ("'Zażółć  gęślą, Straße!' | slugify", "zazolc-gesla-strasse"),
    ("'user_first_name' | humanize", "User first name"),
    ("'user first-name' | titleize", "User First Name"),
    ("'abc' | start_with: 'x', 'ab'", "true"),
    ("'abc' | end_with: 'b'", "false"),
    ("'a@b.co' | is_email_valid", "true"),
    ("'a b@b.co' | is_email_valid", "false"),
    ('\'{"a": [1, "x y"], "b": {"c": 2} }\' | parse_json | querify', "a%5B%5D=1&a%5B%5D=x+y&b%5Bc%5D=2"),
    ("'a\"</script>' | escape_javascript", 'a\\"\\x3c/script>'),
    ("'a&amp;' | raw_escape_string", "a&amp;amp;"),
    ("'<b>' | html_safe", "<b>"),
    ("'7' | to_positive_integer: 20", "7"),
    ("'-7' | to_positive_integer: 20", "20"),
    ("none | to_positive_integer", "1"),
    ("7 | pad_left: 3, '0'", "007"),
    ("h | type_of", "Hash"),
    ("none | uuid | size", "36"),
    ("12 | random_string | size", "12"),
    ("'a' | sha1", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("'a' | md5", "0cc175b9c0f1b6a831c399e269772661"),
    ("'a' | digest: 'sha256' | slice: 0, 8", "ca978112"),
    ("'a' | compute_hmac: 'k' | slice: 0, 8", "78da9151"),
    ("'2026-01-31 12:30' | to_time | json", None),
    ("at | strftime: '%d.%m.%Y %H:%M'", "31.01.2026 12:30"),
    ("at | strftime: '%H:%M', 'Europe/Warsaw'", "13:30"),
    ("at | add_to_time: 1, 'mo' | strftime: '%F'", "2026-02-28"),
    ("at | add_to_time: '2', 'd' | to_date", "2026-02-02"),
    ("at | time_diff: '2026-01-31T13:00:00Z', 'm'", "30.0"),
    ("'31.01.2026' | to_time: 'UTC', '%d.%m.%Y' | strftime: '%F'", "2026-01-31"),
    ("'2026-01-31' | to_time: 'America/New_York' | strftime: '%F %z'", "2026-01-31 -0500"),
    ("1769862600 | to_time | strftime: '%F'", "2026-01-31"),
    ("'Sat, 31 Jan 2026 12:30:00 +0000' | to_time | strftime: '%F'", "2026-01-31"),
    ("'2 days ago' | is_date_in_past", "true"),
    ("'in 5 minutes' | is_date_before: 'now'", "false"),
    ("'a/b' | matches: '^(x/[^/]+|a/[^/]++)$'", "true"),
    ("'AB' | matches: '(?i)^a\\w{1,2}$'", "true"),
    ("'a.b' | matches: '^[^.]+$'", "false"),
    ("'é-7' | matches: '^[^a-z_]{2}[a-f\\d]$'", "true"),
    ("'a' | matches: '[^a]'", "false"),
]


@pytest.mark.parametrize(("expression", "text"), MADE)
def test_what_a_filter_makes(show: Show, expression: str, text: str | None) -> None:
    made = show(f"{{{{ {expression} }}}}", **DATA)
    assert made == text or (text is None and made)


WRONG = [
    ("'{a' | parse_json", "parse_json is given a text that is no JSON: a key in double quotes"),
    ("'x' | hash_merge: h", "hash_merge needs an object, and is given the text 'x'"),
    ("l | dig: 'a'", "dig is given the key the text 'a' for a list"),
    ("h | dig", "dig needs a key, as in dig: 'user', 'email'"),
    ("3 | fetch: 'a'", "fetch needs an object or a list, and is given the number 3"),
    ("h | add_to_array: 1", "add_to_array needs a list, and is given an object"),
    ("0 | random_string", "takes the length from 1 to 1,024, and is given 0"),
    ("1025 | random_string", "takes the length from 1 to 1,024"),
    ("'x' | random_string", "needs a whole number for the length, and is given the text 'x'"),
    ("h | slugify", "slugify needs text, and is given an object"),
    ("'soon' | to_time", "to_time reads no time in the text 'soon': write it as 2026-11-26 18:30"),
    ("'now' | to_time: 'Mars/Base'", "knows no time zone 'Mars/Base': give it as Europe/Warsaw"),
    ("'now' | add_to_time: 1, 'fortnight'", "knows the units mo, y, ms, s, m, h, d, w, and is given 'fortnight'"),
    ("'now' | add_to_time: 9999999, 'y'", "gets beyond the years 1 to 9999"),
    ("'a' | digest: 'crc'", "knows md5, sha1, sha256, sha384, sha512, and is given 'crc'"),
    ("people | array_sort_by: 'mixed'", "finds values of different kinds at mixed"),
    ("'[\"a\"]' | parse_json | array_sum", "needs a list of numbers, in which there is the text 'a'"),
    ("h | hash_except: h", "hash_except needs keys, and is given an object"),
    ("'x' | matches: '('", "matches cannot use this expression: missing \\)"),
    ("'x' | matches: '(a)\\1'", "it looks around or back, which is not taken here"),
    ("'x' | matches: 'a{5000}'", "it repeats too much"),
    ("'X' | matches: 'a(?i:x)'", "flags such as i hold for the whole of it"),
    ("user | hash_merge: h", "hash_merge is given a _User, which is no plain data"),
    (
        "'x' | asset_url",
        r"answers no asset_url: give it a function with engine.environment.provide\('asset_url', funct",
    ),
    ("at | l: 'long'", r"answers no l: give it a function with engine.environment.provide\('l', function\)"),
]


@dataclass
class _User:
    name: str = "Ada"


@pytest.mark.parametrize(("expression", "said"), WRONG)
def test_what_a_filter_cannot_take(show: Show, expression: str, said: str) -> None:
    people = [{"mixed": 1}, {"mixed": "x"}]
    with pytest.raises(LiquidError, match=said) as raised:
        show(f"\n{{{{ {expression} }}}}", **{**DATA, "user": _User(), "people": people})
    assert raised.value.token is not None


RANGES = "".join(f"{chr(256 + 2 * at)}-{chr(257 + 2 * at)}" for at in range(160))
HUGE = [
    ("big | slugify", {"big": "é" * 1_000_001}),
    ("big | parse_json", {"big": "[" * 90_000 + "]" * 90_000}),
    ("big | parse_json", {"big": "[" * 500 + "]" * 500}),
    ("big | parse_json", {"big": "9" * 10_000}),
    ("big | add_to_array: 1", {"big": [0] * 100_001}),
    ("big | subtract_array: big", {"big": [*range(20_000)]}),
    ("big | matches: '^(a+)+$'", {"big": "a" * 900_000}),
    ("'x' | matches: big", {"big": "a" * 501}),
    ("'x' | matches: '(?:(?:(?:(?:){1999}){1999}){1999}){1999}'", {}),
    ("big | matches: '(?i)(?:[^bcdefghijk]){300}$'", {"big": "a" * 6_000}),
    ("big | matches: forks", {"big": "a" * 40_000, "forks": f"({'|' * 480}){{40}}x"}),
    ("big | parse_json", {"big": f"[{'[[[]]],' * 200_000}1]"}),
    ("big | querify", {"big": {"k" * 50_000: [0] * 90_000}}),
    ("big | querify", {"big": {"k" * 50_000: [{}] * 90_000}}),
    ("big | matches: ranges", {"big": "z" * 500_000, "ranges": f"[{RANGES}]"}),
    ("'x' | pad_left: 1000001", {}),
    ("at | strftime: big", {"big": "%Y" * 60}),
    ("big | to_time", {"big": "1" * 5_000}),
]


@pytest.mark.parametrize(("expression", "data"), HUGE, ids=[f"{at}-{each[0][:24]}" for at, each in enumerate(HUGE)])
def test_what_is_too_much_is_refused_soon(show: Show, expression: str, data: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(LiquidError):
        show(f"{{{{ {expression} }}}}", **{**DATA, **data})
    assert time.process_time() - began < 2


def test_no_expression_takes_long(show: Show) -> None:
    began = time.process_time()
    text = "a" * 2_000 + "!"
    assert show("{{ t | matches: '^(a+)+$' }}{{ t | matches: '(a|a)*b' }}{{ t | matches: 'a*a*a*a*b' }}", t=text) == (
        "falsefalsefalse"
    )
    assert time.process_time() - began < 2


def test_what_python_takes_for_another_one_is_looked_for_once(show: Show) -> None:
    data = {"ones": [1, *[True] * 4_500, 0, 2], "others": [*[True] * 4_500, 0.0]}
    began = time.process_time()
    shown = show("{{ ones | array_subtract: others | json }} {{ ones | array_intersect: others | json }}", **data)
    assert shown == "[1, 2] [true, 0]"
    shown = show("{% assign n = ones | array_intersect: others %}{{ others | array_intersect: n | json }}", **data)
    assert shown == "[true, 0.0]"
    assert time.process_time() - began < 1  # each took 2 s


def test_accents_without_end_are_no_work(show: Show) -> None:
    began = time.process_time()
    assert show("{{ t | slugify }}", t="a" + "\u0315\u0300" * 100_000 + "b") == "ab"
    assert show("{{ t | slugify }}", t="\ufdfa" * 300_000 + "b") == "b"
    assert time.process_time() - began < 2


def test_what_a_set_refuses_it_refuses_in_either_case(show: Show) -> None:
    source = "{% assign all = '(?i)[^a]$,(?i)[^b]$,[^a]$' | split: ',' %}"
    assert show(source + "{% for p in all %}{{ 'bA' | matches: p }} {% endfor %}") == "false true true "


def test_a_set_is_one_look_and_made_once(show: Show) -> None:
    letters = "".join(chr(256 + at) for at in range(480))
    began = time.process_time()
    assert show("{{ t | matches: p }}", t="z" * 400_000, p=f"[{letters}]") == "false"
    assert time.process_time() - began < 2
    tracemalloc.start()
    try:
        Pattern(f"[{letters}]{{990}}")
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_what_a_loop_gathers_is_measured(show: Show) -> None:
    source = "{% assign h = big %}{% for i in (1..40) %}{% assign h = h | hash_merge: a: h, b: h %}{% endfor %}"
    with pytest.raises(LiquidError, match=r"deep in each other|variables hold over"):
        show(source, big={"x": "x" * 1_000})


@pytest.mark.parametrize("name", sorted({function: name for name, function in FILTERS.items()}.values()))
def test_nothing_and_anything_raise_errors_of_liquid_only(show: Show, name: str) -> None:
    values = (None, "", "x", -1, 1.5, True, [], [1, [2]], {}, {"a": {"b": 1}}, DATA["at"], _User(), "\ud800", "9" * 30)
    source = "{% for left in values %}{% for x in others %}{% try %}{{ left | NAME: x }}{% catch e %}{{ e.name }} "
    source += "{% endtry %}{% try %}{{ left | NAME }}{% catch e %}{{ e.name }} {% endtry %}{% try %}"
    source += "{{ left | NAME: x, x }}{% catch e %}{{ e.name }} {% endtry %}{% endfor %}{% endfor %}"
    told = show(
        source.replace("NAME", name), values=values, others=[None, -1, "x", "%d%d", "\ud800%", {"a": [1]}, DATA["at"]]
    )
    assert {"TypeError", "ValueError", "AttributeError", "KeyError", "IndexError"}.isdisjoint(told.split())


def test_every_filter_is_told_of(show: Show) -> None:
    told = " ".join(expression for expression, _ in [*MADE, *WRONG])
    shown = {function for name, function in FILTERS.items() if f"| {name}" in told}
    untold = {name for name, function in FILTERS.items() if function not in shown}
    assert untold <= {"asset_path", "markdown", "markdownify", "localize", "translate", "nl2br", "new_line_to_br"}
    assert json.loads(show("{{ 'a\n' | nl2br | json }}")) == "a<br />\n"


def test_they_are_of_the_dialect_only() -> None:
    standard = Environment()
    with pytest.raises(LiquidError, match=r"unknown filter|slugify"):
        standard.from_string("{{ 'x' | slugify }}").render()


def test_the_next_engine_of_an_environment_brings_its_own_dialect(tmp_path: Path) -> None:
    environment = Environment()
    before = {**environment.tags}, {**environment.filters}, {*environment.hands_over}
    Engine(environment=environment, dialect="platformos", data_dir=tmp_path)
    environment.filters["slugify"] = str.upper  # the application's own
    environment.detach()
    Engine(environment=environment, data_dir=tmp_path)
    tags, filters, hands_over = before
    assert (environment.tags, environment.hands_over) == (tags, hands_over)
    assert environment.filters == {**filters, "slugify": str.upper}
