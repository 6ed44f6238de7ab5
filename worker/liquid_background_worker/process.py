"""Forking a child, and what its supervisor keeps of it."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from time import monotonic

from liquid_background.confined import memory_held
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Pulse
from liquid_background_worker.reports import Heard, pipe
from liquid_background_worker.slot import Slot

logger = logging.getLogger("liquid_background.worker")


class Process:
    """One child: its pid, its shared memory, the pipes to it and from it, and why it was killed if it was."""

    def __init__(self, name: str, slot: Slot, pid: int, control: int, reports: int) -> None:
        self.name = name
        self.recycles = 0  # processes that had its place before it
        self.slot = slot
        self.pid = pid
        self.control = control
        self.heard = Heard(reports)
        self.born = monotonic()
        self.killed: Running | None = None
        self.reason = ""
        self.cancelled = False
        self.shown: Running | None = None  # the last job that was beaten for early
        self._counted = (0, 0, 0.0)

    def ask_to_stop(self) -> None:
        """Have it end after the job that runs; wake it when it is idle."""
        self.slot.stop = True
        with contextlib.suppress(OSError):
            os.write(self.control, b".")

    @property
    def stopping(self) -> bool:
        return self.slot.stop

    def kill(self) -> None:
        """Kill it; what it started goes when it is collected."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it lives."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)  # what its jobs started and left behind
        return os.waitstatus_to_exitcode(status)

    @property
    def descriptors(self) -> tuple[int, int]:
        """What other children close."""
        return self.control, self.heard.descriptor

    def pulses(self) -> list[Pulse]:
        """Return its beats: one with what it counted since the last one, and one for each job that it owes an end."""
        before = self._counted
        self._counted = counted = self.slot.counters()
        now = self.slot.now()
        beat = Pulse(
            name=self.name,
            completed=counted[0] - before[0],
            failed=counted[1] - before[1],
            seconds=counted[2] - before[2],
            job=now.job if now else None,
            memory=memory_held(self.pid),
        )
        return [beat, *(Pulse(name=self.name, completed=0, failed=0, seconds=0.0, job=job) for job in self.slot.owed())]

    def close(self) -> None:
        os.close(self.control)
        self.heard.close()
        self.slot.close()


def fork(name: str, body: Callable[[Slot, int, int], None], close: Iterable[int]) -> Process:
    """Fork a child that runs `body(slot, control, reports)` and exits.

    The caller has no threads, and no connections but those in `close`.
    """
    slot = Slot()
    heard, said = os.pipe()
    reports, reported = pipe()
    _flush()
    pid = os.fork()
    if pid:
        os.close(heard)
        os.close(reported)
        os.set_blocking(said, False)
        return Process(name, slot, pid, said, reports)
    code = 1
    try:
        become_a_child((said, reports, *close))
        body(slot, heard, reported)
        code = 0
    except BaseException:
        logger.exception("worker child %s ends", name)
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    """Write what is held back; a stream that is full or closed ends no worker."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def become_a_child(close: Iterable[int]) -> None:
    """Leave in a forked process what is its parent's: process group, descriptors to close, signals, standard input."""
    os.setpgid(0, 0)
    # What was there before the fork stays: looking through it for garbage held up a job for 8 ms now and then.
    gc.freeze()
    for descriptor in close:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    signal.set_wakeup_fd(-1)
    # SIGTERM, SIGINT and SIGHUP keep the supervisor's handlers, which do nothing here: the supervisor alone decides
    # when a child stops, so a signal to the whole group costs no attempt.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    if faulthandler.is_enabled():
        faulthandler.disable()


def describe_exit(code: int) -> str:
    """Return what became of a process, from its exit code: negative for a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed by signal {-code}"


def reap_strays(own: set[int]) -> None:
    """As PID 1 of a container, collect the processes whose parents died; children of ours are collected elsewhere."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in own or found.si_pid == 0:
            return
        os.waitpid(found.si_pid, os.WNOHANG)
