"""Number filters take a `Decimal` for the exact number that it is, in pages and in jobs."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background.errors import LimitReached
from tests.language.conftest import block

PRICE = Decimal("19.99")


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("price | times: 2", "39.98"),
        ("price | times: 1.1", "21.989"),
        ("price | times: '1.1'", "21.989"),
        ("3 | times: price", "59.97"),
        ("'3' | times: price", "59.97"),
        ("0.1 | plus: tenth | plus: tenth", "0.3"),
        ("price | plus: 1", "20.99"),
        ("price | plus: price", "39.98"),
        ("price | minus: 0.99", "19.00"),
        ("20 | minus: price", "0.01"),
        ("price | divided_by: 2", "9.995"),
        ("100 | divided_by: round", "40"),
        ("price | modulo: 5", "4.99"),
        ("7 | modulo: round", "2.0"),
        ("price | abs", "19.99"),
        ("below | abs", "1.50"),
        ("'-1' | plus: tenth | abs", "0.9"),
        ("price | ceil", "20"),
        ("price | floor", "19"),
        ("below | ceil", "-1"),
        ("below | floor", "-2"),
        ("price | round", "20"),
        ("price | round: 1", "20.0"),
        ("price | round: 3", "19.990"),
        ("price | round: -1", "0"),
        ("price | round: places", "20.0"),
        ("1.55 | round: places", "1.6"),
        ("price | at_least: 25", "25"),
        ("price | at_least: 5", "19.99"),
        ("price | at_most: 5.5", "5.5"),
        ("25 | at_most: price", "19.99"),
        ("price | times: 2 | plus: 0.02 | divided_by: 4", "10.00"),
        ("hundred | times: 5", "500"),
        ("price | plus: nothing", "19.99"),
        ("nothing | plus: price", "19.99"),
        ("price | plus: 'x'", "19.99"),
        ("price | times: true", "19.99"),
        ("huge | plus: 1", "123456789012345678901234567891.01"),
        ("huge | abs", "123456789012345678901234567890.01"),
        ("prices | sum", "21.59"),
        ("items | sum: 'price'", "21.49"),
        ("items | map: 'price' | sum | times: 2", "42.98"),
        ("prices | sort_numeric | join: ' '", "0.10 1.50 19.99"),
        ("items | sort_numeric: 'price' | map: 'price' | join: ' '", "1.50 19.99"),
        ("prices | sort | first", "0.10"),
        ("numbers | sum", "6.5"),
        ("nothing | sum", "0"),
    ],
)
def test_a_decimal_is_the_exact_number(site: Any, expression: str, printed: str) -> None:
    data: dict[str, Any] = {
        "price": PRICE,
        "tenth": Decimal("0.1"),
        "round": Decimal("2.5"),
        "below": Decimal("-1.50"),
        "places": Decimal(1),
        "hundred": Decimal("1E+2"),
        "huge": Decimal("123456789012345678901234567890.01"),
        "prices": [PRICE, Decimal("0.10"), Decimal("1.50")],
        "items": [{"price": PRICE}, {"price": Decimal("1.50")}],
        "numbers": [1, 2.5, "3"],
    }
    assert site.render(f"{{{{ {expression} }}}}", data) == printed
    template = site.engine.environment.from_string(f"{{% assign x = {expression} %}}{{{{ x }}}}")
    assert asyncio.run(template.render_async(**data)) == printed


def test_a_job_is_handed_the_exact_number(site: Any) -> None:
    source = block(
        "{% assign p = order.price %}{{ p | times: 3 }} {{ each | plus: p }} {{ all | sum }}",
        "source_name: 's', each: order.price, all: order.all",
    )
    data = {"order": {"price": PRICE, "all": [PRICE, Decimal("0.01")]}}
    assert site.run(source, data) == "59.97 39.98 20.00"
    made = block("{{ twice }}", "source_name: 's', twice: order.price | times: 2")
    assert site.run(made, data) == "39.98"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("price | divided_by: 0", "divided_by: can't divide by 0"),
        ("5 | divided_by: zero", "divided_by: can't divide by 0.00"),
        ("price | modulo: 'x'", "modulo: can't divide by x"),
        ("zero | divided_by: zero", "divided_by: can't divide by 0.00"),
        ("nan | at_least: 1", "at_least: NaN is not"),
        ("infinite | round", "round: Infinity is not"),
        ("price | plus: 1, 2", "plus"),
    ],
)
def test_what_is_not_to_be_calculated_says_so(site: Any, expression: str, said: str) -> None:
    data = {"price": PRICE, "zero": Decimal("0.00"), "nan": Decimal("NaN"), "infinite": Decimal("Infinity")}
    with pytest.raises(LiquidError, match=said) as raised:
        site.render(f"\n{{{{ {expression} }}}}", data)
    assert raised.value.context()[0] == 2


@pytest.mark.parametrize("name", ["floor", "ceil", "round"])
def test_no_number_of_a_billion_digits_is_written_out(site: Any, name: str) -> None:
    with pytest.raises(LimitReached, match="a number of over 3,500 digits"):
        site.render(f"{{{{ '1e999999999' | at_least: price | {name} }}}}", {"price": PRICE})
    for expression in ("'1e999999999' | times: price", "price | round: '1e999999999'", "'1e999999999' | modulo: price"):
        assert len(_shown(site, expression)) < 200


def _shown(site: Any, expression: str) -> str:
    try:
        text: str = site.render(f"{{{{ {expression} }}}}", {"price": PRICE})
    except LiquidError as error:
        return str(error.message)
    return text


def test_a_filter_of_the_application_is_given_the_decimal(site: Any) -> None:
    site.engine.environment.add_filter("times", lambda left, other: f"{type(left).__name__} {other}")
    assert site.render("{{ price | times: 2 }}", {"price": PRICE}) == "Decimal 2"
