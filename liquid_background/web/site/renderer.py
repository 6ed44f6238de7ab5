"""A page process: renders one page after the other for the server that forked it, until that one hangs up."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import socket
import stat
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final, NoReturn

from liquid_background.engine import Engine
from liquid_background.job import Job, LogEntry
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.probing import Probe
from liquid_background.language.sending import Sink
from liquid_background.probes import answer_of
from liquid_background.settings import Settings
from liquid_background.threads import queueing
from liquid_background.web.site.messages import (
    PROBE,
    Answer,
    PageRequest,
    answer_frame,
    frame,
    plain,
    receive,
    request_of,
)
from liquid_background.web.site.page import answer_page, failed
from liquid_background.wording import counted

logger = logging.getLogger("liquid_background.web")

FAILED: Final = 1
OUT_OF_MEMORY: Final = 12
"""How a page process ends that could not go on."""

_DESCRIPTORS: Final = "/dev/fd"
_TOLD: Final = 5  # source names of the jobs of a page


@dataclass(frozen=True, slots=True)
class Renderer:
    """What each page process is made of.

    Attributes:
        engine: renders the pages; each process has a copy of it, as it was at the start of the server.
        show_errors: whether answers tell what is wrong with a template.
        kept: descriptors that were open before the server; its connections are none of a page's business.
        confine: holds the process to limits of memory, files and processes, and returns what puts its working folder
            and environment back after a page, and tells whether the process is good for another one.
        jobs_at: says where to look for the jobs that a render made, by its id; then the log tells of them.
    """

    engine: Engine
    show_errors: bool
    kept: frozenset[int]
    confine: Callable[[Settings], Callable[[], bool]] | None = None
    jobs_at: Callable[[str], str] | None = None

    def fork(self) -> tuple[int, socket.socket]:
        """Start a page process; return its id and the channel to it.

        Raises:
            OSError: when the system has no room for one more.
        """
        ours, theirs = socket.socketpair()
        leave = os._exit
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if not pid:
                try:
                    self._live(theirs)
                finally:  # the frames above are the server's: whatever happens, and without a byte of memory
                    leave(FAILED)
        return pid, ours

    def _live(self, channel: socket.socket) -> NoReturn:
        code = FAILED
        try:
            self._work(channel, self._settle(channel))
            code = 0
        except MemoryError:
            code = OUT_OF_MEMORY
        except BaseException as error:
            logger.error("a page process ended: %s", printable(f"{type(error).__name__}: {error}"))
            raise
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, MemoryError):
                    stream.flush()
        os._exit(code)

    def _settle(self, channel: socket.socket) -> Callable[[], bool]:
        """Leave everything of the server's behind; return what is to be called after each page."""
        os.setpgid(0, 0)  # it is killed with what it started
        asyncio.events._set_running_loop(None)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):  # of a whole process group: the server lets pages end
            signal.signal(number, _stay)
        _let_go(self.kept | {channel.fileno()})
        gc.freeze()
        return (lambda: True) if self.confine is None else self.confine(self.engine.settings)

    def _work(self, channel: socket.socket, restore: Callable[[], bool]) -> None:
        steps = _Steps(channel)
        sink = self.engine.environment.sink
        if sink is not None:
            self.engine.environment.sink = _Telling(sink, steps, self.jobs_at)

        async def answered(asked: PageRequest) -> Answer:
            steps.begin()
            if asked.method == PROBE:
                return _readiness(self.engine.probe())
            with queueing(asked.since):  # for this process, as for a thread
                return await answer_page(
                    self.engine, asked, show_errors=self.show_errors, rendering=steps.rendering, alone=True
                )

        runner = asyncio.Runner()  # never closed: that waits for threads, and this process ends without
        own, is_good = os.getpid(), True
        while is_good and (message := receive(channel)) is not None:
            asked = request_of(*message)
            try:
                # Without a context of its own, a request would find the variables that the one before has set.
                answer = runner.run(answered(asked), context=copy_context())
            except GeneratorExit as error:  # of a thread: to a coroutine it is an order to end without a result
                answer = failed(self.engine, asked, error, show_errors=self.show_errors)
            if os.getpid() != own:
                return  # a page forked, and this is the child: one request has one answer
            is_good = restore()
            steps.end(answer, last=not is_good)


