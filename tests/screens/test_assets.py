"""The dashboard's files: how large they are, whose they are, and that pages load nothing else."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from liquid_background.screens.assets import ASSETS
from tests.screens.conftest import Ask, text_of
from tests.screens.shop import Shop

FOLDER = files("liquid_background.screens") / "assets"
OWN = {"dashboard.css", "dashboard.js", "icon.svg"}
VERSION = {
    "htmx.min.js": r'this\.version="([\d.]+)"',
    "uplot.min.js": r"\A/\*! https://github\.com/leeoniya/uPlot \(v([\d.]+)\) \*/",
}
"""What a file of others says of its version."""


def _vendored() -> dict[str, tuple[str, str]]:
    """Return the version and the licence of each file of others, as VENDORED.md tells them."""
    text = (FOLDER / "VENDORED.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([\d.]+) \| ([^|]+) \|$", text, re.MULTILINE)
    return {name: (version, licence.strip()) for name, version, licence in rows}


def test_the_files_are_small() -> None:
    sizes = {name: len((FOLDER / name).read_bytes()) for name in ASSETS}
    assert sum(sizes.values()) < 130_000
    assert sizes["dashboard.css"] + sizes["dashboard.js"] <= 28 * 1024


def test_each_file_of_others_has_its_version_and_licence() -> None:
    told = _vendored()
    assert set(told) == set(ASSETS) - OWN
    text = (FOLDER / "VENDORED.md").read_text("utf-8")
    for name, (version, licence) in told.items():
        assert licence in ("Zero-Clause BSD", "MIT")
        assert licence in text.partition("##")[2], f"the text of the licence of {name}"
        if name in VERSION:
            found = re.search(VERSION[name], (FOLDER / name).read_text("utf-8"))
            assert found is not None
            assert found[1] == version
    assert {told[name][0] for name in told if name.startswith("hx")} == {told["htmx.min.js"][0]}  # of one release


@pytest.mark.parametrize(
    "path", ["", "jobs", "failures", "names", "queues", "schedules", "workers", "logs", "operations", "nothing"]
)
def test_pages_load_nothing_but_these(shop: Shop, ask: Ask, path: str) -> None:
    shop.fail(parameters={"to": "https://elsewhere.example/x.js"})
    html = text_of(ask(path))
    loaded = re.findall(
        r"<(?:script|link|img|iframe|source|use|object|embed)\b[^>]*?\b(?:src|href|data)=\"([^\"]*)\"", html
    )
    assert len(loaded) == 8
    for url in loaded:
        assert re.fullmatch(r"/ops/assets/[0-9a-f]{12}/[a-z.-]+", url)
        assert ask(url.removeprefix("/ops/")).status == 200
    assert not re.findall(r"<style|\bstyle=|<script(?![^>]* src=)|\bon[a-z]+=", html)


def test_no_file_names_another_host() -> None:
    for name in OWN:
        hosts = re.findall(r"https?://[^\s\"')]+", (FOLDER / name).read_text("utf-8"))
        assert set(hosts) <= {"http://www.w3.org/2000/svg"}, name
    for name in (each for each in ASSETS if each.endswith(".css")):
        assert not re.findall(r"@import|url\(", (FOLDER / name).read_text("utf-8")), name
