"""Routes: which page answers, what is seen at once, and what a broken page costs the others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader, page_at


class Pages:
    """A folder of pages, and the paths at which they answer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = Environment(loader=SiteLoader(root))

    def write(self, name: str, matter: str = "", body: str = "") -> Path:
        path = self.root / f"pages/{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{matter}\n---\n{body}" if matter else body)
        return path

    def at(self, path: str, method: str = "GET") -> str | None:
        return page_at(self.environment, path, method)[0]


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return Pages(tmp_path)


def test_a_page_answers_at_its_slug_else_at_its_name(pages: Pages) -> None:
    pages.write("index")
    pages.write("about")
    pages.write("blog/first", "slug: /news/1/")
    assert [pages.at(path) for path in ("/", "about", "/about/", "news/1", "blog/first", "index", "none")] == [
        "index",
        "about",
        "about",
        "blog/first",
        None,
        None,
        None,
    ]


def test_a_pages_own_name_wins_over_anothers_slug(pages: Pages) -> None:
    pages.write("about")
    pages.write("a", "slug: about")
    pages.write("b", "slug: about\nmethod: post")
    assert (pages.at("about"), pages.at("about", "POST")) == ("about", "about")
    pages.write("about", "method: get")
    assert (pages.at("about"), pages.at("about", "HEAD"), pages.at("about", "POST")) == ("about", "about", "b")


def test_of_two_pages_with_one_slug_the_one_that_names_the_method_answers_then_the_first_by_name(pages: Pages) -> None:
    pages.write("z", "slug: s")
    pages.write("y", "slug: s\nmethod: post")
    pages.write("x", "slug: s")
    assert (pages.at("s"), pages.at("s", "POST")) == ("x", "y")


def test_a_page_that_cannot_be_parsed_costs_no_other_its_time(pages: Pages) -> None:
    pages.write("slow", "slug: elsewhere", "{{" * 20_000)
    pages.write("good")
    started = time.perf_counter()
    assert (pages.at("good"), pages.at("elsewhere"), pages.at("none")) == ("good", "slow", None)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("start", ["", "x"])
def test_front_matter_of_a_long_page_is_read_wherever_its_beginning_is_cut(pages: Pages, start: str) -> None:
    pages.write("long", "slug: s", start + "é" * 50_000)
    assert pages.at("s") == "long"


def test_what_changes_is_seen_by_the_next_request(pages: Pages) -> None:
    assert pages.at("new") is None
    page = pages.write("new")
    assert pages.at("new") == "new"
    pages.write("new", "slug: newer")
    assert (pages.at("new"), pages.at("newer")) == (None, "new")
    pages.write("folder/page")
    assert pages.at("folder/page") == "folder/page"
    page.unlink()
    assert (pages.at("newer"), pages.at("folder/page")) == (None, "folder/page")
    os.rename(pages.root / "pages/folder", pages.root / "pages/renamed")
    assert (pages.at("folder/page"), pages.at("renamed/page")) == (None, "renamed/page")


def test_a_switched_link_to_the_site_is_seen(tmp_path: Path) -> None:
    for release in ("one", "two"):
        Pages(tmp_path / release).write("page", f"slug: {release}")
    link = tmp_path / "templates"
    link.symlink_to("one")
    pages = Pages(link)
    assert (pages.at("one"), pages.at("two")) == ("page", None)
    link.unlink()
    link.symlink_to("two")
    assert (pages.at("one"), pages.at("two")) == (None, "page")


def test_a_page_that_takes_anothers_slug_is_seen_within_a_second(pages: Pages) -> None:
    pages.write("b", "slug: s")
    page = pages.write("a", "slug: t")
    assert pages.at("s") == "b"
    time.sleep(0.1)  # until the times of the files tell
    assert pages.at("t") == "a"
    with page.open("r+") as file:
        file.write("---\nslug: s")
    deadline = time.monotonic() + 1.5
    while pages.at("s") != "a" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pages.at("s") == "a"


def test_of_two_files_of_one_name_the_loaders_one_is_routed(pages: Pages) -> None:
    pages.write("p.html", "slug: second")
    assert pages.at("second") == "p"
    pages.write("p", "slug: first")
    assert (pages.at("first"), pages.at("second")) == ("p", None)


@pytest.mark.slow
def test_three_thousand_pages_cost_a_request_little(pages: Pages) -> None:
    for number in range(3000):
        pages.write(f"s{number % 50}/p{number}", f"slug: slug/{number}\nmetadata:\n  title: T")
    assert pages.at("slug/7") == "s7/p7"
    time.sleep(0.1)
    pages.at("none")
    for path in ("slug/2999", "none"):
        started = time.perf_counter()
        for _ in range(20):
            pages.at(path)
        assert (time.perf_counter() - started) / 20 < 0.02
