"""Values to tagged JSON and back: what could not have been encoded is not decoded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from liquid_background.errors import NotPlain
from liquid_background.jobs.handover import decode, encode


def _nested(levels: int, value: object = 1) -> object:
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


MALFORMED = [
    *[
        {f"${kind}": item}
        for kind in ("uuid", "date", "datetime", "time", "decimal", "safe")
        for item in (5, None, [], {})
    ],
    *[{"$nope": "x"}, {"$": "x"}, {"$uuid": "x"}, {"$decimal": [0, [1], 2]}, {"$date": "2024-02-30"}],
    *[{"$range": item} for item in (5, "abc", {}, [], [0, 1, 0], [1.5], [0, 1, 2, 3])],
    *[{"$map": item} for item in (5, [1], [[1]], [[[], 1]], [[{"$decimal": "sNaN"}, 1]], [[1, {"$uuid": 5}]])],
    *[_nested(51), _nested(600), {"$map": [[1, _nested(50)]]}, float("nan"), float("inf"), 10**4_200],
]


@pytest.mark.parametrize("encoded", MALFORMED, ids=lambda value: type(value).__name__)
def test_what_was_never_encoded_is_not_decoded(encoded: Any) -> None:
    for nested in (encoded, [encoded], {"a": encoded}, {"$map": [["a", encoded]]}):
        with pytest.raises(NotPlain):
            decode(nested)


@pytest.mark.parametrize(
    "value", [_nested(50), _nested(49, {1: 2}), {1: _nested(49)}, _nested(50, UUID(int=7)), 10**3_900]
)
def test_what_can_be_encoded_can_be_decoded(value: Any) -> None:
    assert decode(encode(value)) == value
