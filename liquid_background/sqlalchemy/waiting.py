"""What waits for the end of a session's transaction, and what that end does with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Connection, ExceptionContext, event, inspect
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

from liquid_background.errors import SettingsError
from liquid_background.sqlalchemy.statements import only_reads

Send: TypeAlias = Callable[[], object]

_KEY: Final = "liquid_background"


class _AfterCommit:
    """What `send_when` is given: has jobs wait for the commit of the current session."""

    def __init__(self, session: scoped_session[Any]) -> None:
        self._session = session

    def __call__(self, send: Send) -> None:
        """Send now, or have it done at the end of the transaction."""
        current = self._current()
        transaction = current.get_transaction() if current is not None else None
        if current is None or transaction is None:
            send()
            return
        waiting = _waiting(current)
        waiting.made.append(_Made(send, _within(current.get_nested_transaction() or transaction)))
        waiting.scope = self._session
        waiting.deleted = current._deleted  # a session that is closed has another one before it says so

    def settle(self) -> None:
        """Send now what waits for no commit: what was made in a session that has only read so far."""
        current = self._current()
        waiting = current.info.get(_KEY) if current is not None else None
        if (
            isinstance(waiting, _Waiting)
            and waiting.has_only_read()
            and not current.in_nested_transaction()
            and not (current.new or current.dirty or current.deleted)
        ):
            waiting.send()

    def _current(self) -> Any:
        return self._session() if _has_session(self._session) else None


def _has_session(scope: scoped_session[Any]) -> bool:
    """Return whether there is a current session: outside of every scope, whose function then raises, there is none."""
    try:
        return bool(scope.registry.has())
    except Exception:  # noqa: BLE001  a function of the application's: Flask's has no context, a variable no value
        return False


def after_commit(session: scoped_session[Any]) -> Callable[[Send], None]:
    """Return what `send_when` is given so that jobs wait for the commit of the current session.

    A rollback takes the jobs along that were made since the transaction began, one to a savepoint those that were made
    since that, and so does a commit that fails. A session that is closed without either, as after a page that only
    read, sends its jobs when it has nothing but read, and else takes them along. Without a transaction they are sent at
    once; so they are without a session, as in a script outside of Flask's application context.

    Args:
        session: gives the current session, as `db.session` of Flask-SQLAlchemy does.

    Raises:
        SettingsError: when it is something else.
    """
    if not isinstance(session, scoped_session):
        raise SettingsError(f"after_commit takes a scoped_session, which knows the current session; got {session!r}")
    for name, listener in _LISTENERS:
        if not event.contains(session, name, listener):
            event.listen(session, name, listener)
    return _AfterCommit(session)


@dataclass(frozen=True, slots=True)
class _Made:
    """Jobs of a page or an `enqueue`, and the transactions and savepoints that they were made in."""

    send: Send
    within: tuple[SessionTransaction, ...]


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Waiting:
    """What waits for the end of a session's transaction.

    Attributes:
        made: in order.
        scope: gives the session; None while nothing waits.
        deleted: the session's objects that the next flush deletes.
        unclean: whether something was written, or may have been, or failed.
        committing: whether a commit has begun.
        committed: whether it succeeded.
        released: savepoints that were.
    """

    made: list[_Made] = field(default_factory=list)
    scope: scoped_session[Any] | None = None
    deleted: Any = ()
    unclean: bool = False
    committing: bool = False
    committed: bool = False
    released: list[SessionTransaction] = field(default_factory=list)

    def has_only_read(self) -> bool:
        return not (self.unclean or self.committing or self.deleted)

    def drop(self, transaction: SessionTransaction) -> None:
        """Forget what was made in a savepoint, or in all of the transaction."""
        self.made = [each for each in self.made if transaction not in each.within]

    def send(self) -> None:
        """Send all of it: what cannot be sent keeps no other back. The first error is raised when each was tried."""
        made, self.made = self.made, []
        errors: list[Exception] = []
        for each in made:
            try:
                each.send()
            except Exception as error:  # noqa: BLE001  raised below
                errors.append(error)
        if errors:
            if len(errors) > 1:
                errors[0].add_note(f"{len(errors)} of {len(made)} pages and calls could not send their jobs")
            raise errors[0]


_connections: Final[WeakKeyDictionary[Connection, WeakSet[_Waiting]]] = WeakKeyDictionary()
"""Who is told of what a connection executes: the sessions that use it, most often one. It keeps none of them alive."""


def _waiting(session: Session) -> _Waiting:
    found: _Waiting = session.info.setdefault(_KEY, _Waiting())
    return found


def _within(transaction: SessionTransaction | None) -> tuple[SessionTransaction, ...]:
    found = []
    while transaction is not None:
        found.append(transaction)
        transaction = transaction.parent
    return tuple(found)


def _created(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:  # or one is there still, of a transaction whose end has failed
        session.info[_KEY] = _Waiting()


def _begun(session: Session, _transaction: object, connection: Connection) -> None:
    _connections.setdefault(connection, WeakSet()).add(_waiting(session))
    if not event.contains(connection.engine, "before_cursor_execute", _note_statement):
        event.listen(connection.engine, "before_cursor_execute", _note_statement)
        event.listen(connection.engine, "handle_error", _note_error)


def _note_statement(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
    for waiting in _connections.get(connection, ()):
        waiting.unclean = waiting.unclean or not only_reads(statement)


def _note_error(context: ExceptionContext) -> None:
    if context.connection is not None:
        for waiting in _connections.get(context.connection, ()):
            waiting.unclean = True


def _note_object(session: Session, _instance: object) -> None:
    _waiting(session).unclean = True


def _note_flush(session: Session, *_: object) -> None:  # which happens only if there is something to write
    _waiting(session).unclean = True


def _note_left(session: Session, instance: object) -> None:
    """Look for changes that nobody has flushed, when a session lets go of its objects, as it does when it is closed."""
    waiting = session.info.get(_KEY)
    if isinstance(waiting, _Waiting) and waiting.made and not waiting.unclean:
        state = inspect(instance, raiseerr=False)  # None: nobody has the object any more, nor then its changes
        waiting.unclean = state is not None and state.modified


def _committing(session: Session) -> None:
    if not session.in_nested_transaction():
        _waiting(session).committing = True


def _committed(session: Session) -> None:
    savepoint = session.get_nested_transaction()
    if savepoint is None:
        _waiting(session).committed = True
    else:  # SQLAlchemy says so of the release of a savepoint, too
        _waiting(session).released.append(savepoint)


def _rolled_back(session: Session) -> None:
    ended = session.get_nested_transaction() or session.get_transaction()
    if ended is not None:
        _waiting(session).drop(ended)


def _ended(session: Session, transaction: SessionTransaction) -> None:
    """Send what is left; when that raises, the session is none the worse, as it would be in `after_commit`."""
    if transaction.nested:
        waiting = _waiting(session)
        if transaction not in waiting.released:  # it was closed, which rolls it back
            waiting.drop(transaction)
    if transaction.parent is not None:
        return
    waiting = session.info.pop(_KEY, _Waiting())
    if waiting.committed or waiting.has_only_read():
        try:
            waiting.send()
        except BaseException:
            if waiting.scope is not None and _has_session(waiting.scope) and waiting.scope() is session:
                waiting.scope.registry.clear()  # `remove` does not come to that, and others would get this session
            raise


_LISTENERS: Final = (
    ("after_transaction_create", _created),
    ("after_begin", _begun),
    ("transient_to_pending", _note_object),
    ("before_flush", _note_flush),
    ("persistent_to_detached", _note_left),
    ("before_commit", _committing),
    ("after_commit", _committed),
    ("after_rollback", _rolled_back),
    ("after_transaction_end", _ended),
)
