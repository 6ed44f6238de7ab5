"""A dashboard's screens on a real store, asked as any of its faces asks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from liquid_background import Engine
from liquid_background.jobs.store import Store
from liquid_background.screens import ACTIONS, Fields, ScreenAnswer, ScreenRequest, Screens, Visitor
from liquid_background.settings import Settings
from tests.screens.shop import Shop

Ask: TypeAlias = Callable[..., ScreenAnswer]
ORIGIN = "https://shop.example"
ADA = Visitor("ada", ACTIONS)
READER = Visitor("rita")


@pytest.fixture
def engine(store: Store, settings: Settings) -> Engine:
    engine = Engine(settings=settings)
    engine._link._store = store  # connecting takes as long as a screen
    return engine


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Ask for a path with its query; with a form it is a POST of the dashboard's own page."""
    screens = Screens(engine)

    def asked(url: str, form: dict[str, Any] | None = None, *, visitor: Visitor = ADA, **more: Any) -> ScreenAnswer:
        path, _, query = url.partition("?")
        headers = {"host": ORIGIN.partition("//")[2], "origin": ORIGIN}
        pairs = [(name, str(each)) for name, value in (form or {}).items() for each in _each(value)]
        method = "GET" if form is None else "POST"
        given = {"method": method, "headers": headers, "root": "/ops", "visitor": visitor, **more}
        return screens.answer(
            ScreenRequest(path=path.strip("/"), query=Fields.parse(query), form=Fields(pairs), **given)
        )

    return asked


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def text_of(answer: ScreenAnswer) -> str:
    return answer.body.decode()


@pytest.fixture
def shop(engine: Engine) -> Shop:
    """What puts jobs into the store."""
    return Shop(engine)


def where(answer: ScreenAnswer) -> str:
    """Return where a redirect leads."""
    assert answer.status in (302, 303), text_of(answer)
    return dict(answer.headers)["location"]
