"""When jobs are sent: once every transaction that was open when they were made has been committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from liquid_background.hooks import Hooked
from liquid_background.threads import queueing


def send_on_commit(engine: Hooked, aliases: Sequence[str] | None) -> None:
    """Have an engine's jobs sent on commit, also those of coroutines: their transactions are in asgiref's thread."""
    engine.send_when(SendOnCommit(aliases))
    engine.hooks.to_thread = in_djangos_thread


async def in_djangos_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a function returns that is called in the thread of this request's transactions.

    All calls of a program that serves no requests wait in turn for one thread.
    """
    with queueing():
        return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class SendOnCommit:
    """Sends jobs on commit: what an engine's `send_when` is given.

    Attributes:
        aliases: the databases whose transactions count; None for all.
    """

    aliases: Sequence[str] | None

    def __call__(self, send: Callable[[], object]) -> None:
        """Send now, outside of transactions; else when all those that are open have been committed.

        A transaction or savepoint that is rolled back takes what was made in it along.
        """
        waited_for = [alias for alias, connection in self._connections() if _has_transaction(connection)]
        if not waited_for:
            self._send_now(send)
            return
        last = _Countdown(send, len(waited_for))
        for alias in waited_for:
            transaction.on_commit(last.committed, using=alias)

    def _connections(self) -> list[tuple[str, Any]]:
        """Return the connections that this thread has: one that is not there has no transaction, and is not opened."""
        there = [(connection.alias, connection) for connection in connections.all(initialized_only=True)]
        return [each for each in there if self.aliases is None or each[0] in self.aliases]

    def _send_now(self, send: Callable[[], object]) -> None:
        """Send; in a test, have `captureOnCommitCallbacks` do so, as it does with what is given to `on_commit`."""
        alias = DEFAULT_DB_ALIAS if self.aliases is None else self.aliases[0]
        in_test = [name for name, connection in self._connections() if connection.in_atomic_block]
        if in_test:
            transaction.on_commit(send, using=alias if alias in in_test else in_test[0])
        else:
            send()


def _has_transaction(connection: Any) -> bool:
    """Return whether a connection has a transaction of the application's own, not just the one around a TestCase.

    Without autocommit there always is one, and `on_commit` refuses to wait for its end, which it cannot see.
    """
    if connection.in_atomic_block:
        return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    return connection.connection is not None and not connection.autocommit


@dataclass(slots=True)
class _Countdown:
    """Sends when the last of so many transactions has been committed."""

    send: Callable[[], object]
    left: int = field(default=1)

    def committed(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.send()
