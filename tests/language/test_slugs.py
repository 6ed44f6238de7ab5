"""Pages of one slug: which answers, which others answer before, and what it costs when there are thousands."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liquid_background.language.pages.slugs import Page, Slugs

METHODS = ("", "GET", "POST")


def page(name: str, slug: str, method: str) -> Page:
    return Page(name, f"pages/{name}.liquid", {"slug": slug, "method": method})


def filled(pages: list[Page]) -> Slugs:
    slugs = Slugs()
    for each in pages:
        slugs.replace(None, each)
    return slugs


PAGES = st.lists(
    st.builds(page, st.sampled_from("abcdefg"), st.sampled_from("abs"), st.sampled_from(METHODS)),
    unique_by=lambda each: each.name,
)


@given(PAGES, st.data())
def test_it_says_what_a_look_at_every_pair_says(pages: list[Page], data: st.DataObject) -> None:
    slugs = filled(pages)
    gone = data.draw(st.lists(st.sampled_from(pages), unique_by=id)) if pages else []
    for each in gone:
        slugs.replace(each, None)
    left = sorted((each for each in pages if each not in gone), key=lambda each: each.rank)
    for slug in "abs":
        for method in ("GET", "POST"):
            answers = (each for each in left if each.slug == slug and each.answers(method))
            assert slugs.find(slug, method) is next(answers, None)
    pairs = [
        (first, other)
        for first, other in combinations(left, 2)
        if first.slug == other.slug and (first.answers(other.method) or other.answers(first.method))
    ]
    counted = Counter(other.name for _, other in pairs)
    firsts = {other.name: first for first, other in reversed(pairs)}
    found = {conflict.page.name: (conflict.first, conflict.more + 1) for conflict in slugs.conflicts()}
    assert found == {name: (firsts[name], counted[name]) for name in counted}


def test_many_pages_of_one_slug_cost_a_few_looks_each(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    rank = Page.rank.fget
    assert rank is not None

    def counted(self: Page) -> tuple[bool, bool, str]:
        nonlocal looks
        looks += 1
        return rank(self)

    monkeypatch.setattr(Page, "rank", property(counted))
    pages = [page(f"p{number}", "same", METHODS[number % 3]) for number in range(1_000)]
    slugs = filled(pages)
    assert len(slugs.conflicts()) > 900
    for each in pages:
        slugs.replace(each, page(each.name, "other", each.method))
    assert looks < 1_000 * 60
    looks = 0
    assert slugs.find("other", "POST") is not None
    assert looks <= 2
