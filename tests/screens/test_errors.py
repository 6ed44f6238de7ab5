"""What a page says when it cannot be shown, and where it leads."""

from __future__ import annotations

import pytest

from liquid_background import Engine
from liquid_background.screens import ACTIONS, Fields, ScreenRequest, Screens, Visitor
from liquid_background.settings import Settings
from tests.screens.conftest import Ask
from tests.screens.desk import Read


@pytest.fixture
def engine(settings: Settings) -> Engine:
    """One whose store cannot be reached."""
    return Engine(settings=settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))


def test_while_the_store_is_away_a_link_tries_again(engine: Engine) -> None:
    query = Fields.parse("source_name=a%26b&done=retried&about=x")
    request = ScreenRequest(method="GET", path="jobs", query=query, root="/ops", visitor=Visitor("ada", ACTIONS))
    answer = Screens(engine).answer(request)
    page = Read(answer)
    assert answer.status == 503
    assert page.links["Try again"] == "jobs?source_name=a%26b"
    assert page.links["Back to the overview"] == ""


def test_what_was_to_be_done_is_not_tried_again_by_a_link(ask: Ask) -> None:
    answer = ask("queues/pause", {"queue": "low", "back": "/ops/queues"})
    page = Read(answer)
    assert answer.status == 503
    assert "Try again" not in page.links
    assert page.links["Back to where you were"] == "queues"


def test_nor_is_what_will_not_change(ask: Ask) -> None:
    answer = ask("no/such/page")
    assert answer.status == 404
    assert "Try again" not in Read(answer).links
