"""`json`: ordinary values are their text, and the field that cannot be written is named."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from liquid.exceptions import FilterArgumentError
from pydantic import AnyUrl, BaseModel, ConfigDict, HttpUrl, SecretStr, create_model

from liquid_background import Environment, NotExposed


class Size(Enum):
    SMALL = "small"
    AT = date(2024, 1, 2)


class Level(IntEnum):
    HIGH = 2


_ID = UUID("c0ffee00-0000-4000-8000-000000000000")
ORDINARY: list[tuple[object, object]] = [
    (datetime(2024, 1, 2, 3, 4, tzinfo=UTC), "2024-01-02T03:04:00+00:00"),
    (date(2024, 1, 2), "2024-01-02"),
    (time(3, 4), "03:04:00"),
    (timedelta(days=1), "1 day, 0:00:00"),
    (Decimal("1.50"), "1.50"),
    (_ID, str(_ID)),
    (Size.SMALL, "small"),
    (Size.AT, "2024-01-02"),
    (Level.HIGH, 2),
    (HttpUrl("http://shop.example"), "http://shop.example/"),
    (AnyUrl("ftp://shop.example/a"), "ftp://shop.example/a"),
    (PurePosixPath("/a"), "/a"),
    (ip_address("1.1.1.1"), "1.1.1.1"),
    (ip_address("::1"), "::1"),
]


def _json(found: object) -> Any:
    return json.loads(Environment().from_string("{{ found | json }}").render(found=found))


@pytest.mark.parametrize(("found", "text"), ORDINARY)
def test_ordinary_values_are_their_text(found: object, text: object) -> None:
    holder = create_model("Holder", __config__=ConfigDict(arbitrary_types_allowed=True), value=(type(found), ...))
    assert _json(holder(value=found)) == {"value": text}
    assert _json([found, {"a": found}]) == [text, {"a": text}]
    assert _json(found) == text


class Card(BaseModel):
    number: SecretStr = SecretStr("4111")


class Order(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    lines: list[Card] = []
    found: Any = None


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Card(), "what json is given has a field 'number' that is a SecretStr, which no rule exposes"),
        ({"a": [Order(lines=[Card()])]}, r"has a field 'a\[0\].lines\[0\]\.number' that is a SecretStr"),
        (Order(found={1}), "what json is given has a field 'found' that is a set, which JSON has no form for: pass"),
        ({"a": {"b": b"x"}}, r"what json is given has a field 'a\.b' that is a bytes"),
        ({1}, "what json is given is a set, which JSON has no form for"),
        ({"a" * 1_000: {1}}, r"has a field 'a{199} that is a set"),
        (SecretStr("4111"), "what json is given is a SecretStr, which no rule exposes"),
    ],
)
def test_the_field_that_cannot_be_written_is_named(found: object, says: str) -> None:
    with pytest.raises((NotExposed, FilterArgumentError), match=says) as raised:
        _json(found)
    assert "4111" not in str(raised.value)


def test_a_rule_of_the_application_comes_first() -> None:
    environment = Environment()
    environment.expose(Size, "name")
    assert environment.from_string("{{ size | json }}").render(size=Size.SMALL) == '{"name": "SMALL"}'
