"""A site whose templates are in the dialect, rendered by both halves, walked over and compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Environment
from liquid_background.language.compiled import deciding
from liquid_background.language.pages import SiteLoader
from liquid_background.settings import Settings
from tests.halves import BothHalves
from tests.language.conftest import Site


@pytest.fixture(params=["walked", "compiled"])
def site(request: Any, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Site:
    if request.param == "compiled":
        monkeypatch.setattr(deciding, "patience", 0.0)
    environment = Environment(
        loader=SiteLoader(tmp_path), dialect="platformos", compile=request.param == "compiled", autoescape=False
    )
    return Site(tmp_path, BothHalves(environment=environment, settings=settings))


@pytest.fixture
def standard(tmp_path: Path, settings: Settings) -> Site:
    """Return a site in standard Liquid."""
    return Site(tmp_path, BothHalves(environment=Environment(loader=SiteLoader(tmp_path)), settings=settings))


@pytest.fixture(scope="session")
def show() -> Callable[..., str]:
    """Return what renders text with data, in one environment that all share."""
    environment = Environment(dialect="platformos")

    def shown(source: str, **data: object) -> str:
        return environment.from_string(source).render(**data)

    return shown
