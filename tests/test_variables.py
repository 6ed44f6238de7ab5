"""JSON that is given for a page: the values of an object, and what is refused."""

from __future__ import annotations

import pytest

from liquid_background.errors import NotPlain
from liquid_background.variables import MAX_DEPTH, parse_variables


def test_the_values_of_an_object_are_returned() -> None:
    assert parse_variables('{"a": [1, 2.5, null, "Zoë \\ud83d\\ude00"]}'.encode()) == {"a": [1, 2.5, None, "Zoë 😀"]}
    assert parse_variables('{"a": 1}'.encode("utf-8-sig")) == {"a": 1}
    deepest = b"[" * (MAX_DEPTH - 2) + b"]" * (MAX_DEPTH - 2)
    assert "a" in parse_variables(b'{"a":' + deepest + b"}")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"", "is not JSON: Expecting value"),
        (b'{"a": ', "is not JSON: Expecting value"),
        (b'{"a": "\xff"}', "is not JSON: .*decode"),
        (b"[1]", "holds a list, not a JSON object"),
        (b'{"a": NaN}', "holds NaN, which is not JSON"),
        (b'{"a": [{"b": -Infinity}]}', "holds -Infinity, which is not JSON"),
        (b'{"a": 1e999}', "holds a number that is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "holds a number that is too large"),
        (b'{"a": "\\ud800"}', "holds half of a surrogate pair"),
        (b'{"a": [{"\\udfff": 1}]}', "holds half of a surrogate pair"),
        (b"[" * 100_000, "is nested too deep"),
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "is nested too deep: at most 100"),
    ],
)
def test_what_a_page_could_not_work_with_is_refused_in_one_line(text: bytes, wrong: str) -> None:
    with pytest.raises(NotPlain, match=f"^{wrong}") as refused:
        parse_variables(text)
    assert str(refused.value).isprintable()
