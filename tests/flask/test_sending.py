"""When a view's jobs are sent that wait for its session: while Flask still answers for what that raises."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from liquid_background.errors import StoreUnavailable
from liquid_background.flask import LiquidBackground, get_engine, render_liquid_string
from liquid_background.settings import Settings
from liquid_background.sqlalchemy import after_commit
from tests.flask import flask_app

PAGE = "{% background source_name: 'a' %}x{% endbackground %}"


@pytest.fixture
def make_shop(make_app: Callable[..., Flask]) -> Callable[..., tuple[Flask, SQLAlchemy]]:
    """`make_shop(away=False)` makes an application whose views read, or write, and make a job."""

    def make(away: bool = False) -> tuple[Flask, SQLAlchemy]:
        db, background = SQLAlchemy(), LiquidBackground()
        background.send_when(after_commit(db.session))
        config = {"SQLALCHEMY_DATABASE_URI": "sqlite://", "PROPAGATE_EXCEPTIONS": False}
        if away:
            app = Flask("shop")
            app.config.update(config, LIQUID_BACKGROUND_REDIS_URL="redis://127.0.0.1:1")
            background.init_app(app)
        else:
            app = make_app(background, **config)
        db.init_app(app)

        @app.get("/reads")
        def reads() -> str:
            db.session.execute(text("SELECT 1"))
            render_liquid_string(PAGE)
            return "read"

        @app.get("/writes")
        def writes() -> str:
            db.session.execute(text("CREATE TABLE t (x int)"))
            render_liquid_string(PAGE)
            return "written"

        return app, db

    return make


def _sent(app: Flask) -> int:
    with app.app_context():
        return len(get_engine().jobs.list())


def test_what_only_waits_for_the_end_of_the_request_is_sent_before_it(
    make_shop: Callable[..., tuple[Flask, SQLAlchemy]],
) -> None:
    app, _ = make_shop()
    seen: list[int] = []
    app.teardown_request(lambda _error: seen.append(_sent(app)))
    assert app.test_client().get("/reads").text == "read"
    assert app.test_client().get("/writes").text == "written"
    assert seen == [1, 1]  # the second is not sent at all
    assert _sent(app) == 1


def test_a_store_that_is_away_then_is_answered_by_the_error_handler(
    make_shop: Callable[..., tuple[Flask, SQLAlchemy]],
) -> None:
    app, db = make_shop(away=True)
    told: list[object] = []

    @app.errorhandler(500)
    def sorry(error: Any) -> tuple[str, int]:
        told.append(error.original_exception)
        return "sorry", 503

    answer = app.test_client().get("/reads")
    assert (answer.status_code, answer.text) == (503, "sorry")
    assert [type(error) for error in told] == [StoreUnavailable]
    assert not db.session.registry.registry  # type: ignore[attr-defined]


def test_a_store_that_is_away_when_a_context_ends_leaves_no_session(
    make_shop: Callable[..., tuple[Flask, SQLAlchemy]],
) -> None:
    """Outside of requests nobody asks before the end."""
    app, db = make_shop(away=True)
    context = app.app_context()
    context.push()
    db.session.execute(text("SELECT 1"))
    render_liquid_string(PAGE)
    with pytest.raises(StoreUnavailable):
        context.pop()
    assert not db.session.registry.registry  # type: ignore[attr-defined]


def test_without_an_application_context_jobs_are_sent_at_once(settings: Settings) -> None:
    """As in a script, in a thread of the application's own, and in a command such as `poscli render`."""
    app = flask_app.create_app(LIQUID_BACKGROUND_DATA_DIR=settings.data_dir)
    engine = app.extensions["liquid_background"].engine
    engine.render_string(PAGE)
    engine.enqueue("where")
    thread = Thread(target=engine.enqueue, args=("where",))
    thread.start()
    thread.join()
    assert sorted(job.source_name for job in engine.jobs.list()) == ["a", "where", "where"]
    engine.store.close()
