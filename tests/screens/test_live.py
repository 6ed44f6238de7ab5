"""The live parts of pages, as a page asks for them."""

from __future__ import annotations

import pytest

from liquid_background.screens.assets import ASSETS
from tests.screens.conftest import Ask

STYLE = f"assets/{ASSETS['dashboard.css']}/dashboard.css"


@pytest.mark.parametrize("path", ["live", "live/" * 30 + "jobs", "%6Cive/jobs", STYLE])
def test_what_is_no_page_has_no_live_part(ask: Ask, path: str) -> None:
    """Each live part in another one was read twice: thirty of them in an address took a server's thread for ever."""
    assert ask(f"live/{path}").status == 404


@pytest.mark.parametrize("path", ["", "jobs", "failures", "operations"])
def test_a_page_has_one(ask: Ask, path: str) -> None:
    assert ask(f"live/{path}").status == 200
