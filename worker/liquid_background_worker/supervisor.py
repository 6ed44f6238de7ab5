"""The supervisor: starts children, keeps their leases, kills what outstays its limit, and stops them in order."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from liquid_background.hooks import hooks_of
from liquid_background.job import Ending, Outcome, Performer
from liquid_background.jobs.queue import finishing, moves
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Pulse
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background_worker import limits
from liquid_background_worker.alarm import Alarm
from liquid_background_worker.alerts import Watch
from liquid_background_worker.attempts import GRACE
from liquid_background_worker.beside import Beside
from liquid_background_worker.channel import GaveUp
from liquid_background_worker.child import Child, Role
from liquid_background_worker.heart import Heart
from liquid_background_worker.limited import call_hooks
from liquid_background_worker.process import Process, describe_exit, fork, reap_strays
from liquid_background_worker.service import Service
from liquid_background_worker.signals import Signals
from liquid_background_worker.slot import Left, Slot
from liquid_background_worker.telling import Failures, Identity, Ran, jobs_logger
from liquid_background_worker.timetable import Timetable
from liquid_background_worker.version import own_version

logger = logging.getLogger("liquid_background.worker")

_LOOK: Final = 0.05  # seconds between two looks at the children
_QUICK_DEATH: Final = 1.0  # seconds; a child that lives no longer is not replaced at once
_LONGEST_PAUSE: Final = 2.0  # seconds before a child that keeps dying is replaced
_LAST_WORDS: Final = 2.0  # seconds that the store gets to hear what is still to be said at the end
_STOPPING: Final = "the worker was told to stop; the job was given back"


class Supervisor:
    """It renders nothing and waits for nothing but its children, so a limit holds whatever a job or the store does."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        performer: Performer,
        service: Service,
        identity: Identity,
        *,
        burst: bool,
    ) -> None:
        self._settings = settings
        self._store = store
        self._performer = performer
        self.identity = identity
        self._queues = identity.queues
        self._name = identity.name
        self._burst = burst
        self._service = service
        self._failures = Failures()
        watch = Watch(performer, settings, identity.name)
        timetable = Timetable.of(performer, settings)
        self._heart = Heart(store, settings, self._queues, timetable, self._failures, watch=watch)
        self._beside = Beside(settings, store, performer, watch, identity.name)
        self._host = socket.gethostname()
        self._children: dict[int, Process] = {}  # by the number in the name
        self._old: list[Process] = []  # being replaced while they finish
        self._start_at: dict[int, float] = {}
        self._started: Counter[int] = Counter()  # processes, by the number in the name
        self._pauses: dict[int, float] = {}
        self._to_replace: list[int] = []
        self._stops = 0
        self.ran = Ran()
        self._generation = 0
        self._names = 0  # children of the first generation; later ones need names of their own
        self._signals = Signals()

    def run(self, processes: int, stopped: Callable[[], bool]) -> int:
        """Run until stopped, or until the burst is over; return the exit code.

        Args:
            processes: children.
            stopped: says whether a signal came before this listened.
        """
        self._signals.listen()
        self._names = processes
        self._start_at = dict.fromkeys(range(processes), 0.0)
        if stopped():
            self._stop("a signal")
        try:
            while self._start_at or self._everyone() or self._beside.lingers(self._burst, self._stops):
                self._start_due()
                self._take_signals()
                self._hear()
                self._bury()
                self._enforce_limits()
                self._show()
                self._roll()
                self._heart.pump(self._pulses, self._answer)
                self._beside.tend(self._heart.has_operation, self._heart.waiting, self._descriptors())
                self._service.turned(self._serves, self._heart.waiting)
            self._heart.flush(_LAST_WORDS)
        finally:
            self._beside.close()
            self._heart.close()
            self._failures.count(at_once=True)
            self._signals.hush(ignored=self._stops > 0)
        return 0

    def _everyone(self) -> list[Process]:
        return [*self._children.values(), *self._old]

    def _serves(self) -> str:
        """Return what is served, once every child there is to be does, and none is being replaced."""
        if self._start_at or self._old or self._to_replace or not self._children:
            return ""
        if not all(child.slot.serves for child in self._children.values()):
            return ""
        return f"{self._name} serves {', '.join(self._queues)} in {len(self._children)} processes"

    # Signals.

    def _take_signals(self) -> None:
        for number in self._signals.wait(_LOOK):
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stop(signal.Signals(number).name)
            elif number == signal.SIGHUP and not self._stops:
                self._to_replace = sorted(self._children)
                self._service.reloads()

    def _stop(self, why: str) -> None:
        self._stops += 1
        self.ran.why = why if self._stops == 1 else f"{why}, and was told to stop {self._stops} times"
        self._service.stops()
        self._start_at.clear()
        self._to_replace.clear()
        self._beside.stop()
        for child in self._everyone():
            if self._stops == 1:
                child.ask_to_stop()
            else:
                child.kill()

    # Children.

    def _start_due(self) -> None:
        for number in [number for number, at in self._start_at.items() if at <= monotonic()]:
            del self._start_at[number]
            self._children[number] = self._start(number)

    def _start(self, number: int) -> Process:
        # A replacement beside the child that it replaces needs a name of its own.
        self._generation += 1
        suffix = "" if self._generation <= self._names else f".{self._generation}"
        name = f"{self._name}.{number}{suffix}"
        parent = os.getpid()

        def body(slot: Slot, control: int, reports: int) -> None:
            limits.die_with(parent)
            limits.apply(self._settings)
            hooks, limit = hooks_of(self._performer), self._settings.job_timeout
            call_hooks("on_child_start hooks", Alarm(), limit, hooks.child_started)
            role = Role(
                name=name,
                queues=self._queues,
                burst=self._burst,
                control=control,
                supervisor=parent,
                reports=reports,
                retries=jobs_logger.isEnabledFor(logging.DEBUG),
            )
            child = Child(self._settings, self._store, self._performer, slot, role)
            try:
                left = child.work()
                child.close()
                slot.left = left
            except GaveUp as error:
                logger.debug("worker child %s stops without the store: %s", name, error)
            call_hooks("on_child_stop hooks", Alarm(), limit, hooks.child_stopped)

        process = fork(name, body, self._descriptors())
        process.recycles = self._started[number]
        self._started[number] += 1
        self._register(process)
        return process

    def _descriptors(self) -> list[int]:
        """Return what a forked process has to close."""
        others = [number for other in self._everyone() for number in other.descriptors]
        return [*others, *self._beside.descriptors, *self._heart.descriptors(), *self._signals.descriptors]

    def _register(self, process: Process) -> None:
        worker = moves.Registration(
            name=process.name,
            pid=process.pid,
            host=self._host,
            address="",
            queues=self._queues,
            runs=self.identity.runs,
            app_version=self.identity.app_version,
            recycles=process.recycles,
            version=own_version(),
        )
        self._heart.must(moves.register(worker, self._settings))

    def _hear(self) -> None:
        """Say which jobs failed for good."""
        for child in self._everyone():
            self._failures.tell_all(child.heard.read())
            self._heart.count(child.heard.tallies)
        self._failures.count()

    def _bury(self) -> None:
        for number, child in list(self._children.items()):
            code = child.poll()
            if code is not None:
                del self._children[number]
                if not self._stops and not child.stopping and child.slot.left is not Left.BURST_OVER:
                    self._start_at[number] = monotonic() + self._pause(number, child)
                self._settle(child, code)
        for child in list(self._old):
            code = child.poll()
            if code is not None:
                self._old.remove(child)
                self._settle(child, code)
        if os.getpid() == 1:
            reap_strays({child.pid for child in self._everyone()} | self._beside.pids)

    def _pause(self, number: int, child: Process) -> float:
        if child.slot.left or child.killed or monotonic() - child.born > _QUICK_DEATH:
            self._pauses.pop(number, None)
            return 0.0
        pause = min(_LONGEST_PAUSE, self._pauses.get(number, 0.05) * 2)
        self._pauses[number] = pause
        return pause

    def _settle(self, child: Process, code: int) -> None:
        """Say in the store what a child that ended can't say any more."""
        self._failures.tell_all(child.heard.read())
        self._heart.count(child.heard.tallies)
        self.ran.add(child.slot)
        if child.slot.left is None:
            now = child.slot.now()
            if now is None and child.killed is None and self._stops < 2:
                logger.warning("worker child %s: its process %s", child.name, describe_exit(code))
            if now:
                self._finish(child, now.job, *self._verdict(child, now.job, code), now.started)
            ended_by_us = self._stops > 1 or child.killed
            before = Ending.BACK if ended_by_us else Ending.CRASHED if child.slot.owed() else Ending.UNBEGUN
            when = "before the store heard of its end" if child.slot.owed() else "before it began"
            for job in child.slot.held():
                if now is None or job.id != now.job.id:
                    self._finish(child, job, before, f"its process {describe_exit(code)}, {when}", monotonic())
        self._heart.must(moves.leave(child.name, self._queues))
        child.close()

    def _verdict(self, child: Process, job: Running, code: int) -> tuple[Ending, str]:
        if self._stops > 1:
            return Ending.BACK, _STOPPING
        if child.killed is None:
            logger.warning("worker child %s: its process %s in job %s", child.name, describe_exit(code), job.id)
            return Ending.CRASHED, f"its process {describe_exit(code)}"
        if child.killed != job:
            return Ending.BACK, "its process was killed for another job"
        return (Ending.CANCELLED if child.cancelled else Ending.FAILED), child.reason

    def _finish(self, child: Process, job: Running, ending: Ending, reason: str, started: float) -> None:
        self.ran.failed += ending in (Ending.FAILED, Ending.CRASHED)
        outcome = Outcome(error=reason, duration=round((monotonic() - started) * 1000))
        done = finishing.finish(job, outcome, self._settings, ending)
        self._heart.must(moves.step(child.name, self._settings, done), done)

    def _enforce_limits(self) -> None:
        for child in self._everyone():
            now = child.slot.now()
            if now and now.deadline is not None and monotonic() > now.deadline and not child.killed:
                limit = now.deadline - now.started - GRACE
                self._kill(child, now.job, f"killed at its limit of {limit:g} s")

    def _kill(self, child: Process, job: Running, reason: str, cancelled: bool = False) -> None:
        level = logging.INFO if cancelled else logging.WARNING
        logger.log(level, "worker child %s: killed in job %s: %s", child.name, job.id, reason)
        child.killed, child.reason, child.cancelled = job, reason, cancelled
        child.kill()

    def _roll(self) -> None:
        """Replace one child after the other: the next one when the one before has gone."""
        if self._to_replace and not self._old:
            number = self._to_replace.pop(0)
            if number in self._children:
                old = self._children.pop(number)
                old.ask_to_stop()
                self._old.append(old)
                self._start_at[number] = 0.0

    # Beats.

    def _show(self) -> None:
        """Have RQ's tools see a job that runs for longer than a look: its first beat says so, and comes at once."""
        for child in self._everyone():
            now = child.slot.now()
            if now and now.job != child.shown and monotonic() - now.started > _LOOK:
                child.shown = now.job
                self._heart.hurry()

    def _pulses(self) -> list[Pulse]:
        return [pulse for child in self._everyone() for pulse in child.pulses()]

    def _answer(self, pulse: Pulse, word: str) -> None:
        name, job = pulse.name, pulse.job
        child = next((child for child in self._everyone() if child.name == name), None)
        if child is None:
            return
        now = child.slot.now()
        if word == "unknown":
            self._register(child)
        elif now and now.job == job and now.deadline is not None and not child.killed:
            if word == "cancel":
                self._kill(child, now.job, "cancelled", cancelled=True)
            elif word == "fenced":
                # This worker was stopped, or cut off, for longer than its lease: the job runs elsewhere by now.
                self._kill(child, now.job, "its lease ran out")
