"""What a dry run says depends on an effect: wherever its value went, and whatever was decided by it."""

from __future__ import annotations

from typing import Any

import pytest

from liquid_background.errors import PageNotFound, SettingsError
from liquid_background.language.dry import MAX_EFFECTS, DryOutcome, DryRuns, DryVerdict
from tests.language.drying import Dry, messages, refuse

ASK = "{% assign r = 'a' | ask %}"


@pytest.fixture
def asking(dry: Dry) -> Dry:
    dry.engine.environment.add_filter("ask", refuse)
    return dry


# (source, what is printed, the verdict, whether the result depends on the filter)
PRINTED = {
    "{{ r }}": ("[ask?]", DryVerdict.PASSES),
    "{{ r.id }} {{ r[0].name }} {{ r.size }}": ("[ask?] [ask?] [ask?]", DryVerdict.PASSES),
    "{{ r | append: '-x' | upcase }}": ("[ask?]-X", DryVerdict.PASSES),
    "{{ r | plus: 1 }}": ("[ask?]", DryVerdict.DEPENDS),
    "{{ 'a,b' | split: r | size }}": ("[ask?]", DryVerdict.DEPENDS),
    "{% capture c %}a{{ r }}{% endcapture %}{{ c }}{{ c | size }}": ("a[ask?][ask?]", DryVerdict.DEPENDS),
    "{% assign l = [1, r] %}{{ l[1] }}{{ l | join: ',' }}": ("[ask?]1,[ask?]", DryVerdict.PASSES),
    "{% assign h = {'k': r} %}{{ h.k.x }}{{ h | json }}": ('[ask?]{"k": "[ask?]"}', DryVerdict.PASSES),
    "{% assign l = ['a'] %}{{ l[r] }}": ("[ask?]", DryVerdict.PASSES),
    "{% include 'p', x: r %}{% render 'p', x: r %}": ("<[ask?]><[ask?]>", DryVerdict.PASSES),
    "{% function f = 'f', x: r %}{{ f }}": ("[ask?]!", DryVerdict.PASSES),
    "{% if r %}yes{% else %}no{% endif %}": ("yes", DryVerdict.DEPENDS),
    "{% unless r == 'b' %}yes{% endunless %}": ("yes", DryVerdict.DEPENDS),
    "{% if r.total > 5 %}more{% endif %}": ("more", DryVerdict.DEPENDS),
    "{% if 5 <= r.total and true %}more{% endif %}": ("more", DryVerdict.DEPENDS),
    "{% case r %}{% when 1 %}one{% else %}other{% endcase %}": ("other", DryVerdict.DEPENDS),
    "{% for x in r %}[{{ x }}]{% endfor %}": ("[[ask?]]", DryVerdict.DEPENDS),
    "{% for x in (1..3) %}{% cycle r, 'b' %}{% endfor %}": ("[ask?]b[ask?]", DryVerdict.DEPENDS),
    "{% ifchanged %}{{ r }}{% endifchanged %}": ("[ask?]", DryVerdict.DEPENDS),
    "{% tablerow x in r %}{{ x }}{% endtablerow %}": ("", DryVerdict.DEPENDS),
    "{% include 'p' for r %}": ("<>", DryVerdict.DEPENDS),
    "{% try %}{{ 'b' | ask }}{% catch e %}caught{% endtry %}": ("[ask?]", DryVerdict.DEPENDS),
}


@pytest.mark.parametrize("source", PRINTED)
def test_where_its_value_went(asking: Dry, source: str) -> None:
    asking.write(partials__p="<{{ x }}>", partials__f="{% return x | append: '!' %}")
    printed, verdict = PRINTED[source]
    for outcome in (asking.page(ASK + source), asking.job(ASK + source)):
        assert outcome.error is None
        assert outcome.verdict is verdict
        assert outcome.result_depends_on
        assert printed in outcome.result.strip()


@pytest.mark.parametrize(
    "source", ["{{ 'x' }}", "{% if true %}x{% endif %}", "{% for i in (1..2) %}{% log i %}{% endfor %}"]
)
def test_what_has_nothing_to_do_with_it_does_not_depend_on_it(asking: Dry, source: str) -> None:
    outcome = asking.page(ASK + source)
    assert (outcome.verdict, outcome.depends_on, outcome.result_depends_on) == (DryVerdict.PASSES, (), ())
    assert len(outcome.effects) == 1
    assert all(of == () for _, of in messages(outcome))


def test_all_that_comes_behind_what_it_decides_depends_on_it(asking: Dry) -> None:
    outcome = asking.page(
        f"{{% log 'before' %}}{ASK}{{% log 'still' %}}{{% if r.ok %}}{{% log 'in' %}}{{% endif %}}{{% log 'behind' %}}"
    )
    assert messages(outcome) == [("before", ()), ("still", ()), ("in", (1,)), ("behind", (1,))]


def test_the_jobs_that_it_takes_part_in_depend_on_it(asking: Dry) -> None:
    block = "{{% background source_name: 's'{} %}}{}{{% endbackground %}}"
    outcome = asking.page(
        ASK + block.format(", a: 1", "") + block.format(", a: r.id", "") + block.format("", "{% log r.name %}")
        + block.format(", delay: r.wait", "") + "{% if r %}" + block.format("", "") + "{% endif %}"
    )  # fmt: skip
    assert [each.depends_on for each in outcome.jobs] == [(), (1,), (1,), (1,), (1,)]
    assert outcome.jobs[1].job.parameters == {"a": "[ask?]"}
    assert outcome.jobs[2].job.handed_over == {"r.name": "[ask?]"}
    assert outcome.jobs[3].job.delay == 0


