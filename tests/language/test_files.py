"""Files as they are: what is no template is skipped or not found, and what changes is seen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from liquid.exceptions import LiquidError, TemplateNotFoundError

from liquid_background import Environment
from liquid_background.language.pages import MAX_TEMPLATE, SiteLoader, inside, read_text, walk
from liquid_background.language.pages import files as site_files
from liquid_background.lint import check_files, files_under
from tests import campaigns


def _odd_files(root: Path, folder: Path) -> list[str]:
    """Make files that are no templates; return the names that templates in their place would have."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loop.liquid").symlink_to("loop.liquid")
    (folder / "there.liquid").symlink_to("back.liquid")
    (folder / "back.liquid").symlink_to("there.liquid")
    (folder / "gone.liquid").symlink_to("nowhere.liquid")
    (folder / "device.liquid").symlink_to("/dev/zero")
    (folder / ".#lock.liquid").symlink_to("me@host.1:2")
    (folder / "._mac.liquid").write_bytes(b"\0\5\x16\7\xff")
    (folder / ".hidden.liquid").write_text("hidden")
    (folder / "d.liquid").mkdir()
    (folder / "up").symlink_to("..")
    (folder / "new\nline.liquid").write_text("x")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.liquid")).write_text("x")
    os.mkfifo(folder / "fifo.liquid")
    os.mkfifo(folder / "bare")
    outside = root.parent / f"outside-of-{root.name}.liquid"
    outside.write_text("outside")
    (folder / "out.liquid").symlink_to(outside)
    here = os.getcwd()
    try:
        os.chdir(folder)  # a socket's path must be short
        socket.socket(socket.AF_UNIX).bind("socket.liquid")
    finally:
        os.chdir(here)
    odd = ["loop", "there", "back", "gone", "device", ".#lock", "._mac", ".hidden", "d", "new\nline", "\udcff\udcfe"]
    return [*odd, "fifo", "bare", "out", "socket", "n" * 300, "a/" * 600, "\ud800", "a\0b", "up"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("folder", ["pages", "partials", "consumers/e"])
def test_what_is_no_template_is_not_found_and_not_listed(tmp_path: Path, make_site: Any, folder: str) -> None:
    site = make_site()
    site.root = tmp_path
    odd = _odd_files(tmp_path, tmp_path / folder)
    site.write({f"{folder}/good": "good", "pages/page": "x"})
    loader = site.engine.environment.loader
    assert set(loader.names(folder)) - {"page"} == {"good"}
    tag = {"pages": "", "partials": "include", "consumers/e": "background"}[folder]
    prefix = "consumers/e/" if folder.startswith("consumers") else ""
    for name in odd:
        with pytest.raises(TemplateNotFoundError) as raised:
            site.engine.environment.get_template(prefix + name, tag=tag)
        assert str(tmp_path) not in str(raised.value)
        assert str(raised.value).isprintable()
    assert [consumer.name for consumer in loader.consumers("e")] in ([], ["consumers/e/good"])
    assert list(loader.front_matters()) == []


def test_a_name_that_is_too_long_is_not_found_in_one_short_line(site: Any) -> None:
    with pytest.raises(TemplateNotFoundError) as raised:
        site.render(f"{{% include '{'n' * 300}' %}}")
    assert str(site.root) not in str(raised.value)
    assert len(str(raised.value.message)) < 250


def test_a_template_over_the_limit_names_it(site: Any) -> None:
    site.write({"pages/big": "x" * (MAX_TEMPLATE + 1), "pages/fits": "x" * MAX_TEMPLATE})
    with pytest.raises(LiquidError, match="a template may have 256 KB") as raised:
        site.engine.render("big")
    assert raised.value.template_name == "pages/big"
    assert len(site.engine.render("fits")) == MAX_TEMPLATE


def test_a_consumer_or_schedule_over_the_limit_costs_itself_only(
    site: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    large = "---\nschedule: '@daily'\n---\n" + "x" * MAX_TEMPLATE
    site.write({"consumers/e/big": large, "consumers/e/good": "x", "partials/big": large})
    loader = site.engine.environment.loader
    assert [consumer.name for consumer in loader.consumers("e")] == ["consumers/e/good"]
    assert list(loader.front_matters()) == []
    assert caplog.text.count("a template may have 256 KB") == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_costs_itself_only(site: Any) -> None:
    site.write({"pages/closed": "x", "pages/open": "open"})
    (site.root / "pages/closed.liquid").chmod(0)
    with pytest.raises(LiquidError, match="the file cannot be read: Permission denied"):
        site.engine.render("closed")
    assert site.engine.render("open") == "open"


def test_a_file_that_comes_to_stand_before_another_is_seen(site: Any) -> None:
    site.write({"partials/x.html.liquid": "old"})
    assert site.render("{% include 'x' %}") == "old"
    site.write({"partials/x": "new"})
    assert site.engine.render("page") == "new"
    (site.root / "partials/x.liquid").unlink()
    assert site.engine.render("page") == "old"


def test_a_switched_link_to_the_site_is_seen(tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release / "pages").mkdir(parents=True)
        page = tmp_path / release / "pages/page.liquid"
        page.write_text(release)
        os.utime(page, (1, 1))
    link = tmp_path / "templates"
    link.symlink_to("one")
    loader = SiteLoader(link)
    assert _text(loader) == "one"
    link.unlink()
    link.symlink_to("two")
    assert _text(loader) == "two"


def test_a_link_that_is_switched_during_a_look_makes_no_difference(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "pages").mkdir(parents=True)
        (tmp_path / name / "pages/p.liquid").write_text(name)
    link = tmp_path / "templates"
    link.symlink_to("one")
    loader = SiteLoader(link)
    environment = Environment(loader=loader)
    turn = "os.symlink(name, 'new'); os.replace('new', 'templates')"
    switch = f"import os\nwhile True:\n  for name in ('one', 'two'): {turn}"
    switching = subprocess.Popen([sys.executable, "-c", switch], cwd=tmp_path)
    try:
        sources = [loader.get_source(environment, "p") for _ in range(3_000)]
    finally:
        switching.kill()
        switching.wait()
    assert {(source.text, source.name) for source in sources} == {("one", "pages/p"), ("two", "pages/p")}


_FLIPPING = """
import os
here, out = os.getcwd(), os.environ["OUT"]
def put(kind, name):
    os.symlink(f"{out}/{name}", "new") if kind == "link" else open("new", "w").write("inside")
    os.replace("new", f"{here}/{name}")
while True:
    for kind in ("link", "file"):
        put(kind, "x.liquid")
    os.rename("in", "aside"); os.symlink(out, "in")
    os.unlink("in"); os.rename("aside", "in")
"""


@campaigns.fuzz
@pytest.mark.slow
@pytest.mark.parametrize("folder", ["pages", "partials", "layouts", "consumers/e"])
def test_a_link_out_of_the_site_that_is_switched_during_a_look_is_never_read(tmp_path: Path, folder: str) -> None:
    here, out = tmp_path / "site" / folder, tmp_path / "out"
    for place, text in ((here / "in", "inside"), (out, "---\nsource_name: SECRET\nslug: s\n---\nSECRET")):
        place.mkdir(parents=True)
        for name in ("x.liquid", "in/x.liquid") if place == out else ("x.liquid",):
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(text)
    (here / "x.liquid").write_text("inside")
    loader = SiteLoader(tmp_path / "site")
    environment = Environment(loader=loader)
    tag = {"pages": "", "partials": "include", "layouts": "layout"}.get(folder, "background")
    prefix = "consumers/e/" if folder.startswith("consumers") else ""
    flipping = subprocess.Popen([sys.executable, "-c", _FLIPPING], cwd=here, env={**os.environ, "OUT": str(out)})
    seen: set[str] = set()
    try:
        for _ in range(700 * campaigns.TIMES):
            for name in ("x", "in/x"):
                with suppress(TemplateNotFoundError):
                    seen.add(loader.get_source(environment, f"{prefix}{name}", tag=tag).text)
            if folder == "pages":
                assert loader.routes.find("s", "GET") is None
        for _ in range(100 * campaigns.TIMES):
            seen.update(str(consumer.options.get("source_name")) for consumer in loader.consumers("e"))
            seen.update(str(found) for found in check_files(environment, [here / "x.liquid"]) if "SECRET" in str(found))
    finally:
        flipping.kill()
        flipping.wait()
    assert "inside" in seen
    assert not any("SECRET" in each for each in seen), seen


def test_what_is_switched_between_look_and_reading_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "site/a/b").mkdir(parents=True)
    (tmp_path / "out/b").mkdir(parents=True)
    (tmp_path / "out/b/x.liquid").write_text("SECRET")
    file = tmp_path / "site/a/b/x.liquid"
    file.write_text("inside")
    place = inside(str(file), str(tmp_path / "site"))
    assert place is not None
    assert read_text(place, "x") == "inside"
    for switched, target in ((file, "out/b/x.liquid"), (file.parent, "out/b"), (file.parent.parent, "out")):
        aside = switched.rename(tmp_path / "aside")
        switched.symlink_to(tmp_path / target)
        with pytest.raises(TemplateNotFoundError):
            read_text(place, "x")
        switched.unlink()
        aside.rename(switched)
    assert read_text(place, "x") == "inside"


def test_a_file_that_is_written_over_at_once_is_read_again(tmp_path: Path) -> None:
    page = tmp_path / "pages/page.liquid"
    page.parent.mkdir()
    loader = SiteLoader(tmp_path)
    for number in range(100, 150):  # all of one size, some in one tick of the file system's clock
        page.write_text(str(number))
        assert _text(loader) == str(number)


def test_a_folder_that_takes_the_place_of_a_file_is_none(site: Any) -> None:
    assert site.render("{% log 'x' %}once") == "once"
    page = site.root / "pages/page.liquid"
    page.unlink()
    page.mkdir()
    with pytest.raises(TemplateNotFoundError):
        site.engine.environment.get_template("page")


def test_a_file_that_grows_without_end_is_over_the_limit(site: Any) -> None:
    page = site.root / "pages/page.liquid"
    page.parent.mkdir()
    growing = subprocess.Popen(["sh", "-c", f"exec yes > {page}"])
    try:
        while not page.exists() or page.stat().st_size <= MAX_TEMPLATE:
            time.sleep(0.01)
        with pytest.raises(LiquidError, match="a template may have 256 KB"):
            site.engine.render("page")
    finally:
        growing.kill()
        growing.wait()


def _text(loader: SiteLoader) -> str:
    return str(Environment(loader=loader).get_template("page").render())


def test_a_link_within_the_site_is_a_template(site: Any) -> None:
    site.write({"partials/real": "real"})
    (site.root / "partials/link.liquid").symlink_to("real.liquid")
    assert site.render("{% include 'link' %}") == "real"
    assert site.engine.environment.loader.names("partials") == ["link", "real"]


def test_a_folder_that_leads_out_of_the_site_holds_nothing(site: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "secret.liquid").write_text("---\npriority: high\nschedule: '@daily'\n---\nsecret")
    (site.root / "partials").symlink_to(other)
    (site.root / "consumers").mkdir()
    (site.root / "consumers/e").symlink_to(other)
    loader = site.engine.environment.loader
    assert loader.names("partials") == []
    assert list(loader.consumers("e")) == []
    assert list(loader.front_matters()) == []
    assert [found.odd for found in walk(str(site.root), str(site.root)).files] == ["a link to a folder"] * 2


def _far_links(site: Any) -> None:
    """Make links to a file, the way through which goes on and on in a folder."""
    folder = site.root / "partials/x"
    site.write({"partials/end": "the end"})
    folder.mkdir()
    for number in range(36):
        (folder.parent / f"l{number}.liquid").symlink_to(
            "x/../" * 700 + (f"l{number + 1}" if number < 35 else "end") + ".liquid"
        )


def test_a_link_that_leads_too_far_is_no_template_and_costs_few_looks(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _far_links(site)
    loader = site.engine.environment.loader
    looks: list[Any] = []
    real = os.lstat
    monkeypatch.setattr(os, "lstat", lambda *given, **options: looks.append(given) or real(*given, **options))
    assert inside(str(site.root / "partials/l0.liquid"), str(site.root)) is None
    assert len(looks) < 400
    assert loader.names("partials") == ["end"]
    with pytest.raises(LiquidError, match="l0"):
        site.render("{% include 'l0' %}")
    found = check_files(site.engine.environment, files_under(site.root / "partials"))
    far = "skipped: a link that leads through over 255 folders and links"
    assert [item.message for item in found if "l0" in item.path or "l35" in item.path] == [far, far]


def test_folders_in_each_other_hold_templates_up_to_a_depth(site: Any) -> None:
    deep = "d/" * 98 + "page"
    site.write({f"pages/{deep}": "deep", f"pages/{'d/' * 100}page": "too deep"})
    loader = site.engine.environment.loader
    assert loader.names("pages") == [deep]
    assert loader.routes.find(deep, "GET").name == deep
    assert (site.engine.render(deep), loader.routes.find("d/" * 100 + "page", "GET")) == ("deep", None)
    found = check_files(site.engine.environment, files_under(site.root))
    assert [item.message for item in found] == ["skipped: a folder with 99 around it: nobody looks into it"]


def test_of_a_folder_with_too_many_files_the_first_are_looked_at(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_files, "MOST_ENTRIES", 10)
    site.write({f"partials/p{number}": "x" for number in range(30)} | {"pages/page": "{% include 'p29' %}"})
    loader = site.engine.environment.loader
    assert (len(loader.names("partials")), loader.names("pages"), site.engine.render("page")) == (10, ["page"], "x")
    found = check_files(site.engine.environment, files_under(site.root))
    assert [item.message for item in found if "skipped" in item.message] == [f"skipped: {site_files.TOO_FULL}"]
