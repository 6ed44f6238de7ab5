"""What each tolerance mode makes of wrong values, on pages and in the jobs that they send."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from liquid import Mode
from liquid.exceptions import LiquidWarning

from liquid_background import ArgumentError
from tests.language.conftest import block

# (a tag in a job, what of the job that it makes is right in WARN and LAX, what is said)
NESTED = [
    (block("x", "priority: 'urgent'"), {"priority": "default"}, "priority is 'urgent'"),
    (block("x", "max_attempts: n"), {"max_attempts": 5}, "max_attempts is 9"),
    (block("x", "delay: nothing"), {"delay": 0.0}, "delay: nothing: `nothing` is a variable without a value"),
    (block("x", "p: 1, p: 2"), {"parameters": {"p": 2}}, "argument 'p' is given twice"),
    (block("x", f"{'p' * 256}: 1, q: 2"), {"parameters": {"q": 2}}, "at most 255 are allowed"),
    ("{% background _ = 'p', max_attempts: 9 %}", {"max_attempts": 5}, "max_attempts is 9"),
    ("<% background delay: -1 %>x<% endbackground %>", {"delay": 0.0}, "delay is -1"),
    ("{% liquid background delay: 'soon'\necho 1\nendbackground %}", {"delay": 0.0}, "delay is 'soon'"),
    ("{% background 'a b' %}x{% endbackground %}", {"source_name": "pages_page_1"}, "source_name is 'a b'"),
    ("{% include 'in' %}", {"max_attempts": 5}, "max_attempts is 9"),
    ("{% render 'in' %}", {"max_attempts": 5}, "max_attempts is 9"),
]


def _warned(run: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [str(each.message) for each in caught if issubclass(each.category, LiquidWarning)]


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.LAX])
@pytest.mark.parametrize(("tag", "right", "said"), NESTED)
def test_a_wrong_value_in_a_job_is_as_on_a_page(
    make_site: Callable[..., Any], mode: Mode, tag: str, right: Mapping[str, object], said: str
) -> None:
    site = make_site(mode)
    site.write({"partials/p": "x", "partials/in": block("x", "max_attempts: 9")})
    _warned(lambda: site.render(block(tag, "n: 9, source_name: 's'")))
    told = _warned(lambda: site.perform(site.job))
    (outcome,) = site.outcomes
    assert outcome.error is None
    (made,) = outcome.jobs
    assert {name: getattr(made, name) for name in right} == right
    assert len(told) == (mode is Mode.WARN)
    assert all(said in each for each in told)


@pytest.mark.parametrize(("tag", "said"), [(tag, said) for tag, _, said in NESTED])
def test_a_strict_worker_refuses_what_a_tolerant_page_sent(make_site: Callable[..., Any], tag: str, said: str) -> None:
    site = make_site(Mode.LAX)
    site.write({"partials/p": "x", "partials/in": block("x", "max_attempts: 9")})
    site.render(block(tag, "n: 9, source_name: 's'"))
    site.engine.environment.mode = Mode.STRICT
    outcome = site.perform(site.job)
    assert said in outcome.error
    assert outcome.jobs == ()


@pytest.mark.parametrize(
    "arguments", ["max_attempts: 9", "max_attempts: n", "delay: nothing", "delay: nil", "a: 1, a: 2"]
)
def test_a_page_warns_once(make_site: Callable[..., Any], arguments: str) -> None:
    site = make_site(Mode.WARN)
    told = _warned(lambda: site.engine.environment.from_string(block("x", arguments), name="page").render(n=9))
    assert len(told) == 1


@pytest.mark.parametrize("arguments", ["delay: nil", "priority: nothing", "source_name: nothing", "max_attempts: n.n"])
def test_lax_takes_the_default_for_nothing(make_site: Callable[..., Any], arguments: str) -> None:
    site = make_site(Mode.LAX)
    site.render(f"{{% background {arguments} %}}x{{% endbackground %}}")
    job = site.job
    assert (job.delay, job.priority, job.max_attempts, job.source_name) == (0.0, "default", 1, "pages_page_1")


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.LAX])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{% include 'nowhere' %}", "partial 'nowhere' not found"),
        ("{{ 1 | nosuch }}", "nosuch"),
        ("{% background _ = nothing %}", "the partial to run is `nothing`, a variable without a value"),
        ("{% action 'nosuch' %}", "no action 'nosuch' is registered"),
    ],
)
def test_every_other_error_fails_a_job(make_site: Callable[..., Any], mode: Mode, body: str, said: str) -> None:
    """One that swallowed it could not be tried again."""
    site = make_site(mode)
    _warned(lambda: site.render(block(body)))
    assert said in site.perform(site.job).error


def test_a_value_that_cannot_travel_is_left_out_in_a_job_too(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    site.engine.environment.add_filter("odd", lambda _: object())
    site.render(block(block("{% assign b = a %}", "p: 1 | odd, q: 2") + "{% assign a = 1 | odd %}"))
    outcome = site.perform(site.job)
    assert outcome.error is None
    assert [job.parameters for job in outcome.jobs] == [{"q": 2}]


def test_too_much_makes_no_job_in_a_job_too(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    site.engine.environment.add_filter("large", lambda _: "x" * 200_000)
    site.render(block("{% background id = 'p', p: 1 | large %}[{{ id }}]"))
    outcome = site.perform(site.job)
    assert (outcome.result, outcome.jobs) == ("[]", ())


def test_a_strict_page_sends_nothing(site: Any) -> None:
    with pytest.raises(ArgumentError):
        site.render(block("x") + block("x", "delay: nothing"))
    assert site.jobs == []
