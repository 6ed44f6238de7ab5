"""Flask applications on the session's store, with a folder of templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from liquid_background.flask import LiquidBackground
from liquid_background.settings import Settings
from tests import warm
from tests.worker.conftest import Bench, bench

__all__ = ["Bench", "bench"]


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm.ahead.update(("liquid_background.flask", "liquid_background.sqlalchemy", "flask.cli", "flask_sqlalchemy"))


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Path]:
    """`site(**{"pages/x": text})` writes templates into the folder where an application looks for them."""

    def write(**templates: str) -> Path:
        for name, text in templates.items():
            file = tmp_path / "templates" / "liquid" / f"{name}.liquid"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def make_app(tmp_path: Path, settings: Settings) -> Iterator[Callable[..., Flask]]:
    """`make_app(extension, name="shop", **config)` makes an application whose jobs go to the session's store."""
    made: list[Flask] = []

    def make(extension: LiquidBackground | None = None, name: str = "shop", **config: Any) -> Flask:
        app = Flask(name, root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
        app.config.update(
            {"SECRET_KEY": "x", "LIQUID_BACKGROUND_DATA_DIR": settings.data_dir, "TESTING": True, **config}
        )
        (extension or LiquidBackground()).init_app(app)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["liquid_background"].engine.store.close()
