"""Jobs wait for the commit of a SQLAlchemy session: what is rolled back sends none, to the savepoint."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import StaticPool, create_engine, delete, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from werkzeug.local import LocalProxy

from liquid_background import Engine, SettingsError, StoreUnavailable
from liquid_background.settings import Settings
from liquid_background.sqlalchemy import after_commit
from tests import campaigns
from tests.postgres import PostgresServer


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(unique=True)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[DatabaseEngine]:
    """SQLAlchemy's engine of a database in memory, and of one in a real PostgreSQL."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            made = create_engine("sqlite://", poolclass=StaticPool)
            # Its driver begins no transaction before the first write, and so no savepoint in one.
            event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
            event.listen(made, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
            event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database()).url
            made = create_engine(url.replace("postgresql", "postgresql+psycopg", 1))
        yield made
        made.dispose()


@pytest.fixture
def session(database: DatabaseEngine) -> Iterator[scoped_session[Session]]:
    """A session with one order in its database."""
    Base.metadata.create_all(database)  # if it has none: a test may have disposed of SQLite's
    made = scoped_session(sessionmaker(database))
    with made.begin():
        made.execute(text("DELETE FROM orders" if database.name == "sqlite" else "TRUNCATE orders RESTART IDENTITY"))
        made.add(Order(item="first"))
    made.remove()
    yield made
    made.remove()


@pytest.fixture
def engine(settings: Settings, session: scoped_session[Session]) -> Iterator[Engine]:
    made = Engine(settings=settings)
    made.send_when(after_commit(session))
    yield made
    made.store.close()


def _page(engine: Engine, name: str = "a") -> None:
    engine.render_string(f"{{% background source_name: '{name}' %}}x{{% endbackground %}}")


def _names(engine: Engine) -> list[str]:
    return sorted(job.source_name for job in engine.jobs.list())


@contextmanager
def _failing(block: Any) -> Iterator[None]:
    """Be a block of a session's that an error ends."""
    with suppress(RuntimeError), block:
        yield
        raise RuntimeError


WRITES: dict[str, Callable[[Any], object]] = {
    "add": lambda session: session.add(Order(item="b")),
    "add and flush": lambda session: (session.add(Order(item="b")), session.flush()),
    "change": lambda session: setattr(session.get(Order, 1), "item", "b"),
    "change and flush": lambda session: (setattr(session.get(Order, 1), "item", "b"), session.flush()),
    "delete": lambda session: session.delete(session.get(Order, 1)),
    "delete and flush": lambda session: (session.delete(session.get(Order, 1)), session.flush()),
    "merge into one": lambda session: session.merge(Order(id=1, item="b")),
    "merge a new one": lambda session: session.merge(Order(id=2, item="b")),
    "insert": lambda session: session.execute(insert(Order).values(item="b")),
    "update": lambda session: session.execute(update(Order).values(item="b")),
    "delete by statement": lambda session: session.execute(delete(Order)),
    "query": lambda session: session.query(Order).update({"item": "b"}),
    "insert of a table": lambda session: session.execute(insert(Order.__table__).values(item="b")),
    "text": lambda session: session.execute(text("  insert into orders (item) values ('b')")),
    "text with a comment": lambda session: session.execute(text("/* SELECT */ -- 1\nUPDATE orders SET item = 'b'")),
    "bulk of objects": lambda session: session.bulk_save_objects([Order(item="b")]),
    "bulk of mappings": lambda session: session.bulk_insert_mappings(Order, [{"item": "b"}]),
    "connection": lambda session: session.connection().execute(insert(Order).values(item="b")),
    "driver": lambda session: session.connection().exec_driver_sql("DELETE FROM orders"),
}
ENDS: dict[str, Callable[[Any], object]] = {
    "commit": lambda session: session.commit(),
    "rollback": lambda session: session.rollback(),
    "close": lambda session: session.close(),
    "remove": lambda session: session.remove(),
    "reset": lambda session: session().reset(),
}


@campaigns.fuzz
@pytest.mark.parametrize(("write", "end"), campaigns.pairs(WRITES, list(ENDS), few=2))
def test_jobs_wait_for_the_commit_of_what_was_written(
    engine: Engine, session: scoped_session[Session], write: str, end: str
) -> None:
    WRITES[write](session)
    _page(engine)
    assert _names(engine) == []
    ENDS[end](session)
    assert _names(engine) == (["a"] if end == "commit" else [])
    session.commit()  # of another transaction, which has nothing to do with it
    assert len(_names(engine)) == (end == "commit")


