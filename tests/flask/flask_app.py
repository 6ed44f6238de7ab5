"""A Flask application for real workers: its jobs write where they ran into its database, or into the file NOTES."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, appcontext_tearing_down, current_app, g, url_for
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from liquid_background.flask import LiquidBackground
from liquid_background.sqlalchemy import after_commit


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
background = LiquidBackground()
background.send_when(after_commit(db.session))


class Visit(db.Model):  # type: ignore[name-defined,misc]
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    pid: Mapped[int]
    backend: Mapped[int]


def note(*words: object) -> None:
    with open(os.environ["NOTES"], "a", encoding="utf-8") as stream:
        print(*words, file=stream)


@background.action
def where() -> str:
    had = g.get("seen", "nothing")
    g.seen = "something"
    return f"{current_app.name} {url_for('order', number=7)} {had}"


@background.action
async def where_async() -> str:
    return current_app.name


@background.action
def fail() -> None:
    raise ValueError("no")


@background.action
def visit(name: str, seconds: float = 0.0) -> int:
    backend: int = db.session.scalar(db.select(func.pg_backend_pid())) or 0
    db.session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
    db.session.add(Visit(name=name, pid=os.getpid(), backend=backend))
    db.session.commit()
    return backend


@background.action
def leave_open(name: str) -> None:
    """Write without a commit: the session's end takes it back."""
    db.session.add(Visit(name=name, pid=0, backend=0))
    db.session.flush()


@background.action
def leave_a_context(name: str) -> None:
    """Write without a commit, and do not end a context that it has begun, as scripts do."""
    leave_open.__wrapped__(name)
    current_app.app_context().push()
    leave_open.__wrapped__(name)


@background.action
def idle_connections() -> str:
    """Return how many connections the pool has lent, before this job has asked for one."""
    return str(db.engine.pool.checkedout())  # type: ignore[attr-defined]


def create_app(**config: Any) -> Flask:
    app = Flask("shop")
    url = os.environ.get("DATABASE_URL", "sqlite://")
    app.config["SQLALCHEMY_DATABASE_URI"] = url.replace("postgresql://", "postgresql+psycopg://")
    app.config["LIQUID_BACKGROUND_BASE_URL"] = "https://shop.example/tea"
    app.config.update(config)
    background.init_app(app)
    db.init_app(app)  # after it: what it finds of databases is asked for later
    app.add_url_rule("/orders/<int:number>", "order", lambda number: "")
    if "NOTES" in os.environ:
        app.teardown_appcontext(lambda error: note("teardown", os.getpid(), type(error).__name__))
    if "DATABASE_URL" in os.environ:
        with app.app_context():
            db.create_all()  # a connection that all children would share
    return app


def create_bare_app() -> Flask:
    """An application that nobody has set the extension up for."""
    return Flask("bare")


def create_app_without_address() -> Flask:
    return create_app(LIQUID_BACKGROUND_BASE_URL=None)


def create_app_with_server_name() -> Flask:
    return create_app(LIQUID_BACKGROUND_BASE_URL=None, SERVER_NAME="tea.example", PREFERRED_URL_SCHEME="https")


def create_app_with_trouble() -> Flask:
    """Flask calls the last of these first, and the database's, which `create_app` has set up, after all of them."""
    app = create_app()

    @app.teardown_appcontext
    def broken(_error: object) -> None:
        raise OSError("cannot put it away")

    @app.teardown_appcontext
    def leaves(_error: object) -> None:
        raise SystemExit(3)

    @background.on_failure
    def write_and_fail(_failure: object) -> None:
        if "DATABASE_URL" in os.environ:
            leave_open.__wrapped__("of the hook")
        raise LookupError("cannot tell")

    appcontext_tearing_down.connect(_broken_receiver, app)
    return app


def _broken_receiver(_app: Flask, exc: object = None) -> None:
    raise KeyError("receiver")
