"""Routes: which page answers, what is seen at once, and what a broken page costs the others."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Environment
from liquid_background.language.pages import SiteLoader, folders, page_at, routing


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


def test_a_request_is_not_held_up_by_pages_that_change_all_at_once(pages: Pages) -> None:
    written = [pages.write(f"s{number % 10}/p{number}", f"slug: slug/{number}") for number in range(1500)]
    assert pages.at("slug/7") == "s7/p7"
    for number, path in enumerate(written):
        path.write_text(f"---\nslug: moved/{number}\nmetadata:\n  some: thing\n---\n")
    times = []
    for _ in range(200):
        started = time.perf_counter()
        found = pages.at("moved/7")
        times.append(time.perf_counter() - started)
        if found and pages.at("moved/1499") and pages.at("moved/0"):
            break
        time.sleep(0.02)
    assert sorted(times)[len(times) // 2] < 0.3
    assert (found, pages.at("slug/7")) == ("s7/p7", None)


def test_a_page_is_found_by_its_name_before_all_the_others_were_looked_at(tmp_path: Path) -> None:
    for release in ("one", "two"):
        site = Pages(tmp_path / release)
        for number in range(300):
            site.write(f"p{number}", f"slug: {release}/{number}\nmetadata: {{a: {release}}}")
        site.write("about", body=release)
    (tmp_path / "site").symlink_to("one")
    pages = Pages(tmp_path / "site")
    assert pages.at("one/1") == "p1"
    (tmp_path / "new").symlink_to("two")
    os.rename(tmp_path / "new", tmp_path / "site")
    assert pages.at("about") == "about"
    deadline = time.monotonic() + 10
    while [pages.at(f"two/{number}") for number in range(300)] != [f"p{number}" for number in range(300)]:
        assert time.monotonic() < deadline
    assert pages.at("one/1") is None


def test_folders_and_links_that_take_each_others_places(pages: Pages) -> None:
    pages.write("a/one")
    pages.write("b/two")
    assert (pages.at("a/one"), pages.at("b/two")) == ("a/one", "b/two")
    top = pages.root / "pages"
    os.rename(top / "a", top / "c")
    os.symlink("c", top / "a")
    os.rename(top / "b", top / "a.liquid")
    assert [pages.at(path) for path in ("a/one", "c/one", "b/two", "a.liquid/two", "a")] == [
        None,
        "c/one",
        None,
        "a.liquid/two",
        None,
    ]
    os.rename(top, pages.root / "gone")
    assert pages.at("c/one") is None
    os.rename(pages.root / "gone", top)
    assert pages.at("c/one") == "c/one"


def test_only_what_has_changed_is_read_again(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        pages.write(f"p{number}", f"slug: s{number}")
    assert pages.at("s0") == "p0"
    time.sleep(0.1)
    assert pages.at("s1") == "p1"
    read = []
    real = routing.read_head
    monkeypatch.setattr(routing, "read_head", lambda path, name: read.append(name) or real(path, name))
    page = pages.write("new")
    os.replace(page, page.with_name("p5.liquid"))
    assert (pages.at("new"), pages.at("p5"), pages.at("s5"), pages.at("s6")) == (None, "p5", None, "p6")
    assert set(read) <= {"pages/p5", "pages/new"}


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


def test_a_reading_that_takes_too_long_is_gone_on_with_by_requests(pages: Pages) -> None:
    for index in range(200):
        pages.write(f"p{index}", f"slug: s{index}\n" + "a: b c d e f g\n" * 10)
    loader = pages.environment.loader
    assert isinstance(loader, SiteLoader)
    assert loader.routes.read(0.0) > 0
    assert pages.at("s199") in (None, "p199")  # the first request goes on for its time
    for _ in range(1000):
        if pages.at("s0") == "p0" and pages.at("s199") == "p199":
            break
        time.sleep(0.01)
    assert (pages.at("s0"), pages.at("s199")) == ("p0", "p199")
    assert loader.routes.read() == 0


@pytest.mark.parametrize("path", ["a/" * 32_000 + "a", "/" * 64_000, "a/" * 499 + "a", "f7/" + "a/" * 8_000 + "a"])
def test_a_long_path_costs_the_time_of_a_short_one(pages: Pages, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    for number in range(1001):  # so many that only those on the way are looked at
        (pages.root / f"pages/f{number}").mkdir(parents=True)
    pages.write("f7/here")
    assert pages.at("f7/here") == "f7/here"
    time.sleep(0.1)
    joined = 0
    real = os.path.join

    def join(*parts: str) -> str:
        nonlocal joined
        made = real(*parts)
        joined += len(made)
        return made

    monkeypatch.setattr(os.path, "join", join)
    assert pages.at(path) is None
    assert joined < 20_000
    assert pages.at("f7/here") == "f7/here"


def test_in_a_folder_of_too_many_files_pages_answer_at_their_names(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folders, "MOST_ENTRIES", 10)
    for number in range(30):
        pages.write(f"f/p{number}", f"slug: s{number}")
        (pages.root / f"pages/f/x{number}").touch()
    pages.write("good", "slug: fine")
    assert pages.at("fine") == "good"
    assert sum(pages.at(f"s{number}") is not None for number in range(30)) <= 10
    pages.write("f/own")
    assert pages.at("f/own") == "f/own"
    (line,) = caplog.messages
    assert line.startswith("pages/f: what stands behind the first ")


@pytest.mark.parametrize("matter", ["slug: s\nmetadata: [", "slug: s\nmetadata: {a: b}"])
def test_a_page_that_is_touched_is_not_read_apart_again(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, matter: str
) -> None:
    page = pages.write("p", matter)
    other = pages.write("q", "slug: other")
    read: list[str] = []
    real = routing.split_front_matter
    monkeypatch.setattr(routing, "split_front_matter", lambda text, name: read.append(name) or real(text, name))
    for number in range(20):
        os.utime(page, (number, number))
        other.write_text(f"---\nslug: other\n---\n{number}")
        assert pages.at("p" if "[" in matter else "s") == "p"
        assert pages.at("other") == "q"
    assert sorted(read) == ["pages/p", "pages/q"]
    page.write_text("---\nslug: new\n---\n")
    assert pages.at("new") == "p"


def test_a_page_whose_front_matter_takes_long_leaves_others_their_time(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, spent = routing.split_front_matter, 0.0

    def slow(text: str, name: str) -> Any:
        nonlocal spent
        began = time.thread_time()
        while time.thread_time() - began < 0.02:
            pass
        spent += 0.02
        return real(text, name)

    page = pages.write("p", "slug: s")
    assert pages.at("s") == "p"
    monkeypatch.setattr(routing, "split_front_matter", slow)
    started, number = time.monotonic(), 0
    while time.monotonic() - started < 2:
        number += 1
        page.write_text(f"---\nslug: s\nmetadata: {number}\n---\n")
        assert pages.at("s") == "p"
    assert spent < 0.75 * (
        time.monotonic() - started
    )  # a half for the looks at what has changed, and a quarter of the rest for the page asked for
