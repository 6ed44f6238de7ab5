"""The article before a name."""

from __future__ import annotations

import pytest

from liquid_background.wording import a, counted, kilobytes


@pytest.mark.parametrize(
    "named",
    [
        *("an Author", "an object", "an int", "an Item", "an enumerate", "an Update", "an Undefined", "an Unindexed"),
        *("an HTTPConnection", "an IPv4Address", "an OSError", "an F", "an SQLRow", "an Hour", "an _Entry", "an A"),
        *("a Customer", "a User", "a UUID", "a Unit", "a URL", "a Euro", "a OneToOneField", "a list", "a House"),
        *("a JSONField", "a _Private", "a QuerySet", "a B", "a generator", "a liquid_background.Engine", "a "),
    ],
)
def test_a_name_has_the_article_that_is_spoken(named: str) -> None:
    assert a(named.split(" ", 1)[1]) == named


def test_numbers_of_things_are_spoken() -> None:
    assert [counted(count, "job") for count in (0, 1, 2, 1_204)] == ["0 jobs", "1 job", "2 jobs", "1,204 jobs"]


def test_what_is_over_a_limit_is_not_told_to_have_as_much() -> None:
    assert [kilobytes(size) for size in (1, 1024, 256 * 1024, 256 * 1024 + 1)] == ["1 KB", "1 KB", "256 KB", "257 KB"]