@pytest.mark.parametrize("end", ["commit", "close"])
@pytest.mark.parametrize("write", WRITES)
def test_jobs_made_before_the_first_write_wait_too(
    engine: Engine, session: scoped_session[Session], write: str, end: str
) -> None:
    session.get(Order, 1)
    _page(engine)
    WRITES[write](session)
    ENDS[end](session)
    assert _names(engine) == (["a"] if end == "commit" else [])


def test_a_write_of_a_transaction_before_is_of_no_interest(engine: Engine, session: scoped_session[Session]) -> None:
    for write in WRITES.values():
        write(session)
        session.rollback()
    session.get(Order, 1)
    _page(engine)
    session.close()
    assert _names(engine) == ["a"]


@pytest.mark.parametrize("end", ENDS)
def test_a_session_that_has_only_read_sends_them_at_its_end_unless_that_is_a_rollback(
    engine: Engine, session: scoped_session[Session], end: str
) -> None:
    session.scalars(select(Order).with_for_update()).all()
    session.execute(text("-- INSERT\nSELECT 'insert into', item AS \"delete\" FROM orders"))
    with session.begin_nested():
        session.execute(text("WITH x AS (SELECT 1) SELECT * FROM x;"))
    _page(engine)
    assert _names(engine) == []
    ENDS[end](session)
    assert _names(engine) == ([] if end == "rollback" else ["a"])


def test_without_a_transaction_they_are_sent_at_once(engine: Engine, session: scoped_session[Session]) -> None:
    _page(engine)
    assert not session.registry.has()  # nobody has made a session for it
    session.get(Order, 1)
    session.commit()
    _page(engine, "b")
    assert _names(engine) == ["a", "b"]


def test_a_transaction_that_was_begun_on_purpose_is_rolled_back_by_an_error(
    engine: Engine, session: scoped_session[Session]
) -> None:
    with _failing(session.begin()):
        _page(engine)
    with session.begin():
        _page(engine, "b")
    assert _names(engine) == ["b"]


def test_a_savepoint_takes_along_what_was_made_in_it(engine: Engine, session: scoped_session[Session]) -> None:
    _page(engine, "outer")
    session.add(Order(item="b"))
    with session.begin_nested():
        _page(engine, "released")
    assert _names(engine) == ["outer"]  # made before there was a transaction
    with _failing(session.begin_nested()):
        _page(engine, "rolled-back")
        with session.begin_nested():
            _page(engine, "released-in-it")
    with session.begin_nested():
        with _failing(session.begin_nested()):
            _page(engine, "inner-rolled-back")
        _page(engine, "beside-it")
    assert _names(engine) == ["outer"]
    session.commit()
    assert _names(engine) == ["beside-it", "outer", "released"]


def test_a_rollback_of_all_takes_released_savepoints_along(engine: Engine, session: scoped_session[Session]) -> None:
    session.add(Order(item="b"))
    with session.begin_nested():
        _page(engine)
    session.begin_nested()
    _page(engine)
    session.rollback()
    assert _names(engine) == []


@pytest.mark.parametrize("write", [None, "add", "text"])
def test_a_savepoint_that_is_closed_takes_along_what_was_made_in_it(
    engine: Engine, session: scoped_session[Session], write: str | None
) -> None:
    session.get(Order, 1)
    savepoint = session.begin_nested()
    if write is not None:
        WRITES[write](session)
        session.flush()
    _page(engine)
    with session.begin_nested():
        _page(engine, "released-in-it")
    savepoint.close()
    _page(engine, "b")
    session.commit()
    assert session.scalars(select(Order.item)).all() == ["first"]
    assert _names(engine) == ["b"]


@pytest.mark.parametrize("end", ["rollback", "close", "remove"])
@pytest.mark.parametrize("write", [None, "change", "text"])
def test_a_commit_that_fails_takes_them_along(
    engine: Engine, session: scoped_session[Session], database: DatabaseEngine, write: str | None, end: str
) -> None:
    """As by a constraint that is deferred, or by a database that went away."""

    @event.listens_for(database, "commit", once=True)
    def fail(_connection: object) -> None:
        raise ConnectionError

    session.get(Order, 1)
    if write is not None:
        WRITES[write](session)
    _page(engine)
    with pytest.raises(ConnectionError):
        session.commit()
    ENDS[end](session)
    assert _names(engine) == []
    database.dispose()  # of the connection that never heard of that end


def test_a_deferred_constraint_takes_them_along(
    engine: Engine, session: scoped_session[Session], database: DatabaseEngine
) -> None:
    table = 'lines ("order" int REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED)'
    session.execute(text(f"CREATE TABLE {table}"))
    session.commit()
    session.execute(text("INSERT INTO lines VALUES (17)"))
    _page(engine)
    with pytest.raises(IntegrityError):
        session.commit()
    session.close()
    assert _names(engine) == []
    database.dispose()  # SQLite goes on with a transaction whose commit has failed
    session.execute(text("DROP TABLE IF EXISTS lines"))
    session.commit()


