"""Starting a worker: the store's checks, the application, then the supervisor."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

import redis

from liquid_background.alerting import Teller
from liquid_background.application import application_of
from liquid_background.errors import SettingsError, StoreUnavailable
from liquid_background.hooks import hooks_of
from liquid_background.job import Performer
from liquid_background.jobs.operating.carrying import revive
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.applications import SITES
from liquid_background.jobs.queue.looking import health_of, sites_verdicts
from liquid_background.jobs.store import Store, connect
from liquid_background.jobs.store.verdict import Severity
from liquid_background.loading import load_app
from liquid_background.settings import Settings
from liquid_background_worker.beginning import Beginning, Stopped
from liquid_background_worker.naming import claim_name
from liquid_background_worker.service import Service
from liquid_background_worker.sockets import socket_warnings
from liquid_background_worker.supervisor import Supervisor
from liquid_background_worker.telling import Identity, say_start, say_stop
from liquid_background_worker.version import app_version

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
    service = Service()
    try:
        beginning.listen()
        count = processes or settings.processes
        supervisor = _prepared(settings, lambda: app or _performer(settings, factory), _checked(queues), burst, service)
        beginning.over()
        say_start(supervisor.identity, count, settings)
        code = supervisor.run(count, lambda: beginning.stopped)
        say_stop(supervisor.identity, supervisor.ran)
    except Stopped:
        logger.info("the worker was told to stop before it began")
        service.stops()
        return 0
    else:
        return code
    finally:
        beginning.hush()


def _prepared(
    settings: Settings,
    load: Callable[[], Performer],
    queues: Sequence[str],
    burst: bool,
    service: Service,
) -> Supervisor:
    store = _connected(settings, 0.0 if burst else _PATIENCE, service)
    _tell_health(store, settings, queues)
    scripts.load_all(store)
    with suppress(StoreUnavailable):  # its health was told
        revive(store)
    performer = load()
    application = application_of(performer, settings)
    told = Teller(performer, settings).warnings()
    for warning in (*_site_warnings(performer), *told, *sites_verdicts(store, application)):
        logger.warning("%s", warning)
    hooks_of(performer).worker_started()
    identity = Identity(
        name=claim_name(store),
        store=store.url,
        site=store.site,
        queues=tuple(queues),
        app=settings.app or "",
        app_version=app_version(settings.app, performer),
        runs=application.encode(),
    )
    supervisor = Supervisor(settings, store, performer, service, identity, burst=burst)
    gc.collect()
    for warning in socket_warnings(store):
        logger.warning("%s", warning)
    store.close()
    gc.freeze()  # children share these objects' memory for as long as nobody touches them
    return supervisor


def _tell_health(store: Store, settings: Settings, queues: Sequence[str]) -> None:
    for verdict in health_of(store, settings, soon=queues).verdicts:
        if verdict.name == SITES:
            continue  # told when the application is loaded, with it among them
        logger.log(logging.ERROR if verdict.severity is Severity.WRONG else logging.WARNING, "%s", verdict)


def _site_warnings(performer: Performer) -> Sequence[str]:
    """Return what an application that has templates says of their folder: jobs that need none run all the same."""
    loader = getattr(getattr(performer, "environment", None), "loader", None)
    warnings: Callable[[], Sequence[str]] = getattr(loader, "warnings", tuple)
    return warnings()


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


def _connected(settings: Settings, patience: float, service: Service) -> Store:
    began = monotonic()
    told = False
    while True:
        try:
            store = connect(settings)
        except StoreUnavailable as error:
            if monotonic() > began + patience or _is_refusal(error):
                raise
            if not told:
                logger.warning("waiting for the store: %s", error)
                service.waits(f"waiting for the store: {error}")
                told = True
            service.turned()
            sleep(_PAUSE)
        else:
            if told:
                logger.warning("the store is there after %.1f s", monotonic() - began)
            return store


def _is_refusal(error: StoreUnavailable) -> bool:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, redis.exceptions.MasterDownError):
        return False
    # What the server replied, such as that it has no such database or command, will be replied again.
    kinds = (redis.AuthenticationError, redis.ResponseError)
    return isinstance(cause, kinds) or not isinstance(cause, redis.RedisError)
