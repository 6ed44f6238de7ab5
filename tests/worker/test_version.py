"""The version of an application: its own word, or that of the distribution it was installed from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from liquid_background_worker.version import app_version


class _App:
    def perform(self, *_: Any) -> Any:
        raise NotImplementedError


def _installed(folder: Path, name: str, top: str, version: str, link: Path | None = None) -> None:
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (place / "top_level.txt").write_text("" if link else top)
    if link:
        (place / "direct_url.json").write_text(json.dumps({"url": link.as_uri(), "dir_info": {"editable": True}}))


def _module(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, text: str = "") -> None:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)
    __import__(name)
    monkeypatch.setitem(sys.modules, name, sys.modules[name])


def test_a_word_of_its_own_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _module(monkeypatch, tmp_path, "shop_a", "__version__ = '1.0'")
    _installed(tmp_path, "shop-a-dist", "shop_a", "2.0")
    app = _App()
    assert app_version("shop_a:engine", app) == "1.0"
    app.__version__ = "3.0"  # type: ignore[attr-defined]  # as an engine of the application's own class may have
    assert app_version("shop_a:engine", app) == "3.0"


@pytest.mark.parametrize("is_linked", [False, True])
def test_else_that_of_its_distribution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_linked: bool) -> None:
    site = tmp_path / "site" if is_linked else tmp_path
    _installed(site, "shop-b-dist", "shop_b", "2.0", link=tmp_path if is_linked else None)
    _module(monkeypatch, tmp_path, "shop_b")
    monkeypatch.syspath_prepend(site)
    assert app_version("shop_b:engine", _App()) == "2.0"


def test_another_one_that_has_a_package_of_that_name_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _module(monkeypatch, tmp_path, "shop_c")
    _installed(tmp_path / "site", "other", "shop_c", "2.0")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert app_version("shop_c:engine", _App()) == ""
    assert app_version(None, _App()) == ""
