"""A child process: claims batches, performs their jobs one after the other, and tells the store as it goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep
from typing import Any, Final

from liquid_background.job import Outcome, Performer
from liquid_background.jobs.queue import finishing, keys, moves
from liquid_background.jobs.queue.finishing import Finish, Running
from liquid_background.jobs.queue.moves import Batch, Claim, Refused
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store
from liquid_background.jobs.store.clock import ServerClock
from liquid_background.settings import Settings
from liquid_background_worker import attempt, limits
from liquid_background_worker.alarm import Alarm
from liquid_background_worker.batches import BatchSize, Order
from liquid_background_worker.channel import Channel
from liquid_background_worker.endings import Endings, Report
from liquid_background_worker.slot import Left, Slot
from liquid_background_worker.surroundings import Surroundings

LONGEST_IDLE: Final = 1.0  # seconds; jobs that others put into the queues without a token are seen within this
BURST_IDLE: Final = 0.1  # seconds between two looks whether a burst is over
HIGHER_EVERY: Final = 0.005  # seconds between two questions whether higher work waits
AGAIN: Final = 0.2  # seconds between two tries to tell of an end
_PLAIN_REPLY: Final = 3  # values in a step's reply; a fourth says what could not be written beside the move
GRACE: Final = 0.75  # seconds beyond its limit after which a job is killed; with the time to notice, below one second


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a child is told when it is forked."""

    name: str
    queues: Sequence[str]
    burst: bool
    control: int  # read end of a pipe whose other end the supervisor holds
    supervisor: int  # its pid


