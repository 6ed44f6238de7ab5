"""Dry runs of jobs in a child with the limits of a worker's: one that loops or eats memory costs only itself."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, TypeAlias

from liquid_background.confined import memory_of
from liquid_background.errors import PreviewStopped
from liquid_background.job import Performer
from liquid_background.jobs.operating.proving import Proved
from liquid_background.jobs.operating.verdicts import Said
from liquid_background.language.dry import DryOutcome, DryRuns
from liquid_background.language.environment import Environment
from liquid_background.settings import Settings
from liquid_background_worker import limits
from liquid_background_worker.attempt import describe
from liquid_background_worker.process import become_a_child, describe_exit

logger = logging.getLogger("liquid_background.worker")

SECONDS: Final = 10.0
"""That one dry run may take."""
_SLACK: Final = 1.0  # seconds beyond them after which its process is killed
_LOOK: Final = 0.2  # seconds between two looks of who waits for it
_LENGTH: Final = struct.Struct("!I")  # of a message, before it
_DESCRIPTORS: Final = 65_536
_NAMED: Final = 3  # effects that a reason names
_TOO_LONG: Final = "its dry run takes too long to tell"

Dry: TypeAlias = Callable[[str, Mapping[str, Any]], Proved]
"""Runs a job dry in this process."""


def dry_runs_of(performer: Performer) -> Callable[[], Dry] | None:
    """Return what makes, in a child, what runs jobs dry there; None for an application that has no templates."""
    environment = getattr(performer, "environment", None)
    if not isinstance(environment, Environment):
        return None

    functions: Any = performer if hasattr(performer, "find") else None

    def made() -> Dry:
        runs = DryRuns(environment, functions)

        def dry(job_id: str, payload: Mapping[str, Any]) -> Proved:
            most = payload["max_attempts"]
            return _said_of(runs.perform(payload, job_id=job_id, attempt=1, max_attempts=most, seconds=SECONDS))

        return dry

    return made


def _said_of(outcome: DryOutcome) -> Proved:
    said = Said(outcome.verdict)
    if said is Said.DEPENDS:
        depends = [each for each in outcome.effects if each.number in outcome.depends_on]
        named = [*dict.fromkeys(f"{each.kind} {each.name}" for each in depends)]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return Proved(said, ", ".join(named[:_NAMED]) + more)
    return Proved(said, _TOO_LONG if said is Said.UNKNOWN else outcome.error or "")


class Prover:
    """Runs one job after the other dry, in a child that it forks when it has none.

    The caller has no threads while it forks.

    Args:
        settings: with the limits.
        make: makes, in the child, what runs jobs dry.
        seconds: that one may take.
    """

    def __init__(self, settings: Settings, make: Callable[[], Dry], seconds: float = SECONDS) -> None:
        self._settings = settings
        self._make = make
        self._seconds = seconds
        self._child: _Child | None = None

    def __call__(self, job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
        """Return what a dry run says of a job.

        Args:
            job_id: its id.
            payload: of it, as it was checked.
            meanwhile: is called now and then, while it takes its time.
        """
        child = self._child = self._child or _fork(self._settings, self._make)
        try:
            send(child.channel, [job_id, payload])
            reply = self._reply(child, meanwhile)
        except OSError:  # it has died
            reply = None
        if reply is not None:
            said, why, is_over = reply
            if is_over:
                self.close()
            return Proved(Said(said), why)
        return self._end(child)

    def _reply(self, child: _Child, meanwhile: Callable[[], None]) -> Any:
        """Return what the child says; None when it has died, or takes too long."""
        until = monotonic() + self._seconds + _SLACK
        while monotonic() < until:
            if select.select([child.channel], [], [], _LOOK)[0]:
                return receive(child.channel)
            meanwhile()
        return None

    def _end(self, child: _Child) -> Proved:
        """Bury a child that has died, or has to; return what that says of its job."""
        self._child = None
        code = child.ended()
        if code is None:
            child.close()
            return Proved(Said.UNKNOWN, _TOO_LONG)
        child.close()
        return Proved(Said.FAILS, f"its dry run ended the process, which {describe_exit(code)}")

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()
            self._child = None


class _Child:
    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.channel = channel
        self._pid = pid
        self._code: int | None = None

    def ended(self) -> int | None:
        """Return its exit code if it has died, which it may be about to."""
        until = monotonic() + _LOOK
        while self._code is None and monotonic() < until:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            else:
                select.select([], [], [], 0.005)
        return self._code

    def close(self) -> None:
        """Kill it, and what its process group holds."""
        self.channel.close()
        with suppress(OSError):
            os.killpg(self._pid, signal.SIGKILL)
        if self._code is None:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _fork(settings: Settings, make: Callable[[], Dry]) -> _Child:
    """Fork a child that runs jobs dry."""

    inherited = max(memory_of())  # what threads may use of their stacks counts against the limit, used or not

    def body(channel: socket.socket) -> None:
        limits.apply(settings, inherited)
        dry, wear = make(), limits.Wear(settings, inherited)
        while (message := receive(channel)) is not None:
            is_over = False
            try:
                found = dry(*message)
            except MemoryError:
                found, is_over = Proved(Said.FAILS, "its dry run ran out of memory (MEMORY_LIMIT)"), True
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                found = Proved(Said.FAILS, f"its dry run: {describe(error)}")
            is_over = is_over or wear.is_too_much
            send(channel, [*found, is_over])
            if is_over:
                return

    return fork_with_channel(body)


def fork_with_channel(body: Callable[[socket.socket], None]) -> _Child:
    """Fork a child that runs a body with one end of a channel, and has nothing else that its parent has open."""
    here, there = socket.socketpair()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        there.close()
        return _Child(pid, here)
    code = 1
    try:
        become_a_child(())
        keep = there.fileno()
        os.closerange(3, keep)
        os.closerange(keep + 1, _DESCRIPTORS)
        limits.die_with(parent)
        body(there)
        code = 0
    except BaseException:
        logger.exception("a process for dry runs ends")
    finally:
        os._exit(code)


class Apart:
    """A process that is forked at once, and forks the children: whoever has it may have threads from then on.

    Args:
        settings: with the limits.
        make: makes, in a child, what runs jobs dry.
    """

    def __init__(self, settings: Settings, make: Callable[[], Dry]) -> None:
        def body(channel: socket.socket) -> None:
            prover = Prover(settings, make)
            while (message := receive(channel)) is not None:
                job_id, payload = message
                send(channel, prover(job_id, payload, lambda: None))
            prover.close()

        self._child = fork_with_channel(body)

    def __call__(self, job_id: str, payload: Mapping[str, Any], meanwhile: Callable[[], None]) -> Proved:
        """Return what a dry run says of a job.

        Raises:
            PreviewStopped: when that process has died.
        """
        try:
            send(self._child.channel, [job_id, payload])
            reply = receive(self._child.channel)
        except OSError:
            reply = None
        if reply is None:
            raise PreviewStopped("the process that runs jobs dry has ended: somebody killed it, or the system is short")
        said, why = reply
        return Proved(Said(said), why)

    def close(self) -> None:
        """End it, with its child."""
        self._child.close()


def send(channel: socket.socket, message: Any) -> None:
    """Send a message as JSON."""
    packed = json.dumps(message).encode("ascii")
    channel.sendall(_LENGTH.pack(len(packed)) + packed)


def receive(channel: socket.socket) -> Any:
    """Return the next message; None when the other end is closed."""
    head = _read(channel, _LENGTH.size)
    body = head and _read(channel, _LENGTH.unpack(head)[0])
    return json.loads(body) if body else None


def _read(channel: socket.socket, count: int) -> bytes:
    """Return so many bytes; none when the other end is closed before."""
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(count - len(parts))
        if not part:
            return b""
        parts += part
    return bytes(parts)
