"""A worker's database connections: each child has its own, and each attempt begins with ones that work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final

from asgiref.sync import SyncToAsync
from django.core.cache import caches
from django.db import connections
from django.db.backends.signals import connection_created

from liquid_background.errors import JobTimeout
from liquid_background.hooks import Attempt, Hooked

logger = logging.getLogger("liquid_background.django")

_PATIENCE: Final = 1.0  # seconds in which the thread of coroutines is to be done with what the last job left it
_PATIENCE_LATE: Final = 0.1  # likewise past the job's time limit, which strikes again soon
_elsewhere: Final = threading.Event()  # set once a thread beside the main one has connected, as coroutines have it do


def keep_connections(engine: Hooked) -> None:
    """Have an engine's workers close connections where Django closes those of a web server."""
    engine.on_worker_start(_close_all)  # opened while the application was loaded, and not to be shared by a fork
    engine.on_child_start(_close_all)
    engine.on_child_start(_start_thread_anew)
    engine.on_child_stop(_close_all)
    engine.around_job(_fresh_connections)
    connection_created.connect(_note_thread, dispatch_uid=f"{__name__}.note_thread")


def _close_all() -> None:
    for connection in _all():
        connection.close()
        if hasattr(connection, "close_pool"):  # of PostgreSQL, from Django 5.1 on; its threads are in no child, either
            connection.close_pool()
    caches.close_all()


def _fresh_connections(_attempt: Attempt) -> Iterator[None]:
    held = {connection.alias for connection in _all() if connection.in_atomic_block}  # by a test around it
    interrupted = False
    _refresh_all()
    try:
        yield
    except JobTimeout:  # which may have struck in the middle of a query, or of a rollback
        interrupted = True
        raise
    finally:
        for connection in _all():
            if connection.alias not in held and (interrupted or connection.in_atomic_block):
                _discard(connection)
        _refresh_all(_PATIENCE_LATE if interrupted else _PATIENCE)


def _all() -> Sequence[Any]:
    """Return the connections of this thread, whether they are open or not."""
    return connections.all(initialized_only=True)


def _discard(connection: Any) -> None:
    """Close a connection, and forget what Django keeps of it: left in a transaction, it would never open again."""
    try:
        connection.close()
    finally:
        del connections[connection.alias]


def _refresh_all(patience: float = _PATIENCE) -> None:
    _refresh()
    if _elsewhere.is_set():
        _refresh_of_coroutines(patience)


def _refresh_of_coroutines(patience: float) -> None:
    """Refresh the connections of asgiref's thread: coroutines ask the database there, all of them in the same one.

    A job that ended at its time limit may have left a query there, which nothing can stop: later jobs get a new thread.
    """
    asked = SyncToAsync.single_thread_executor.submit(_refresh)
    try:
        wait([asked], patience)
    finally:  # also when the time limit strikes meanwhile
        answered = asked.done()
        if not answered:
            _start_thread_anew()
            logger.warning("an async job left a query running that does not end; later ones get a thread of their own")
    if answered:
        asked.result()


def _start_thread_anew() -> None:
    """Have coroutines ask the database in a new thread; what waits for the one before is dropped."""
    left = SyncToAsync.single_thread_executor
    SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)
    left.shutdown(wait=False, cancel_futures=True)


def _refresh() -> None:
    """Close what is too old or broken; what is kept is asked before its next query whether its server still knows it.

    Django asks so with CONN_HEALTH_CHECKS only. A request that meets a restart of the database is made again by whoever
    made it; a job that has one attempt is not. A connection in a transaction is somebody's: Django would close it.
    """
    for connection in _all():
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
            connection.health_check_enabled = True


def _note_thread(**_: Any) -> None:
    if threading.current_thread() is not threading.main_thread():
        _elsewhere.set()
