"""SQLAlchemy: jobs are sent when the transaction that they were made in has been committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, scoped_session

from liquid_background.errors import SettingsError

__all__ = ["after_commit"]

Send: TypeAlias = Callable[[], object]

_KEY: Final = "liquid_background"


def after_commit(session: scoped_session[Any]) -> Callable[[Send], None]:
    """Return what `send_when` is given so that jobs wait for the commit of the current session.

    A rollback takes the jobs along that were made since the transaction began, one to a savepoint those that were made
    since that. A session that is closed without either, as after a page that only read, sends its jobs when it has
    written nothing, and else takes them along. Without a transaction they are sent at once.

    Args:
        session: gives the current session, as `db.session` of Flask-SQLAlchemy does.

    Raises:
        SettingsError: when it is something else.
    """
    if not isinstance(session, scoped_session):
        raise SettingsError(f"after_commit takes a scoped_session, which knows the current session; got {session!r}")
    _listen(session)

    def wait(send: Send) -> None:
        current = session() if session.registry.has() else None
        transaction = current.get_transaction() if current is not None else None
        if current is None or transaction is None:
            send()
        else:
            _waiting(current).made.append(_Made(send, _within(current.get_nested_transaction() or transaction)))

    return wait


@dataclass(frozen=True, slots=True)
class _Made:
    """Jobs of a page or an `enqueue`, and the transactions and savepoints that they were made in."""

    send: Send
    within: tuple[SessionTransaction, ...]


@dataclass(slots=True)
class _Waiting:
    """What waits for the end of a session's transaction."""

    made: list[_Made] = field(default_factory=list)
    wrote: bool = False
    committed: bool = False


def _waiting(session: Session) -> _Waiting:
    found: _Waiting = session.info.setdefault(_KEY, _Waiting())
    return found


def _within(transaction: SessionTransaction | None) -> tuple[SessionTransaction, ...]:
    found = []
    while transaction is not None:
        found.append(transaction)
        transaction = transaction.parent
    return tuple(found)


def _listen(session: scoped_session[Any]) -> None:
    for name, listener in (
        ("transient_to_pending", _note_object),
        ("before_flush", _note_flush),
        ("do_orm_execute", _note_statement),
        ("after_commit", _committed),
        ("after_rollback", _rolled_back),
        ("after_transaction_end", _ended),
    ):
        if not event.contains(session, name, listener):
            event.listen(session, name, listener)


def _note_object(session: Session, _instance: object) -> None:
    _waiting(session).wrote = True


def _note_flush(session: Session, *_: object) -> None:  # which happens only if there is something to write
    _waiting(session).wrote = True


def _note_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _waiting(state.session).wrote = True


def _committed(session: Session) -> None:
    if not session.in_nested_transaction():  # SQLAlchemy says so of the release of a savepoint, too
        _waiting(session).committed = True


def _rolled_back(session: Session) -> None:
    waiting, savepoint = _waiting(session), session.get_nested_transaction()
    waiting.made = [each for each in waiting.made if savepoint is not None and savepoint not in each.within]


def _ended(session: Session, transaction: SessionTransaction) -> None:
    """Send what is left; when that raises, the session is none the worse, as it would be in `after_commit`."""
    if transaction.parent is not None:
        return
    waiting = session.info.pop(_KEY, _Waiting())
    if waiting.committed or not waiting.wrote:
        for each in waiting.made:
            each.send()
