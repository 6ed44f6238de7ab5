"""Starting a worker: the store's checks, the application, then the supervisor."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

import redis

from liquid_background.application import application_of
from liquid_background.errors import SettingsError, StoreUnavailable
from liquid_background.hooks import hooks_of
from liquid_background.job import Performer
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.applications import Application, two_sites
from liquid_background.jobs.store import Store, connect, health_warnings
from liquid_background.loading import load_app
from liquid_background.settings import Settings
from liquid_background_worker.beginning import Beginning, Stopped
from liquid_background_worker.naming import claim_name
from liquid_background_worker.sockets import socket_warnings
from liquid_background_worker.supervisor import Supervisor

logger = logging.getLogger("liquid_background.worker")

_PATIENCE: Final = 60.0  # seconds that a worker waits at its start for a store that is loading or not up yet
_PAUSE: Final = 0.2


def run(
    settings: Settings,
    app: Performer | None = None,
    queues: Sequence[str] = keys.QUEUES,
    processes: int | None = None,
    *,
    burst: bool = False,
    factory: Callable[[Settings], Performer] | None = None,
) -> int:
    """Run a worker in this process until it is stopped, or until the burst is over; return the exit code.

    SIGTERM and SIGINT stop it in good order from the first line on, even while it waits for the store.

    Args:
        settings: Where the store is, and the limits.
        app: What performs the attempts, such as an Engine; without it, `settings.app` or the factory gives it.
        queues: The queues to serve, highest priority first.
        processes: Children; `settings.processes` when not given.
        burst: Whether to end when nothing is queued or due.
        factory: Makes the performer when neither `app` nor `settings.app` is given.

    Raises:
        SettingsError: when a queue is not one, or the application cannot be imported.
        StoreUnavailable: when the store refuses this user, or cannot be reached for a minute.
    """
    beginning = Beginning()
    try:
        beginning.listen()
        supervisor = _prepared(settings, app, _checked(queues), burst, factory)
        beginning.over()
        return supervisor.run(processes or settings.processes, lambda: beginning.stopped)
    except Stopped:
        return 0
    finally:
        beginning.hush()


def _prepared(
    settings: Settings,
    app: Performer | None,
    queues: Sequence[str],
    burst: bool,
    factory: Callable[[Settings], Performer] | None,
) -> Supervisor:
    store = _connected(settings, 0.0 if burst else _PATIENCE)
    for warning in health_warnings(store):
        logger.warning("%s", warning)
    scripts.load_all(store)
    performer = app or _performer(settings, factory)
    application = application_of(performer, settings)
    for warning in (*_site_warnings(performer), *_shared(store, application)):
        logger.warning("%s", warning)
    hooks_of(performer).worker_started()
    name = claim_name(store)
    supervisor = Supervisor(settings, store, performer, queues, name=name, burst=burst, runs=application.encode())
    gc.collect()
    for warning in socket_warnings(store):
        logger.warning("%s", warning)
    store.close()
    gc.freeze()  # children share these objects' memory for as long as nobody touches them
    return supervisor


def _site_warnings(performer: Performer) -> Sequence[str]:
    """Return what an application that has templates says of their folder: jobs that need none run all the same."""
    loader = getattr(getattr(performer, "environment", None), "loader", None)
    warnings: Callable[[], Sequence[str]] = getattr(loader, "warnings", tuple)
    return warnings()


def _shared(store: Store, application: Application) -> Iterator[str]:
    """Yield what to warn of where another application serves these queues, if the store lets this user look."""
    with suppress(StoreUnavailable):
        warning = two_sites(store, application)
        if warning:
            yield warning


def _performer(settings: Settings, factory: Callable[[Settings], Performer] | None) -> Performer:
    if settings.app:
        return load_app(settings.app)
    if factory is None:
        raise SettingsError("setting app: name the application's Engine as module:attr")
    return factory(settings)


def _checked(queues: Sequence[str]) -> list[str]:
    unknown = [name for name in queues if name not in keys.QUEUES]
    if unknown or not queues:
        raise SettingsError(f"unknown queue {unknown[0] if unknown else ''!r}; queues are {', '.join(keys.QUEUES)}")
    return [name for name in keys.QUEUES if name in queues]


def _connected(settings: Settings, patience: float) -> Store:
    until = monotonic() + patience
    told = False
    while True:
        try:
            return connect(settings)
        except StoreUnavailable as error:
            if monotonic() > until or _is_refusal(error):
                raise
            if not told:
                logger.warning("waiting for the store: %s", error)
                told = True
            sleep(_PAUSE)


def _is_refusal(error: StoreUnavailable) -> bool:
    cause = error.__cause__ or error.__context__
    kinds = (redis.AuthenticationError, redis.exceptions.NoPermissionError)
    return isinstance(cause, kinds) or not isinstance(cause, redis.RedisError)
