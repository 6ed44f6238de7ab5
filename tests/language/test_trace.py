"""The way that a render took to an error, for errors of each kind and place."""

from __future__ import annotations

from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background.language.syntax import trace


class Shy:
    """An application's object whose attributes must not be touched."""

    @property
    def token(self) -> object:
        raise AssertionError("nobody asked for it")

    def fail(self, value: object) -> object:
        raise KeyError(value)


def _places(site: Any, source: str) -> list[str]:
    with pytest.raises((LiquidError, KeyError)) as raised:
        site.render(source)
    return [f"{place}:{place.column}" for place in trace(raised.value)]


@pytest.fixture
def site(site: Any) -> Any:
    site.engine.environment.add_filter("fail", Shy().fail)
    site.write(
        {
            "partials/fails": "one\n {{ 1 | fail }}",
            "partials/way": "{% if true %}\n{% render 'fails' %}{% endif %}",
            "partials/broken": "a\n  {% nope %}",
            "partials/call": "{% return x | fail %}",
            "partials/breaks": "b\n{% break %}c",
            "partials/into_breaks": "{% if true %}\n {% include 'breaks' %}{% endif %}",
            "partials/down": "{% if n < 3 %}{% assign m = n | plus: 1 %}{% include 'down', n: m %}{% else %}{{ 1 | fail }}{% endif %}",
        }
    )
    return site


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x\n{{ 'a' | fail }}", ["pages/page:2:9"]),
        ("---\nslug: s\n---\n{{ 'a' | fail }}", ["pages/page:4:9"]),
        ("{% include 'fails' %}", ["pages/page:1:3", "partials/fails:2:8"]),
        ("\n{% include 'way' %}", ["pages/page:2:3", "partials/way:2:3", "partials/fails:2:8"]),
        ("{% include 'broken' %}", ["pages/page:1:3", "partials/broken:2:5"]),
        ("{% include 'nowhere' %}", ["pages/page:1:11"]),
        ("{% function x = 'call' %}", ["pages/page:1:3", "partials/call:1:14"]),
        ("{% nope %}", ["pages/page:1:3"]),
        ("x\n{% break %}", ["pages/page:2:3"]),
        ("x\n{% include 'breaks' %}", ["pages/page:2:3", "partials/breaks:2:3"]),
        ("{% render 'breaks' %}", ["pages/page:1:3", "partials/breaks:2:3"]),
        ("{% include 'into_breaks' %}", ["pages/page:1:3", "partials/into_breaks:2:4", "partials/breaks:2:3"]),
        ("---\na: [\n---\n", ["pages/page:2:3"]),
        ("{% include 'down', n: 1 %}", ["pages/page:1:3", *["partials/down:1:45"] * 2, "partials/down:1:85"]),
    ],
)
def test_places_from_the_page_to_the_error(site: Any, source: str, expected: list[str]) -> None:
    assert _places(site, source) == expected