@pytest.mark.parametrize("end", ["rollback", "close", "remove"])
def test_a_write_that_fails_takes_them_along(engine: Engine, session: scoped_session[Session], end: str) -> None:
    session.add(Order(item="first"))
    _page(engine)
    with pytest.raises(IntegrityError):
        session.commit()
    _page(engine)  # the page that says so, before the rollback
    ENDS[end](session)
    assert _names(engine) == []
    _page(engine, "b")
    assert _names(engine) == ["b"]


def test_what_was_made_in_one_transaction_is_sent_in_order(engine: Engine, session: scoped_session[Session]) -> None:
    session.add(Order(item="b"))
    for name in ("a", "b", "c"):
        _page(engine, name)
    session.commit()
    assert [job.source_name for job in engine.jobs.list()][::-1] == ["a", "b", "c"]


def test_a_store_that_is_away_is_told_by_the_commit_which_has_been_done(session: scoped_session[Session]) -> None:
    away = Engine(redis_url="redis://127.0.0.1:1")
    away.send_when(after_commit(session))
    session.add(Order(item="b"))
    _page(away)
    with pytest.raises(StoreUnavailable):
        session.commit()
    assert session.scalars(select(Order.item).order_by(Order.id)).all() == ["first", "b"]


def test_what_cannot_be_sent_keeps_no_other_back(engine: Engine, session: scoped_session[Session]) -> None:
    away = [Engine(redis_url=f"redis://127.0.0.1:{port}") for port in (1, 2)]
    for each in away:
        each.send_when(after_commit(session))
    for write in (True, False):
        session.execute(insert(Order).values(item="second") if write else select(Order))
        _page(engine, "before")
        for each in away:
            _page(each)
        _page(engine, "after")
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1") as raised:
            session.commit() if write else session.remove()
        assert raised.value.__notes__ == ["2 of 4 pages and calls could not send their jobs"]
        session.remove()
    assert sorted(job.source_name for job in engine.jobs.list()) == ["after", "after", "before", "before"]


@pytest.mark.parametrize("end", ["close", "remove"])
def test_a_store_that_is_away_is_told_by_the_end_of_what_only_read_and_the_next_session_is_a_new_one(
    session: scoped_session[Session], end: str
) -> None:
    away = Engine(redis_url="redis://127.0.0.1:1")
    away.send_when(after_commit(session))
    session.get(Order, 1)
    _page(away)
    before = session()
    with pytest.raises(StoreUnavailable):
        ENDS[end](session)
    assert session() is not before
    session.add(Order(item="b"))
    session.commit()


def test_sessions_that_nobody_closes_are_not_kept(engine: Engine, session: scoped_session[Session]) -> None:
    session.get(Order, 1)
    _page(engine)
    known = weakref.ref(session())
    session.registry.clear()
    gc.collect()
    assert known() is None
    assert _names(engine) == []


def test_two_engines_may_wait_for_one_session(
    engine: Engine, session: scoped_session[Session], settings: Settings
) -> None:
    other = Engine(settings=settings)
    other.send_when(after_commit(session))
    session.add(Order(item="b"))
    for each in (engine, other):
        _page(each)
    session.commit()
    assert _names(engine) == ["a", "a"]
    other.store.close()


def test_only_a_session_that_knows_which_is_current_will_do() -> None:
    with pytest.raises(SettingsError, match="after_commit takes a scoped_session"):
        after_commit(sessionmaker())  # type: ignore[arg-type]


_request: ContextVar[int] = ContextVar("_request")


def _of_a_variable() -> object:
    return _request.get()


def _of_a_thread() -> object:
    return threading.local().scope


SCOPES: dict[str, Callable[[], object]] = {
    "a context variable without a value": _of_a_variable,
    "an event loop's task": asyncio.current_task,
    "a thread's attribute": _of_a_thread,
    "a proxy of a request": lambda: LocalProxy(_request)._get_current_object(),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_outside_of_every_scope_jobs_are_sent_at_once(scope: str, settings: Settings) -> None:
    session = scoped_session(sessionmaker(), scopefunc=SCOPES[scope])
    with pytest.raises((RuntimeError, LookupError, AttributeError)):
        session()
    made = Engine(settings=settings)
    made.send_when(after_commit(session))
    _page(made)
    assert _names(made) == ["a"]
    made.store.close()
