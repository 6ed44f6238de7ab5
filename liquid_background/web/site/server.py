"""A small server for the pages: takes requests in this process, and renders pages in processes of their own."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Final

from liquid_background.engine import Engine
from liquid_background.language.pages import SiteLoader
from liquid_background.settings import Settings
from liquid_background.web.listening import Server, listen
from liquid_background.web.site.application import Site
from liquid_background.web.site.hosts import allowed_hosts
from liquid_background.web.site.pool import PagePool
from liquid_background.web.site.probing import Readiness
from liquid_background.web.site.renderer import Renderer, open_descriptors

logger = logging.getLogger("liquid_background.web")

PAGE_PROCESSES: Final = 8
"""Processes that render pages, when nothing else is said."""

_GRACE: Final = 5  # seconds that requests get at the end
_LAST_CALL: Final = 4.0  # seconds after which what still goes on is cut off; requests of pages are answered then


def serve(
    engine: Engine,
    host: str,
    port: int,
    *,
    show_errors: bool = False,
    processes: int = PAGE_PROCESSES,
    allow_hosts: Sequence[str] = (),
    confine: Callable[[Settings], Callable[[], bool]] | None = None,
    ready: Callable[[str], None] | None = None,
    jobs_at: Callable[[str], str] | None = None,
    probes: bool = True,
) -> None:
    """Serve the pages until SIGTERM or SIGINT.

    Pages are rendered in processes that are forked from this one. One that outlives the setting page_timeout, or dies,
    costs the request that it was at.

    Args:
        engine: renders the pages.
        host: the address to listen on.
        port: the port, 0 for a free one.
        show_errors: whether a visitor is told what is wrong with a template.
        processes: different pages that run at the same time; up to half as many more run when some are stuck.
        allow_hosts: names that it answers to; a server on loopback answers to loopback's own in any case.
        confine: called in each page process, to hold it to limits; what it returns is called after each page, to put
            back what a page leaves changed in its process and to tell whether the process is good for another one.
        ready: called with the URL once the port is bound.
        jobs_at: says where to look for the jobs that a render made, by its id; then the log tells of them.
        probes: whether `/healthz` and `/readyz` are answered by the server, in the place of pages.

    Raises:
        SettingsError: when the port cannot be bound.
    """
    _children_are_awaited()
    renderer = Renderer(engine, show_errors, open_descriptors(), confine, jobs_at)
    pool = PagePool(renderer, processes)
    loader = engine.environment.loader
    for warning in loader.warnings() if isinstance(loader, SiteLoader) else ():
        logger.warning("%s", warning)
    with listen(host, port) as listening:
        pool.read_routes()
        if ready is not None:
            ready(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")
        _share_memory()
        probe = Readiness(renderer) if probes else None
        _Server(Site(pool.render, allowed_hosts(host, allow_hosts), probe), pool).run(sockets=[listening])


def _children_are_awaited() -> None:
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # inherited; how a page process ends would not be known
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _share_memory() -> None:
    """Keep what is there now out of the collector: page processes share its memory for as long as nobody touches it."""
    gc.collect()
    gc.freeze()


class _Server(Server):
    """A server which starts and ends the page processes."""

    def __init__(self, site: Site, pool: PagePool) -> None:
        super().__init__(site, grace=_GRACE)
        self._pool = pool

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._pool.start()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        last_call = asyncio.get_running_loop().call_later(_LAST_CALL, self._cut_off)
        await super().shutdown(sockets)
        last_call.cancel()
        await self._pool.close()

    def _cut_off(self) -> None:
        self._pool.stop()
        for connection in self.connections():
            connection.hang_up()
