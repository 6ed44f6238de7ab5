"""A child process: claims batches, performs their jobs one after the other, and tells the store as it goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep
from typing import Any, Final

from liquid_background.job import Performer
from liquid_background.jobs.queue import finishing, keys, moves
from liquid_background.jobs.queue.failures import failure_of_refusal, failure_of_step, failures_of_tick
from liquid_background.jobs.queue.finishing import Finish, Running
from liquid_background.jobs.queue.moves import Batch, Claim, Refused
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.queue.tally import Tallies, counted_as
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background_worker.attempts import Attempts
from liquid_background_worker.batch_run import BatchRun
from liquid_background_worker.batches import Order
from liquid_background_worker.channel import Channel
from liquid_background_worker.endings import Endings, Report
from liquid_background_worker.limits import Wear
from liquid_background_worker.reports import Reports
from liquid_background_worker.settling import Settling
from liquid_background_worker.slot import Left, Slot

LONGEST_IDLE: Final = 1.0  # seconds; jobs that others put into the queues without a token are seen within this
BURST_IDLE: Final = 0.1  # seconds between two looks whether a burst is over
ASK_RIGHTS_EVERY: Final = 10.0  # seconds; what a claim between lacks a right for goes back with its lease
AGAIN: Final = 0.2  # seconds between two tries to tell of an end
_UNTOLD: Final = 0.02  # seconds of counts that are lost with a child: the start of one that is slow is told at once
_PLAIN_REPLY: Final = 3  # values in a step's reply; a fourth says what could not be written beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a child is told when it is forked."""

    name: str
    queues: Sequence[str]
    burst: bool
    control: int  # read end of a pipe whose other end the supervisor holds
    supervisor: int  # its pid
    reports: int | None = None  # write end of a pipe on which its supervisor hears of failures
    retries: bool = False  # whether it is to hear of attempts, too, that others follow


