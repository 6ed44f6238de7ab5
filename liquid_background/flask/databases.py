"""The databases of Flask-SQLAlchemy: each child of a worker has connections of its own, each attempt ones that work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask

from liquid_background.flask.contexts import Contexts
from liquid_background.hooks import Attempt, Hooked


def keep_connections(app: Flask, contexts: Contexts, engine: Hooked) -> None:
    """Have a worker's processes neither share connections nor use those that the database has closed.

    Args:
        app: asked for its databases at each use, since it may set Flask-SQLAlchemy up later.
        contexts: of the application, whose databases are there inside of one.
        engine: whose workers.
    """

    @engine.on_worker_start  # of what was asked while the application was loaded
    def close_all() -> None:
        with contexts():
            _dispose(app, close=True)

    @engine.on_child_start  # they are the parent's, which may go on
    def forget_all() -> None:
        with contexts():
            _dispose(app, close=False)

    @engine.around_job
    def living_connections(_job: Attempt) -> Iterator[None]:
        for database in _databases(app):  # inside the application context of the attempt
            _drop_dead(database)
        yield


def _databases(app: Flask) -> list[Any]:
    """Return SQLAlchemy's engines: Flask-SQLAlchemy and Flask-SQLAlchemy-Lite both have them so."""
    return list(getattr(app.extensions.get("sqlalchemy"), "engines", {}).values())


def _dispose(app: Flask, *, close: bool) -> None:
    for database in _databases(app):
        database.dispose(close=close)


def _drop_dead(database: Any) -> None:
    """Ask the database by a connection that was used before; when it does not answer, have all of them made anew.

    A job that has one attempt would fail by a restart that happened long before it began.
    """
    if not getattr(database.pool, "checkedin", int)():  # some pools keep none
        return
    try:
        connection = database.raw_connection()
    except Exception:  # noqa: BLE001  each driver has errors of its own; a pool that asks by itself has found out
        return
    try:
        database.dialect.do_ping(connection.dbapi_connection)
    except Exception:  # noqa: BLE001  likewise
        connection.invalidate()
        database.dispose()
    finally:
        connection.close()
