"""A page process: renders one page after the other for the server that forked it, until that one hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from liquid_background.engine import Engine
from liquid_background.job import Job, LogEntry
from liquid_background.joblog import printable
from liquid_background.sending import Sink
from liquid_background.settings import Settings
from liquid_background.web.messages import answer_frame, frame, receive, request_of
from liquid_background.web.page import answer_page

logger = logging.getLogger("liquid_background.web")

_DESCRIPTORS: Final = "/dev/fd"


@dataclass(frozen=True, slots=True)
class Renderer:
    """What each page process is made of.

    Attributes:
        engine: renders the pages; each process has a copy of it, as it was at the start of the server.
        show_errors: whether answers tell what is wrong with a template.
        kept: descriptors that were open before the server; its connections are none of a page's business.
        confine: holds the process to limits of memory, files and processes.
    """

    engine: Engine
    show_errors: bool
    kept: frozenset[int]
    confine: Callable[[Settings], None] | None = None

    def fork(self) -> tuple[int, socket.socket]:
        """Start a page process; return its id and the channel to it.

        Raises:
            OSError: when the system has no room for one more.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:
                self._live(theirs)
        return pid, ours

    def _live(self, channel: socket.socket) -> NoReturn:
        code = 1
        try:
            self._settle(channel)
            self._work(channel)
            code = 0
        except BaseException as error:
            logger.error("a page process ended: %s", printable(f"{type(error).__name__}: {error}"))
            raise
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)  # the frames above are the server's

    def _settle(self, channel: socket.socket) -> None:
        """Leave everything of the server's behind."""
        os.setpgid(0, 0)  # it is killed with what it started
        gc.freeze()
        asyncio.events._set_running_loop(None)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):  # of a whole process group: the server lets pages end
            signal.signal(number, _stay)
        _let_go(self.kept | {channel.fileno()})
        if self.confine is not None:
            self.confine(self.engine.settings)

    def _work(self, channel: socket.socket) -> None:
        sink = self.engine.environment.sink
        if sink is not None:
            self.engine.environment.sink = _Telling(sink, channel)

        def rendering(page: str) -> None:
            channel.sendall(frame({"step": "rendering", "page": page}))

        with asyncio.Runner() as runner:
            while (message := receive(channel)) is not None:
                asked = request_of(*message)
                answer = answer_page(self.engine, asked, show_errors=self.show_errors, rendering=rendering)
                channel.sendall(answer_frame(runner.run(answer)))


class _Telling:
    """A sink that tells the server before it sends: a process that is killed until then has sent nothing."""

    def __init__(self, sink: Sink, channel: socket.socket) -> None:
        self._sink = sink
        self._channel = channel

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Tell, and send."""
        self._channel.sendall(frame({"step": "sending"}))
        self._sink.send(jobs, entries)

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Tell, and send without holding up the event loop."""
        self._channel.sendall(frame({"step": "sending"}))
        await self._sink.send_async(jobs, entries)


def _stay(*_: object) -> None:
    """Do nothing: unlike an ignored signal, a handler is not inherited by programs that a page starts."""


def open_descriptors() -> frozenset[int]:
    """Return the descriptors that this process has open."""
    return frozenset(int(name) for name in os.listdir(_DESCRIPTORS))


def _let_go(kept: frozenset[int]) -> None:
    """Put the null device in place of the server's sockets.

    Closing them would free their numbers, which objects of the server that still hold them could close again.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in open_descriptors() - kept - {null}:
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a log file that was opened anew
                os.dup2(null, descriptor, inheritable=False)