def test_it_is_followed_from_a_page_to_its_jobs(asking: Dry) -> None:
    asking.write(
        pages__page=f"{ASK}{{% background source_name: 's', a: r %}}{{% log a.b %}}{{{{ a }}}}{{% endbackground %}}"
    )
    runs = DryRuns(asking.engine.environment)
    page = runs.render("page")
    marks = runs.environment.trace.marks
    job = runs.perform(page.jobs[0].payload, marks=marks, first=2)
    assert (job.result, job.result_depends_on) == ("[ask?]", (1,))
    assert messages(job) == [("[ask?]", (1,))]


def test_an_error_behind_it_depends_on_it(asking: Dry) -> None:
    outcome = asking.page(ASK + "{{ r }}\n{% include 'gone' %}")
    assert (outcome.verdict, outcome.depends_on, outcome.raised) == (DryVerdict.DEPENDS, (1,), "TemplateNotFoundError")
    assert (outcome.template, outcome.line) == ("pages/page", 2)
    before = asking.page("{% include 'gone' %}{{ 'a' | ask }}")
    assert (before.verdict, before.depends_on, before.jobs) == (DryVerdict.FAILS, (), ())


def test_an_error_of_a_job_that_was_given_it_depends_on_it(asking: Dry) -> None:
    asking.write(
        pages__page=f"{ASK}{{% background _ = r.name %}}"
        "{% background source_name: 's', a: r %}{% assign x = a %}{% include x %}{% endbackground %}"
    )
    runs = DryRuns(asking.engine.environment)
    jobs = runs.render("page").jobs
    marks = runs.environment.trace.marks
    for job in jobs:
        outcome = runs.perform(job.payload, marks=marks, first=2)
        assert (outcome.verdict, outcome.depends_on) == (DryVerdict.DEPENDS, (1,))
        assert "partial '[ask?]' not found" in str(outcome.error)


def test_nothing_that_a_template_or_a_value_writes_is_taken_for_a_mark(asking: Dry) -> None:
    text = "_000000000000000000000000_ [ask?]"
    outcome = asking.page(f"{{{{ x }}}}{text}", {"x": text})
    assert (outcome.result, outcome.result_depends_on) == (text * 2, ())


# What an application says


def test_what_is_pure_is_called_but_not_with_what_is_not_known(asking: Dry) -> None:
    given: list[object] = []
    asking.engine.environment.add_filter("twice", lambda left: given.append(left) or left * 2, pure=True)
    outcome = asking.page(ASK + "{{ 'ab' | twice }} {{ r | twice }}")
    assert outcome.result == "abab [ask?]"
    assert given == ["ab"]


def test_a_preview_answers_for_what_it_stands_for(asking: Dry) -> None:
    env = asking.engine.environment
    env.add_filter("post", refuse, preview=lambda left, path: {"path": path, "sent": left})
    asking.engine.action("pay", preview=lambda amount: {"id": amount})(refuse_all)
    outcome = asking.page(ASK + "{% assign a = 1 | post: '/x' %}{{ a.path }}{{ a.sent }}{% action p = 'pay', amount: 5 %}{{ p.id }}"
                          "{{ r | post: '/y' }}")  # fmt: skip
    assert outcome.result == "/x15[post?]"
    assert [(each.name, each.is_previewed) for each in outcome.effects] == [
        ("ask", False), ("post", True), ("pay", True), ("post", False),
    ]  # fmt: skip


def refuse_all(**_: Any) -> Any:
    return refuse()


def test_what_is_registered_later_under_the_name_is_another(asking: Dry) -> None:
    env = asking.engine.environment
    env.add_filter("f", lambda left: left, pure=True)
    env.filters["f"] = refuse
    assert [each.name for each in asking.page("{{ 1 | f }}").effects] == ["f"]


def test_both_at_once_is_refused(asking: Dry) -> None:
    with pytest.raises(SettingsError, match="pure=True, or preview="):
        asking.engine.environment.add_filter("f", refuse, pure=True, preview=refuse)
    with pytest.raises(SettingsError, match="must be a function"):
        asking.engine.environment.add_filter("f", refuse, preview="x")  # type: ignore[arg-type]
    assert "f" not in asking.engine.environment.filters


# Limits


def test_so_many_effects_are_listed(asking: Dry) -> None:
    outcome = asking.page("{% for i in (1..1100) %}{{ i | ask }}{% endfor %}")
    assert (len(outcome.effects), outcome.effects_left_out) == (MAX_EFFECTS, 100)
    assert outcome.result == "[ask?]" * 1100


def test_a_render_that_takes_too_long_is_no_failure(asking: Dry) -> None:
    asking.write(pages__page="{% for i in (1..9000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}")
    outcome = DryRuns(asking.engine.environment).render("page", seconds=0.05)
    assert (outcome.verdict, outcome.raised) == (DryVerdict.UNKNOWN, "PageTimeout")


def test_a_page_that_is_not_there(asking: Dry) -> None:
    asking.write(pages__order="x")
    with pytest.raises(PageNotFound, match="did you mean 'order'"):
        DryRuns(asking.engine.environment).render("oder")


def test_a_page_that_cannot_be_parsed_fails(asking: Dry) -> None:
    outcome: DryOutcome = asking.page("a\n{% if %}")
    assert (outcome.verdict, outcome.template, outcome.line) == (DryVerdict.FAILS, "pages/page", 2)
