"""The supervisor's line to the store: beats, ticks and the finishes of children that died. It never blocks for long."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic, sleep
from typing import Any, Final

from liquid_background.jobs.queue import moves
from liquid_background.jobs.queue.failures import failure_of_step, failures_of_tick
from liquid_background.jobs.queue.finishing import Finish
from liquid_background.jobs.queue.moves import Call, Pulse
from liquid_background.jobs.queue.protocol import OTHER_NAMES
from liquid_background.jobs.queue.tally import Tallies, counted_as
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background_worker.alerts import Watch
from liquid_background_worker.filer import Filer
from liquid_background_worker.refusals import is_full, is_refusal
from liquid_background_worker.telling import Failures
from liquid_background_worker.timetable import Timetable
from liquid_background_worker.trouble import Trouble
from liquid_background_worker.wire import Broken, Wire

_PATIENCE: Final = 0.5  # seconds that a kill at a job's limit may have to wait for a dead network
_PAUSE: Final = 0.04  # seconds between two tries to connect
_TICK: Final = 0.2  # seconds between ticks when nothing is due earlier
_AFTER_OUTAGE: Final = 0.5  # seconds before the first tick: children still have to say what ended meanwhile
_COUNT: Final = 1.0  # seconds between two calls that add to the counts by source name
_COUNTED_AT_ONCE: Final = 18  # names that one call adds to, and one turn: under 15 ms of the store, whatever they did
_MOST_COUNTED: Final = 2_000  # names that wait to be told of one by one: an author may make up many a second
_TRIM: Final = 10.0  # seconds between clean-ups of expired ids


class Heart:
    """Keeps the leases of what runs, and moves on what is due; `must` calls are repeated until they are heard."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        queues: Sequence[str],
        timetable: Timetable,
        failures: Failures,
        *,
        watch: Watch,
    ) -> None:
        self._wire = Wire(store, _PATIENCE)
        self._settings = settings
        self._queues = tuple(queues)
        self._timetable = timetable
        self._failures = failures
        self._filer = Filer()
        self._watch = watch
        self._owed: deque[tuple[Call, Finish | None]] = deque()
        self._tallies = Tallies()  # that the store has not been told of
        self._next_count = 0.0
        self._last_tick = 0  # by the store's clock, in milliseconds
        self._owed_at = 0.0  # when what is owed is said next
        self._next_try = self._next_beat = self._next_tick = self._next_trim = 0.0
        self._silent_for = max(1.0, settings.lease)
        self._trouble = Trouble(store.url, logging.WARNING)
        self.has_operation = False  # whether one was due at the last tick

    def must(self, call: Call, done: Finish | None = None) -> None:
        """Send a call as soon as the store hears it, such as the step that says how an attempt is done."""
        self._owed.append((call, done))

    def count(self, tallies: Tallies) -> None:
        """Take counts, and have the store told of them soon: at most once, since they are statistics."""
        self._tallies.merge(tallies.taken(), _MOST_COUNTED, OTHER_NAMES)

    def hurry(self) -> None:
        """Beat at the next opportunity."""
        self._next_beat = 0.0

    @property
    def owes(self) -> bool:
        return bool(self._owed or self._wire.pending)

    @property
    def waiting(self) -> str:
        """What the store is waited for; "" while it is well."""
        return self._trouble.waiting

    def pump(self, pulses: Callable[[], Sequence[Pulse]], answer: Callable[[Pulse, str], None]) -> None:
        """Do what is due now; `answer` gets each pulse of the last beat and the store's word on it."""
        now = monotonic()
        try:
            if not self._wire.connected:
                if now < self._next_try:
                    return
                self._wire.connect()
                self._timetable.connected()
                self._filer.connected()
                if self._next_try:
                    self._next_tick = now + _AFTER_OUTAGE
            self._read(now)
            self._send(now, pulses, answer)
            self._read(now)
        except Broken as error:
            self._lost(error)

    def _read(self, now: float) -> None:
        while self._wire.pending and self._wire.hear():
            pass
        if self._wire.pending and now - self._wire.pending[0].at > self._silent_for:
            raise Broken("no reply")

    def _send(self, now: float, pulses: Callable[[], Sequence[Pulse]], answer: Callable[[Pulse, str], None]) -> None:
        self._pay(now)
        if now >= self._next_beat:
            self._next_beat = now + self._settings.lease / 4
            beating = pulses()
            if beating:
                self._wire.send(
                    moves.beat(beating, self._settings), lambda reply: self._answers(beating, reply, answer), must=False
                )
        if self._tallies and now >= self._next_count:
            self._wire.send(self._count_call(), self._counted, must=False)
            if not self._tallies:
                self._next_count = now + _COUNT
        for call in self._timetable.calls():
            self._wire.send(call, self._timetabled, must=False)
        for call in self._watch.calls():
            self._wire.send(call, self._watched, must=False)
        for call, answer_of in self._filer.calls():
            self._wire.send(call, partial(self._filed, answer_of), must=False)
        if now >= self._next_tick:
            self._next_tick = now + _TICK
            trim = now >= self._next_trim
            self._next_trim = now + _TRIM if trim else self._next_trim
            self._wire.send(moves.tick(self._queues, self._settings, trim, self._last_tick), self._ticked, must=False)

    def _count_call(self) -> Call:
        """Return a call that says what is counted of some names: claims need not wait for all of them at once."""
        return moves.tally(self._tallies.taken(_COUNTED_AT_ONCE).by_name)

    def _counted(self, reply: Any) -> None:
        self._trouble.heard(reply)
        if reply and isinstance(reply, bytes):
            self._trouble.heard_of(reply)

    def _pay(self, now: float) -> None:
        """Say what is owed; what the store refuses stays owed, and is said again after a pause."""
        while self._owed and now >= self._owed_at:
            call, done = self._owed.popleft()
            self._wire.send(call, partial(self._owed_heard, call, done), must=False)

    def _owed_heard(self, call: Call, done: Finish | None, reply: Any) -> None:
        self._trouble.heard(reply)
        if is_refusal(reply):
            self._owed.append((call, done))
            self._owed_at = monotonic() + _TICK
        elif done is not None:
            if isinstance(reply, list) and reply[0] == b"done":
                self._tallies.of(counted_as(done.job.source_name, done.job.queue)).end(done.kind, done.duration)
            failure = failure_of_step(done, reply)
            self._failures.tell_all([failure] if failure else [])

    def _timetabled(self, reply: Any) -> None:
        self._trouble.heard(reply)
        self._timetable.heard(reply)

    def _filed(self, answer: Callable[[Any], None], reply: Any) -> None:
        self._trouble.heard(reply)
        answer(reply)

    def _watched(self, reply: Any) -> None:
        self._trouble.heard(reply)
        problem = self._watch.heard(reply)
        if problem:
            self._trouble.heard_of(problem)

    def _ticked(self, reply: Any) -> None:
        self._trouble.heard(reply)
        self._hear_of_operations(reply)
        if isinstance(reply, list):
            self._trouble.wrote()
            promoted, reaped, due, self._last_tick, *problem = reply
            if problem and problem[0]:
                self._trouble.heard_of(problem[0])
            self._failures.tell_all(failures_of_tick(reply))
            if max(promoted, reaped) >= moves.MOST_AT_ONCE:
                self._next_tick = 0.0
            elif due >= 0:
                self._next_tick = min(self._next_tick, monotonic() + due / 1000)

    def _hear_of_operations(self, reply: Any) -> None:
        self.has_operation = moves.has_operation(reply)
        if is_full(reply):  # deletes and cancels make room
            self._wire.send(moves.operation_due(), self._hear_of_operations, must=False)

    def _lost(self, error: Broken) -> None:
        self._wire.disconnect()
        self._next_try = monotonic() + _PAUSE
        if not error.expected:
            self._trouble.outage(error)

    def flush(self, seconds: float) -> None:
        """Wait for what is owed, for at most that long."""
        until = monotonic() + seconds
        leave = self._watch.leave()
        if leave is not None:
            self.must(leave)
        while (self.owes or self._tallies) and monotonic() < until:
            if self._tallies and not self.owes:  # behind the ends that are counted
                self.must(self._count_call())
            try:
                if not self._wire.connected:
                    self._wire.connect()
                self._pay(monotonic())
                if not self._wire.hear():
                    self._wire.wait(_PAUSE)
            except Broken as error:
                self._lost(error)
                sleep(_PAUSE)

    def descriptors(self) -> list[int]:
        """Return the descriptors that a forked child has to close."""
        return self._wire.descriptors()

    def close(self) -> None:
        if self._wire.connected and not self.owes:
            self._trouble.wrote(is_last=True)
        self._wire.disconnect()

    def _answers(self, pulses: Sequence[Pulse], reply: Any, answer: Callable[[Pulse, str], None]) -> None:
        self._trouble.heard(reply)
        if isinstance(reply, list):
            for pulse, word in zip(pulses, reply, strict=True):
                answer(pulse, word.decode("ascii"))