class Child:
    """The loop of one child: each job is claimed, started, finished or given back, at most once a token.

    1. `_claim`, `_idle`: a batch, or a wait for one.
    2. `_run`: its jobs one after the other, in a BatchRun; the next batch is claimed while the last of them run.
    3. `_say_again`: ends that the store did not take, before anything else is claimed.
    """

    def __init__(self, settings: Settings, store: Store, performer: Performer, slot: Slot, role: Role) -> None:
        self._settings = settings
        self._slot = slot
        self._role = role
        self._channel = Channel(store, max(1.0, settings.lease), self._gives_up, self._is_orphan)
        self._tokens = moves.tokens()
        self._clock = store.clock  # by which the jobs that its jobs make are signed
        self._reports = Reports(role.reports, all=role.retries)
        self._tallies = Tallies()  # that its supervisor has not been told of
        self._told_at = 0.0
        self._attempts = Attempts(performer, slot, settings.recycle_jobs, Wear(settings))
        self._order = Order(role.queues, settings.low_share)
        self._wake_keys = [own_name(store.site, keys.wake(name)) for name in (*role.queues, role.name)]
        self._ahead: Batch | None = None  # claimed while the last one ran
        self._asked = 0.0  # when the store was asked for what runs next
        self._ask_rights_at = 0.0  # when to ask it for all rights
        self._current = BatchRun(Batch("", "", (), None, 0.0), (), ())
        self._endings = Endings(settings)  # that came back
        self._settling = Settling()
        self._careful = False  # no body begins before its start was heard: an error came, and none has been since

    def _is_orphan(self) -> bool:
        return os.getppid() != self._role.supervisor

    def _gives_up(self, seconds: float) -> bool:
        return self._slot.stop and seconds > self._settings.lease

    def work(self) -> Left:
        """Run jobs until told to stop, worn out, left alone, or the burst is over; return which."""
        batch: Batch | None = None
        while not self._slot.stop and self._attempts.left > 0 and not self._is_orphan():
            if self._endings:
                self._give_back(batch)
                batch = None
                self._say_again()
            batch = batch or self._claim()
            self._slot.serve()
            if batch.jobs:
                self._run(batch)
                # One that brought nothing looked before the last job ran: that may be long ago.
                batch = self._ahead if self._ahead and self._ahead.jobs else None
                self._attempts.look()
            elif self._role.burst and self._channel.call(moves.remaining(self._role.queues)) == 0:
                return Left.BURST_OVER
            else:
                batch = self._idle(batch.due)
        self._give_back(batch)
        return Left.DONE

    def _claim(self) -> Batch:
        claim = self._next_claim(self._attempts.left)
        self._asked = monotonic()
        return self._opened(claim, self._channel.call(claim.call))

    def _opened(self, claim: Claim, reply: Any) -> Batch:
        batch = claim.opened(reply)
        if batch.clock is not None:
            self._clock.noted(batch.clock)
        return batch

    def _next_claim(self, most: int, wait: float = 0.0) -> Claim:
        most = 1 if self._careful else min(self._attempts.batch_size.size, most)
        own = self._wake_keys[-1]
        token, order, settled = next(self._tokens), self._order.next(), self._settling.taken()
        if asks := monotonic() > self._ask_rights_at:
            self._ask_rights_at = monotonic() + ASK_RIGHTS_EVERY
        return Claim(token, most, order, self._settings, wait, own_wake=own, settled=settled, asks_rights=asks)

    def _idle(self, due: float | None) -> Batch | None:
        """Wait for work; return what came of it, or nothing after an outage."""
        self._channel.drain()
        self._tell_counts()
        self._reports.flush()
        if self._endings:
            return None
        wait = BURST_IDLE if self._role.burst else LONGEST_IDLE
        calls = []
        if due is not None and due <= wait:
            wait, calls = due, [moves.tick(self._role.queues, self._settings)]
        claim = self._next_claim(self._attempts.left, wait)
        calls.append(claim.call)
        reply = self._channel.block(self._wake_keys, wait, self._role.control, calls, self._ticked)
        self._asked = monotonic()
        return self._opened(claim, reply) if reply is not None else None

    def _ticked(self, reply: Any) -> None:
        for failure in failures_of_tick(reply):
            self._reports.tell(failure)

    def _run(self, batch: Batch) -> None:
        """Perform a batch: each step finishes one job and starts the next, and its reply is read later."""
        higher = self._order.claimed(batch.queue)
        self._current = run = BatchRun(batch, self._ready(batch), higher, self._current, self._asked)
        self._ahead = None
        done = self._perform_all(run)
        if done:
            self._post(Report(done))
        self._attempts.count()
        self._slot.end()
        self._tell_counts()
        if run.has_claimed_ahead:
            self._channel.drain(lambda: self._ahead is not None)
        self._give_rest_back(run)
        self._settle(batch)
        if self._careful:
            self._channel.drain()  # an end that comes back is owed at once: its lease is still the claim's
            if run.refused and not self._endings:
                sleep(LONGEST_IDLE)

    def _perform_all(self, run: BatchRun) -> Finish | None:
        """Perform the jobs of a batch, or as many as may begin; return the last one's end, which is not told yet."""
        attempts = self._attempts
        done: Finish | None = None
        for running, claimed in run.ready:
            if self._slot.stop or run.yields or self._endings or monotonic() >= run.batch.usable_until:
                break
            if attempts.left <= 0:
                break
            self._post(Report(done) if done else None, running)
            attempts.count()
            if not run.has_claimed_ahead:
                left = run.left
                if left <= attempts.batch_size.ahead and left < attempts.left:
                    run.has_claimed_ahead = True
                    self._claim_ahead(attempts.left - left)
            # Here, where no body's end waits to be told.
            self._hear_starts(run)
            if run.lapsed or run.refused or run.held:
                # Its claim is no longer this child's, and so, likely, are the others of the batch; or it goes back.
                run.begun += int(run.lapsed)
                return None
            self._tallies.of(counted_as(running.source_name, running.queue)).begin(self._waited(claimed))
            if monotonic() - self._told_at > _UNTOLD:
                self._tell_counts()
            outcome = attempts.perform(run.begun, claimed)
            done = finishing.finish(
                running, outcome, self._settings, now=self._clock.now(), is_function="function" in claimed.payload
            )
            run.begun += 1
        return done

    def _waited(self, claimed: Claimed) -> int:
        """Return the milliseconds for which a job that begins now has waited since it could."""
        now = self._clock.now()
        return 0 if now is None or claimed.enqueued is None else max(0, int((now - claimed.enqueued) * 1000))

    def _tell_counts(self) -> None:
        self._told_at = monotonic()
        if self._tallies:
            self._reports.count(self._tallies.taken())

    def _hear_starts(self, run: BatchRun) -> None:
        """Hear what the store says to the starts of a batch: what is there, or all of it where a body depends on it."""
        if not (self._careful or run.must_hear):
            self._channel.poll()
        if self._careful or run.must_hear:  # by now
            self._channel.drain()

    def _give_rest_back(self, run: BatchRun) -> None:
        """Give back what has not begun."""
        if not run.left:
            return
        if self._ahead and self._ahead.queue not in run.higher:
            self._give_back(self._ahead)  # first: these stood behind the others
            self._ahead = None
        self._post_back(run.batch, run.rest)

    def _ready(self, batch: Batch) -> list[tuple[Running, Claimed]]:
        """Return the jobs of a batch that may run; set the others aside."""
        ready: list[tuple[Running, Claimed]] = []
        held: list[Running] = []
        for job in batch.jobs:
            if isinstance(job, Refused):
                call = moves.refuse(job, batch, self._role.name, self._settings)
                self._channel.post(call, partial(self._refused, batch, job))
            else:
                running = Running.of(job, batch.token, batch.queue)
                ready.append((running, job))
                held.append(running)
        self._slot.hold(held)
        return ready

    def _refused(self, batch: Batch, job: Refused, reply: Any) -> None:
        self._channel.trouble.heard(reply)
        if isinstance(reply, Exception):
            self._settling.doubt(batch.token)
        if reply == 1:
            self._reports.tell(failure_of_refusal(job))

    def _claim_ahead(self, most: int) -> None:
        """Have the next batch claimed while the last jobs of this one run."""
        claim = self._next_claim(most)
        self._asked = monotonic()

        def claimed(reply: Any) -> None:
            self._ahead = self._opened(claim, None if isinstance(reply, Exception) else reply)

        self._channel.post(claim.call, claimed)

    def _give_back(self, batch: Batch | None) -> None:
        if batch and batch.jobs:
            self._post_back(batch, [job.id for job in batch.jobs])
            self._settle(batch)

    def _post_back(self, batch: Batch, ids: Sequence[str | bytes]) -> None:
        def given_back(reply: Any) -> None:
            self._channel.trouble.heard(reply)
            if reply != len(ids):
                self._settling.doubt(batch.token)

        self._channel.post(moves.give_back(batch.token, batch.queue, ids), given_back)

    def _settle(self, batch: Batch) -> None:
        """Take note, once all replies about a batch are in, that nothing more is sent about it."""
        self._channel.once_heard(partial(self._settling.is_over, batch.token))

    def _post(self, report: Report | None, start: Running | None = None) -> None:
        """Tell the store of an end, and of the next start. While it refuses writes, only the end has to wait."""
        higher = self._current.asking() if start else None
        if start:
            self._current.posted()
        done, until = report.finish if report else None, self._current.batch.until
        call = moves.step(self._role.name, self._settings, done, start, higher, until=until)
        self._channel.post(call, partial(self._answered, report, start), must=report is not None)

    def _answered(self, report: Report | None, start: Running | None, reply: Any) -> None:
        if start:
            self._current.heard(reply)
            if isinstance(reply, Exception) or reply[1] == 0:
                self._settling.doubt(start.token)
        if report and (isinstance(reply, Exception) or reply[0] != b"done"):
            self._settling.doubt(report.finish.job.token)
        if isinstance(reply, Exception):
            self._careful = True
            self._channel.trouble.heard(reply)
            if report:
                self._endings.came_back(report, reply)
            return
        if start:
            self._careful = self._careful and reply[1] == 0
        if report and reply[0] == b"done":
            done = report.finish
            self._tallies.of(counted_as(done.job.source_name, done.job.queue)).end(done.kind, done.duration)
        if len(reply) > _PLAIN_REPLY:
            if reply[_PLAIN_REPLY]:
                self._channel.trouble.heard_of(reply[_PLAIN_REPLY])
            failure = failure_of_step(report.finish, reply) if report else None
            if failure:
                self._reports.tell(failure)

    def _say_again(self) -> None:
        """Tell of the ends that came back until the store has them; nothing is claimed or begun meanwhile."""
        while self._endings and not self._is_orphan():
            self._slot.owe(self._endings.jobs)  # its supervisor keeps their leases, which counts their bodies
            for report in self._endings.to_say():
                self._post(report)
            self._channel.drain()
            if self._endings and not self._endings.are_urgent:
                sleep(AGAIN)
        self._slot.owe([])

    def close(self) -> None:
        """Hear the store out on what was sent."""
        self._channel.drain()
        self._say_again()
        if settled := self._settling.taken():
            self._channel.post(moves.settle(settled))
            self._channel.drain()
        self._tell_counts()
        self._reports.flush()
