"""An engine's way to its store, which is connected once at a time, however many wait for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from dataclasses import replace
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs import store
from liquid_background.jobs.store.embedded import PATIENCE
from liquid_background.jobs.store.silence import Silence, silent_store
from liquid_background.settings import Settings
from liquid_background.urls import mask_url

if TYPE_CHECKING:
    from liquid_background.jobs.store.connection import Store

_BOTH: Final = 1.5  # times the patience: a store that is slow to take a connection may still answer its login


class Link:
    """Connects to a store on first use, in a thread of its own; all who wait meanwhile share what comes of it.

    After a failure the next one who asks has it tried anew. Nobody waits for another engine's link, and a forked
    process tries by itself.

    Args:
        connect: connects, with so many seconds of patience for each reply.
        patience: those seconds.
        where: the store's URL, as it may be shown; "" when that is not known yet.
        starts: whether connecting may take its time, as where a server has to start.
    """

    def __init__(
        self, connect: Callable[[float], Store], patience: float, where: str = "", *, starts: bool = False
    ) -> None:
        self._connect = connect
        self._patience = patience
        self._where = where
        self._longest = None if starts else patience * _BOTH
        self._silence = Silence(patience)
        self._store: Store | None = None
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Leave an attempt that is another process's."""
        self._lock = Lock()
        self._attempt: Future[Store] | None = None

    @property
    def store(self) -> Store:
        """The store, connected.

        Raises:
            StoreUnavailable: when it cannot be reached.
            StoreStartError: when the embedded server cannot be started.
        """
        return self._store or self._connected()

    def _connected(self) -> Store:
        self._silence.check()
        with self._lock:
            if self._store is not None:
                return self._store
            thread, attempt = None, self._attempt
            if attempt is None:
                attempt = Future()
                thread = Thread(target=self._try, args=(attempt,), name="liquid-background-store", daemon=True)
                with suppress(RuntimeError):  # the system has no room for one more
                    thread.start()
                    self._attempt = attempt
        if thread is not None and thread.ident is None:
            self._try(attempt)
        connected = self._outcome(attempt)
        if thread is not None and thread.ident is not None:
            thread.join()  # it ends just now, and whoever forks next does so without it
        return connected

    def _outcome(self, attempt: Future[Store]) -> Store:
        try:
            error = attempt.exception(self._longest)
        except TimeoutError:
            self._silence.found(self._where)
            raise silent_store(self._where) from None
        if error is not None:
            raise _shared(error)
        return attempt.result()

    def _try(self, attempt: Future[Store]) -> None:
        try:
            connected = replace(self._connect(self._patience), silence=self._silence)
        except BaseException as error:  # noqa: BLE001  whatever it is, those who wait raise it
            if isinstance(error, StoreUnavailable) and error.silent:
                self._silence.found(self._where)
            self._ended(attempt, None)
            attempt.set_exception(error)
        else:
            self._silence.over()
            self._ended(attempt, connected)
            attempt.set_result(connected)

    def _ended(self, attempt: Future[Store], connected: Store | None) -> None:
        with self._lock:
            self._store = connected or self._store
            if self._attempt is attempt:
                self._attempt = None


def links(settings: Settings) -> tuple[Link, Link]:
    """Return an engine's two ways to its store: for pages and the application's calls; for those who have patience.

    These are commands and workers, and what blocks in the store, such as a follower of the log.
    """

    def connect(patience: float) -> Store:
        return store.connect(settings, socket_timeout=patience)  # whose module is loaded now, and redis with it

    seconds, where = settings.store_timeout, mask_url(settings.redis_url) if settings.redis_url else ""
    return (
        Link(connect, seconds, where, starts=not settings.redis_url),
        Link(connect, max(PATIENCE, seconds), where, starts=True),
    )


def _shared(error: BaseException) -> BaseException:
    """Return an error that several threads raise: a traceback is one thread's."""
    copied = copy(error).with_traceback(error.__traceback__)
    copied.__cause__ = error.__cause__
    return copied


_all: WeakSet[Link] = WeakSet()


def _forget_all() -> None:
    for link in list(_all):
        link.forget()


os.register_at_fork(after_in_child=_forget_all)
