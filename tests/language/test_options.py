"""Options: types, ranges, and what each tolerance mode makes of a wrong value."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from liquid import Mode
from liquid.exceptions import LiquidWarning

from liquid_background import ArgumentError, TagError
from liquid_background.job import Job
from liquid_background.jobs.queue import keys
from liquid_background.language.syntax import OPTIONS
from tests.language.conftest import block

RIGHT = [
    ("delay", "0", {}, 0.0),
    ("delay", "65535", {}, 65535.0),
    ("delay", "0.016", {}, 0.016),
    ("delay", "'2.5'", {}, 2.5),
    ("delay", "d", {"d": Decimal("1.25")}, 1.25),
    ("delay", "1 | divided_by: 4.0", {}, 0.25),
    ("max_attempts", "1", {}, 1),
    ("max_attempts", "5", {}, 5),
    ("max_attempts", "'3' | plus: 0", {}, 3),
    ("max_attempts", "'3'", {}, 3),
    ("max_attempts", "n", {"n": " 3\n"}, 3),
    ("max_attempts", "'+2'", {}, 2),
    ("delay", "' 2.5 '", {}, 2.5),
    ("priority", "'low'", {}, "low"),
    ("priority", "p", {"p": "high"}, "high"),
    ("source_name", "'a-B_9'", {}, "a-B_9"),
    ("source_name", "n", {"n": "x" * 100}, "x" * 100),
    ("source_name", "'critical_' | append: job.id", {"job": {"id": 5}}, "critical_5"),
]

# (option, expression, data, what WARN and LAX make of it)
WRONG = [
    ("delay", "65535.01", {}, 65535.0),
    ("delay", "-1", {}, 0.0),
    ("delay", "'abc'", {}, 0.0),
    ("delay", "nil", {}, 0.0),
    ("delay", "nothing", {}, 0.0),
    ("delay", "true", {}, 0.0),
    ("delay", "''", {}, 0.0),
    ("delay", "1e400", {}, 0.0),
    ("delay", "'1e400'", {}, 65535.0),
    ("delay", "'NaN'", {}, 0.0),
    ("delay", "'1_000'", {}, 0.0),
    ("delay", "'１'", {}, 0.0),
    ("delay", "d", {"d": float("nan")}, 0.0),
    ("delay", "d", {"d": float("inf")}, 65535.0),
    ("delay", "d", {"d": 10**400}, 65535.0),
    ("delay", "d", {"d": [1]}, 0.0),
    ("max_attempts", "0", {}, 1),
    ("max_attempts", "6", {}, 5),
    ("max_attempts", "'6'", {}, 5),
    ("max_attempts", "'0'", {}, 1),
    ("max_attempts", "'-1'", {}, 1),
    ("max_attempts", "'3.5'", {}, 3),
    ("max_attempts", "'3.0'", {}, 3),
    ("max_attempts", "'3e0'", {}, 3),
    ("max_attempts", "'1_0'", {}, 1),
    ("max_attempts", "'３'", {}, 1),
    ("max_attempts", "''", {}, 1),
    ("max_attempts", "n", {"n": "9" * 5000}, 5),
    ("max_attempts", "2.5", {}, 2),
    ("max_attempts", "nil", {}, 1),
    ("max_attempts", "true", {}, 1),
    ("priority", "'urgent'", {}, "default"),
    ("priority", "'HIGH'", {}, "default"),
    ("priority", "1", {}, "default"),
    ("priority", "nothing", {}, "default"),
    ("source_name", "'a b'", {}, "pages_page_1"),
    ("source_name", "''", {}, "pages_page_1"),
    ("source_name", "nil", {}, "pages_page_1"),
    ("source_name", "n", {"n": "x" * 101}, "pages_page_1"),
    ("source_name", "n", {"n": "x\n"}, "pages_page_1"),
    ("source_name", "n", {"n": "naïve"}, "pages_page_1"),
    ("source_name", "n", {"n": "имя"}, "pages_page_1"),
    ("source_name", "n", {"n": "\x1b[31m"}, "pages_page_1"),
    ("source_name", "n", {"n": "a\u202eb"}, "pages_page_1"),
]


def _source(option: str, expression: str) -> str:
    return f"{{% background {option}: {expression} %}}{{% endbackground %}}"


@pytest.mark.parametrize(("option", "expression", "data", "value"), RIGHT)
def test_values_in_range(site: Any, option: str, expression: str, data: dict[str, Any], value: object) -> None:
    site.render(_source(option, expression), data)
    assert getattr(site.job, option) == value


@pytest.mark.parametrize(("option", "expression", "data", "_"), WRONG)
def test_strict_refuses_and_says_what_is_allowed(
    site: Any, option: str, expression: str, data: dict[str, Any], _: object
) -> None:
    with pytest.raises(ArgumentError, match=rf"^{option}( is|: \S+: `.*` is a variable) .*; it must be ") as raised:
        site.render("{% background %}{% endbackground %}" + _source(option, expression), data)
    assert raised.value.template_name == "pages/page"
    assert raised.value.context()[0] == 1
    assert site.jobs == [], "no job of that render may be sent"


@pytest.mark.parametrize(("option", "expression", "data", "value"), WRONG)
def test_lax_clamps_or_takes_the_default(
    make_site: Callable[..., Any], option: str, expression: str, data: dict[str, Any], value: object
) -> None:
    site = make_site(Mode.LAX)
    site.render(_source(option, expression), data)
    assert getattr(site.job, option) == value


def test_each_option_is_a_field_of_a_job_and_has_its_rows_here() -> None:
    assert set(OPTIONS) <= {field.name for field in fields(Job)}
    assert {row[0] for row in RIGHT} == {row[0] for row in WRONG} == set(OPTIONS)
    numbers = {name for name, _, _, value in RIGHT if isinstance(value, int | float)}
    assert {option.name for option in OPTIONS.values() if option.numeric} == numbers


def test_warn_clamps_and_warns(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.WARN)
    with pytest.warns(LiquidWarning, match="max_attempts is 9; it must be an integer from 1 to 5"):
        site.render(_source("max_attempts", "9"))
    assert site.job.max_attempts == 5


def test_a_wrong_literal_is_found_before_anything_renders(site: Any) -> None:
    with pytest.raises(ArgumentError):
        site.engine.environment.from_string("{% if false %}" + _source("priority", "'urgent'") + "{% endif %}")


def test_at_most_twenty_parameters(site: Any, make_site: Callable[..., Any]) -> None:
    def block(count: int) -> str:
        return "{% background " + ", ".join(f"p{i}: {i}" for i in range(count)) + ", delay: 0 %}{% endbackground %}"

    site.render(block(20))
    assert len(site.job.parameters) == 20
    with pytest.raises(ArgumentError, match="21 parameters are given; at most 20"):
        site.render(block(21))
    lax = make_site(Mode.LAX)
    lax.engine.store.client.flushall()
    lax.render(block(21))
    assert list(lax.job.parameters) == [f"p{i}" for i in range(20)]


@pytest.mark.parametrize("value", [object(), b"x", {1, 2}, float("nan"), lambda: 1, {"deep": [object()]}])
def test_a_parameter_that_is_not_plain_is_an_error_that_names_it(
    site: Any, make_site: Callable[..., Any], value: object
) -> None:
    with pytest.raises(ArgumentError, match=r"parameter 'thing' is .*pass its id or plain values"):
        site.render("{% background thing: thing %}{% endbackground %}", {"thing": value})
    assert site.jobs == []
    lax = make_site(Mode.LAX)
    lax.render("{% background thing: thing, b: 1 %}{% endbackground %}", {"thing": value})
    assert lax.job.parameters == {"b": 1}


def test_a_circle_is_an_error(site: Any) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ArgumentError, match="contains itself"):
        site.render("{% background c: c %}{% endbackground %}", {"c": circle})


def test_a_payload_over_100_kb_is_refused_with_the_largest_part(site: Any, make_site: Callable[..., Any]) -> None:
    data = {"small": "s", "large": "x" * 110_000}
    source = "{% background small: small %}{% assign a = large %}{% endbackground %}"
    with pytest.raises(ArgumentError, match=r"takes 108 KB; at most 100 KB.*the largest is `large`"):
        site.render(source, data)
    lax = make_site(Mode.LAX)
    lax.render(source, data)
    assert lax.jobs == []


def test_an_undefined_parameter_is_nil(site: Any) -> None:
    assert site.run("{% background a: nothing %}[{{ a }}]{% endbackground %}") == "[]"
    assert site.job.parameters == {"a": None}


@pytest.mark.parametrize(
    "source",
    [
        "a{% background a: 1, a: %}x{% background %}y{% endbackground %}{% endbackground %}b",
        "a{% background a: %}x{% endbackground %}b",
        "a{% background _ = %}b",
        "a{% background _ = 'p', x: %}b",
    ],
)
def test_lax_skips_exactly_a_broken_tag(make_site: Callable[..., Any], source: str) -> None:
    site = make_site(Mode.LAX)
    assert site.render(source) == "ab"
    assert site.jobs == []


def test_lax_pages_have_strict_jobs(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    site.render("{% background %}{% include 'nowhere' %}{% endbackground %}")
    assert site.perform(site.job).error == "partial 'nowhere' not found (pages/page:1)"
    assert site.engine.environment.mode == Mode.LAX


def test_errors_are_warnings_free(site: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TagError):
            site.render(_source("delay", "-1"))


def test_pages_and_jobs_of_one_process_keep_their_modes(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    site.write({"partials/broken": "[{% nosuch %}]"})
    assert site.render(block("{% include 'broken' %}") + "{% include 'broken' %}") == "[]"
    job = site.job

    def perform(_: int) -> str | None:
        error: str | None = site.perform(job).error
        assert site.engine.render_string("{{ 1 | nosuch }}{% nosuch %}ok") == "ok"
        return error

    with ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(perform, range(20)))
    assert all("unexpected tag 'nosuch'" in (error or "") for error in errors)
    assert site.engine.environment.mode == Mode.LAX


def test_lax_keeps_what_it_can(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    assert site.run(block("{{ a }}", "a: 1, a: 2")) == "2"
    assert site.run(block("{{ b }}", f"{'n' * 256}: 1, b: 2")) == "2"
    site.engine.store.client.flushall()
    assert site.render("{% background id = 'p', big: big %}[{{ id }}]", {"big": "x" * 200_000}) == "[]"
    assert site.jobs == []


def test_one_entry_makes_an_option_of_blocks_partials_and_consumers(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`timeout` is a field of each job, and no option today."""
    monkeypatch.setitem(OPTIONS, "timeout", replace(OPTIONS["delay"], name="timeout"))  # type: ignore[arg-type]
    site.write({"consumers/e/x": "---\ntimeout: 7\n---\nx", "partials/p": "x"})
    site.render(block("x", "timeout: 7") + "{% background _ = 'p', timeout: 7 %}{% trigger_event 'e' %}")
    ids = [job.id for job in site.jobs]
    assert [float(site.engine.store.client.hget(keys.job(each), "timeout")) for each in ids] == [7.0] * 3
    assert [job.parameters for job in site.jobs[:2]] == [{}, {}]
    wrong = "timeout is 'long'; it must be minutes from"
    with pytest.raises(ArgumentError, match=wrong):
        site.render(block("x", "timeout: 'long'"))
    site.write({"consumers/e/x": "---\ntimeout: long\n---\nx"})
    site.render("{% trigger_event 'e' %}")
    assert "timeout" in caplog.text
    assert "long" in caplog.text
