"""The options of jobs in the dialect: attempts that other tools write, and any one line as a source name."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from liquid.exceptions import LiquidError

from liquid_background import Filter
from tests.language.conftest import block

CREATED = "modules/core/commands/events/create:paid"


@pytest.mark.parametrize(("given", "attempts"), [("0", 1), ("1", 1), ("5", 5), ("'0'", 1), ("n", 1), ("'3'", 3)])
def test_attempts_that_are_taken_as_they_are(site: Any, given: str, attempts: int) -> None:
    site.render(block("", f"max_attempts: {given}"), {"n": 0})
    assert site.job.max_attempts == attempts


@pytest.mark.parametrize("given", ["6", "9", "n", "n | plus: 0", "x | default: 9", "'9'"])
def test_more_are_as_many_as_there_can_be(site: Any, given: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        site.render(f"\n{block('', f'max_attempts: {given}')}", {"n": 9})
    assert site.job.max_attempts == 5
    assert {str(each.message) for each in caught} == {
        "max_attempts is 9: a job has 5 attempts at most, and so has this one (pages/page:2)".replace(
            "is 9", f"is {6 if given == '6' else 9}"
        )
    }


@pytest.mark.parametrize("given", ["10", "-1", "1.5", "true", "'many'", "n"])
def test_others_are_wrong(site: Any, given: str) -> None:
    with pytest.raises(LiquidError, match=r"max_attempts is .* an integer from 0 to 9; 0 is one attempt, 6 to 9 are 5"):
        site.render(block("", f"max_attempts: {given}"), {"n": 10})


@pytest.mark.parametrize("name", [CREATED, "Überweisung an <b>", "x" * 100, "a, b | c: d", "%s*[a]"])
def test_a_source_name_is_any_one_line(site: Any, name: str) -> None:
    site.render(block("hi", "source_name: name"), {"name": name})
    assert site.job.source_name == name
    assert site.perform(site.job).result == "hi"
    assert [job.source_name for job in site.engine.jobs.list(Filter(source_name=name))] == [name]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\rb", "a\x1b[31m", "a\u2028b", "x" * 101, 7, "*", "mail*"])
def test_what_is_no_line_is_none(site: Any, name: object) -> None:
    with pytest.raises(
        LiquidError, match=r"source_name.* is .* one line of 1 to 100 characters that does not end in \*"
    ):
        site.render(block("", "source_name: name"), {"name": name})


def test_consumers_have_them_too(site: Any) -> None:
    site.write({"consumers/paid/mail": f"---\nmax_attempts: 0\nsource_name: {CREATED}\n---\n"})
    site.render("{% trigger_event 'paid' %}")
    assert (site.job.max_attempts, site.job.source_name) == (1, CREATED)


def test_elsewhere_they_are_wrong(standard: Any) -> None:
    for given in ("max_attempts: 0", "max_attempts: 6", f"source_name: '{CREATED}'"):
        with pytest.raises(LiquidError, match="it must be"):
            standard.render(block("", given))