class Child:
    """The loop of one child. Its numbers: claimed, started, finished and given back, each at most once a token."""

    def __init__(self, settings: Settings, store: Store, performer: Performer, slot: Slot, role: Role) -> None:
        self._settings = settings
        self._performer = performer
        self._slot = slot
        self._role = role
        self._channel = Channel(store, max(1.0, settings.lease), self._gives_up, self._is_orphan)
        self._tokens = moves.tokens()
        self._clock = ServerClock()  # by which the jobs that its jobs make are signed
        self._alarm = Alarm()
        self._surroundings = Surroundings()
        self._cpu = limits.CpuLimit()
        self._batch_size = BatchSize()
        self._order = Order(role.queues, settings.low_share)
        self._wake_keys = [keys.wake(name) for name in (*role.queues, role.name)]
        self._jobs_left = settings.recycle_jobs
        self._ahead: Batch | None = None  # claimed while the last one ran
        self._yields = False  # higher work waits
        self._ask_again_at = 0.0  # when to ask the store again whether higher work waits
        self._unheard = 0  # starts without a reply
        self._endings = Endings(settings)  # that came back
        self._stale = 0  # as many of these are of the batch before
        self._tally: tuple[bool, float] | None = None  # how the last attempt ended, and its seconds: not counted yet
        self._lapsed = False  # the lease of the last start had run out, as in an outage of the store
        self._refused = False  # the last start was answered with an error
        self._careful = False  # no body begins before its start was heard: an error came, and none has been since

    def _is_orphan(self) -> bool:
        return os.getppid() != self._role.supervisor

    def _gives_up(self, seconds: float) -> bool:
        return self._slot.stop and seconds > self._settings.lease

    def work(self) -> Left:
        """Run jobs until told to stop, worn out, left alone, or the burst is over; return which."""
        batch: Batch | None = None
        while not self._slot.stop and self._jobs_left > 0 and not self._is_orphan():
            if self._endings.jobs:
                self._give_back(batch)
                batch = None
                self._say_again()
            batch = batch or self._claim()
            if batch.jobs:
                self._run(batch)
                # One that brought nothing looked before the last job ran: that may be long ago.
                batch = self._ahead if self._ahead and self._ahead.jobs else None
                if limits.is_fat(self._settings):
                    break
            elif self._role.burst and self._channel.call(moves.remaining(self._role.queues)) == 0:
                return Left.BURST_OVER
            else:
                batch = self._idle(batch.due)
        self._give_back(batch)
        return Left.DONE

    def _claim(self) -> Batch:
        claim = self._next_claim(self._jobs_left)
        return self._opened(claim, self._channel.call(claim.call))

    def _opened(self, claim: Claim, reply: Any) -> Batch:
        batch = claim.opened(reply)
        if batch.clock is not None:
            self._clock.noted(batch.clock)
        return batch

    def _next_claim(self, most: int, wait: float = 0.0) -> Claim:
        most = 1 if self._careful else min(self._batch_size.size, most)
        own = self._wake_keys[-1]
        return Claim(next(self._tokens), most, self._order.next(), self._settings, wait, own_wake=own)

    def _idle(self, due: float | None) -> Batch | None:
        """Wait for work; return what came of it, or nothing after an outage."""
        self._channel.drain()
        if self._endings.jobs:
            return None
        wait = BURST_IDLE if self._role.burst else LONGEST_IDLE
        calls = []
        if due is not None and due <= wait:
            wait, calls = due, [moves.tick(self._role.queues, self._settings)]
        claim = self._next_claim(self._jobs_left, wait)
        reply = self._channel.block(self._wake_keys, wait, self._role.control, [*calls, claim.call])
        return self._opened(claim, reply) if reply is not None else None

    def _run(self, batch: Batch) -> None:
        """Perform a batch: each step finishes one job and starts the next, and its reply is read later."""
        higher = self._order.claimed(batch.queue)
        ready = self._ready(batch)
        self._ahead, asked = None, False
        self._yields, self._ask_again_at, self._stale = False, 0.0, self._unheard
        done: Finish | None = None
        begun = 0
        for running, claimed in ready:
            if self._slot.stop or self._yields or self._endings.jobs or monotonic() >= batch.usable_until:
                break
            self._post(Report(done) if done else None, running, higher)
            self._count()
            left = len(ready) - begun
            if not asked and left <= self._batch_size.ahead and left < self._jobs_left:
                asked = True
                self._claim_ahead(self._jobs_left - left)
            # Here, where no body's end waits to be told.
            (self._channel.drain if self._careful else self._channel.poll)()
            if self._lapsed or self._refused:
                # Its claim is no longer this child's, and so, likely, are the others of the batch; or it goes back.
                done, begun = None, begun + int(self._lapsed)
                break
            done = finishing.finish(running, self._perform(begun, claimed), self._settings, now=self._clock.now())
            begun += 1
        if done:
            self._post(Report(done))
        self._count()
        self._slot.end()
        if asked:
            self._channel.drain(lambda: self._ahead is not None)
        if begun < len(ready):
            if self._ahead and self._ahead.queue not in higher:
                self._give_back(self._ahead)  # first: these stood behind the others
                self._ahead = None
            self._channel.post(moves.give_back(batch.token, batch.queue, [running.id for running, _ in ready[begun:]]))
        if self._careful:
            self._channel.drain()  # an end that comes back is owed at once: its lease is still the claim's
            if self._refused and not self._endings.jobs:
                sleep(LONGEST_IDLE)

    def _ready(self, batch: Batch) -> list[tuple[Running, Claimed]]:
        """Return the jobs of a batch that may run; set the others aside."""
        ready: list[tuple[Running, Claimed]] = []
        for job in batch.jobs:
            if isinstance(job, Refused):
                self._channel.post(moves.refuse(job, batch, self._role.name, self._settings))
            else:
                ready.append((Running.of(job, batch.token, batch.queue), job))
        self._slot.hold([running for running, _ in ready])
        return ready

    def _claim_ahead(self, most: int) -> None:
        """Have the next batch claimed while the last jobs of this one run."""
        claim = self._next_claim(most)

        def claimed(reply: Any) -> None:
            self._ahead = self._opened(claim, None if isinstance(reply, Exception) else reply)

        self._channel.post(claim.call, claimed)

    def _give_back(self, batch: Batch | None) -> None:
        if batch and batch.jobs:
            self._channel.post(moves.give_back(batch.token, batch.queue, [job.id for job in batch.jobs]))

    def _post(self, report: Report | None, start: Running | None = None, higher: Sequence[str] = ()) -> None:
        """Tell the store of an end, and of the next start. While it refuses writes, only the end has to wait."""
        if start:
            self._unheard, self._lapsed, self._refused = self._unheard + 1, False, False
        call = self._step(report.finish if report else None, start, higher)
        self._channel.post(call, partial(self._answered, report, start is not None), must=report is not None)

    def _answered(self, report: Report | None, started: bool, reply: Any) -> None:
        if started:
            self._started(reply)
        if isinstance(reply, Exception):
            self._careful = True
            self._channel.trouble.heard(reply)
            if report:
                self._endings.came_back(report, reply)
        elif len(reply) > _PLAIN_REPLY:
            self._channel.trouble.heard_of(reply[_PLAIN_REPLY])

    def _say_again(self) -> None:
        """Tell of the ends that came back until the store has them; nothing is claimed or begun meanwhile."""
        while self._endings.jobs and not self._is_orphan():
            self._slot.owe(self._endings.jobs)  # its supervisor keeps their leases, which counts their bodies
            for report in self._endings.to_say():
                self._post(report)
            self._channel.drain()
            if self._endings.jobs and not self._endings.are_urgent:
                sleep(AGAIN)
        self._slot.owe([])

    def _step(self, done: Finish | None, start: Running | None, higher: Sequence[str]) -> moves.Call:
        if higher:
            now = monotonic()
            if now < self._ask_again_at:
                higher = ()
            else:
                self._ask_again_at = now + HIGHER_EVERY
        return moves.step(self._role.name, self._settings, done, start, higher)

    def _started(self, reply: Any) -> None:
        self._unheard -= 1
        stale, self._stale = self._stale > 0, max(0, self._stale - 1)
        if isinstance(reply, list):
            self._yields = self._yields or (reply[2] == 1 and not stale)
            self._lapsed = reply[1] == 0 and not self._unheard
            self._careful = self._careful and reply[1] == 0
        elif not self._unheard:
            self._refused = True

    def _perform(self, place: int, job: Claimed) -> Outcome:
        self._cpu.allow(job.limit)
        started = monotonic()
        self._slot.begin(place, started, started + job.limit + GRACE)
        outcome = attempt.perform(self._performer, self._alarm, job)
        self._slot.disarm()
        self._tally = (outcome.succeeded, monotonic() - started)
        self._jobs_left -= 1
        return outcome

    def _count(self) -> None:
        """Count the last attempt, once the store has been told of its end: a kill before that runs the body again."""
        if self._tally:
            succeeded, seconds = self._tally
            self._slot.count(succeeded, seconds)
            self._batch_size.took(seconds)
            self._tally = None
            self._surroundings.restore()

    def close(self) -> None:
        """Hear the store out on what was sent."""
        self._channel.drain()
        self._say_again()