def _readiness(probe: Probe) -> Answer:
    """Return the answer to a probe; all that there is to say of it is for the log."""
    status, text = answer_of(probe)
    return replace(plain(status, text.rstrip()), reason=probe.line())


_number: ContextVar[int] = ContextVar("_number", default=0)
"""The request that code runs for; 0 in a thread that a page started by itself."""


class _Steps:
    """What the server is told of the request that is being answered.

    Threads and tasks that an earlier page left behind tell nothing: the server would take it for this page's.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lock = Lock()  # a frame is not to stand in another one, nor behind its request's answer
        self._begun = 0
        self._current = 0

    def begin(self) -> None:
        """Begin the next request, for the code that is called from here."""
        with self._lock:
            self._begun += 1
            self._current = self._begun
            _number.set(self._begun)

    def rendering(self) -> None:
        """Tell that a page's template runs."""
        self._tell({"step": "rendering"})

    def sending(self) -> None:
        """Tell that a page's jobs are being sent."""
        self._tell({"step": "sending"})

    def sent(self) -> None:
        """Tell that they have been, after which the page may go on: a filter of it may have rendered another one."""
        self._tell({"step": "sent"})

    def _tell(self, step: Mapping[str, str]) -> None:
        with self._lock:
            if self._current and self._current == _number.get():
                self._channel.sendall(frame(step))

    def end(self, answer: Answer, *, last: bool) -> None:
        """Answer the request, of which nothing is told any more."""
        with self._lock:
            self._current = 0
            self._channel.sendall(answer_frame(answer, last=last))


class _Telling:
    """A sink that tells the server before it sends jobs: a process that is killed until then has sent none."""

    def __init__(self, sink: Sink, steps: _Steps, jobs_at: Callable[[str], str] | None) -> None:
        self.engine = getattr(sink, "engine", sink)
        self._sink = sink
        self._steps = steps
        self._jobs_at = jobs_at

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Tell, and send."""
        if jobs:
            self._steps.sending()
        self._sink.send(jobs, entries)
        if jobs:
            self._sent(jobs)

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Tell, and send without holding up the event loop."""
        if jobs:
            self._steps.sending()
        await self._sink.send_async(jobs, entries)
        if jobs:
            self._sent(jobs)

    def _sent(self, jobs: Sequence[Job]) -> None:
        self._steps.sent()
        if self._jobs_at is not None:
            for parent in sorted({job.parent for job in jobs if job.parent}):
                names = Counter(job.source_name for job in jobs if job.parent == parent)
                told = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in names.most_common(_TOLD))
                rest = ", …" if len(names) > _TOLD else ""
                what = counted(names.total(), "job")
                logger.info("%s made: %s%s; see %s", what, printable(told), rest, self._jobs_at(parent))


def _stay(*_: object) -> None:
    """Do nothing: unlike an ignored signal, a handler is not inherited by programs that a page starts."""


def open_descriptors() -> frozenset[int]:
    """Return the descriptors that this process has open, without the one that lists them."""
    return frozenset(number for number in map(int, os.listdir(_DESCRIPTORS)) if _is_open(number))


def _is_open(descriptor: int) -> bool:
    try:
        fcntl.fcntl(descriptor, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _let_go(kept: frozenset[int]) -> None:
    """Close the server's sockets, and put the null device in place of its other descriptors.

    A process may have few descriptors, and the server has hundreds of connections. An object that has given its socket
    away closes nothing; the others could close a number again that has been freed and is another's by then.
    """
    for each in gc.get_objects():
        if issubclass(type(each), socket.socket) and each.fileno() >= 0 and each.fileno() not in kept:
            os.close(each.detach())
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in open_descriptors() - kept - {null}:
        with contextlib.suppress(OSError):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a log file that was opened anew
                os.dup2(null, descriptor, inheritable=False)
