"""The source name of a partial form that gives none: its partial's, made to fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from liquid import Mode

from liquid_background.job import SOURCE_NAME
from liquid_background.jobs.queue.causes import Cause

FITS = {
    "emails/welcome": "emails_welcome",
    "modules/core/commands/events/broadcast": "modules_core_commands_events_broadcast",
    "a-b_c": "a-b_c",
    "mail.v2": "mail_v2",
}
CUT = ["x" * 101, f"{'x' * 101}y", "größe", "grösse/ä", "имя", "имена", "日本", "日本/語"]


def _names(site: Any, partials: list[str], tag: str = "background _ = each") -> list[str]:
    site.engine.store.client.flushall()
    site.render(f"{{% liquid\nfor each in partials\n{tag}\nendfor %}}", {"partials": partials})
    return [job.source_name for job in site.jobs]


def test_the_name_is_the_partials_own_made_to_fit(site: Any) -> None:
    assert _names(site, list(FITS)) == list(FITS.values())
    cut = _names(site, CUT)
    assert all(SOURCE_NAME.fullmatch(name) for name in cut)
    assert len(set(cut)) == len(CUT), "two partials that are started from one line differ"
    assert _names(site, CUT) == cut


def test_a_name_that_is_given_stands(site: Any) -> None:
    assert _names(site, ["a", "b"], "background _ = each, source_name: 's'") == ["s", "s"]
    assert _names(site, ["a", "b"], "background _ = each, source_name: each | append: '_job'") == ["a_job", "b_job"]


def test_all_forms_have_it(site: Any) -> None:
    for source in (
        "{% background _ = 'emails/welcome', to: 1 %}",
        "<% background _ = 'emails/welcome' %>",
        "{% liquid background _ = 'emails/welcome', delay: d %}",
        "{% assign p = 'emails/' | append: 'welcome' %}{% background _ = p %}",
    ):
        site.engine.store.client.flushall()
        site.render(source, {"d": 1})
        assert site.job.source_name == "emails_welcome"
        assert site.job.line == 1


def test_a_job_that_starts_a_partial_names_it_so(site: Any) -> None:
    site.render("{% background %}{% background _ = 'emails/welcome' %}{% endbackground %}")
    assert [job.source_name for job in site.perform(site.job).jobs] == ["emails_welcome"]


@pytest.mark.parametrize("name", ["'a b'", "nothing"])
def test_where_a_wrong_name_is_tolerated_it_is_the_partials(make_site: Callable[..., Any], name: str) -> None:
    assert _names(make_site(Mode.LAX), ["a", "b"], f"background _ = each, source_name: {name}") == ["a", "b"]


def test_failures_of_two_partials_are_two_groups(site: Any) -> None:
    site.write({f"partials/{name}": "{{ 1 | divided_by: 0 }}" for name in "ab"})
    _names(site, ["a", "b"])
    errors = [site.perform(job).error for job in site.jobs]
    causes = {Cause.of(job.template, job.line, "X", error) for job, error in zip(site.jobs, errors, strict=True)}
    assert len(causes) == 2
