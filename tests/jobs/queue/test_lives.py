"""Whatever workers, people and other tools do in whatever order, no job is lost, doubled, or stuck."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from liquid_background.errors import JobNotAllowed, JobNotFound
from liquid_background.job import Ending, Group, Job, JobStatus, Outcome, Priority
from liquid_background.jobs.log import entries
from liquid_background.jobs.queue import Queue, finishing, keys, moves
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.campaigns import fuzz, seeds
from tests.jobs.queue.hands import Hands

STEPS = 60
PAUSES = (("queue", "default"), ("name", "mail*"), ("group", "g"))


@dataclass(eq=False)
class Held:
    """A job in a worker's hands. The worker may lose it once its lease has run out, or somebody took it back."""

    job: Running
    begun: bool = False
    may_be_lost: bool = False


@dataclass(eq=False)
class Taken:
    """What a worker knows of one of its claims."""

    token: str
    until: int
    jobs: list[Held] = field(default_factory=list)
    in_doubt: bool = False


class Lives:
    """Jobs, three workers, and what happens to them by chance."""

    def __init__(self, hands: Hands, seed: int) -> None:
        self.hands = hands
        self.client: Any = hands.store.client
        self.queue = Queue(hands.store, hands.settings)
        self.chance = random.Random(seed)
        self.jobs: dict[str, Job] = {}
        self.runs: Counter[str] = Counter()
        self.deleted: set[str] = set()
        self._tokens = moves.tokens()
        self._workers: list[list[Taken]] = [[], [], []]
        self._events: dict[Callable[[], Any], float] = {
            self._send: 3, self._claim: 7, self._start: 8, self._beat: 3, self._finish: 7, self._give_back: 2,
            self._die: 0.4, self._run_out: 0.6, self._tick: 2, self._make_due: 1, self._cancel: 1, self._delete: 1,
            self._retry: 1, self._requeue: 0.5, self._pause: 0.7,
        }  # fmt: skip

    def live(self) -> None:
        self._send()
        for _ in range(STEPS):
            [event] = self.chance.choices([*self._events], [*self._events.values()])
            event()

    def end(self) -> None:
        """Have all workers die, all pauses end, and all that is left run."""
        for what in PAUSES:
            self.hands.call(("resume", [*what, "ada", "it"]))
        self._workers = [[], [], []]
        for _ in range(6):
            self.hands.expire_leases()
            self._make_due(1.0)
            self.hands.call(moves.tick(keys.QUEUES, self.hands.settings, trim=True))
            while (batch := self.hands.claim(5)).jobs or batch.due == 0:
                for job in [
                    Running.of(job, batch.token, batch.queue) for job in batch.jobs if isinstance(job, Claimed)
                ]:
                    if self.hands.start(job) > 0:
                        assert self.hands.finish(job, Outcome(result="x")) == "done"
        self.hands.settle()

    @property
    def held(self) -> list[Held]:
        return [held for worker in self._workers for taken in worker for held in taken.jobs]

    def _new(self) -> Job:
        pick = self.chance.choice
        attempts = pick((1, 1, 2, 3))
        job = Job(
            id=f"j{len(self.jobs)}",
            source_name=pick(("mail", "mail_daily", "report")),
            template="pages/x",
            line=3,
            source="hi",
            priority=pick((*Priority, Priority.DEFAULT)),
            delay=pick((0.0, 0.0, 0.0, 100.0)),
            group=pick((None, None, None, Group("g", 2))),
            max_attempts=attempts,
            waits=tuple(pick((0.0, 60.0)) for _ in range(attempts - 1)),
        )
        self.jobs[job.id] = job
        self.runs[job.id] = 1
        return job

    def _send(self) -> None:
        self.queue.send([self._new() for _ in range(self.chance.randrange(1, 8))])

    def _claim(self) -> None:
        worker = self.chance.choice(self._workers)
        over = [taken for taken in worker if not taken.jobs]
        for taken in over:
            worker.remove(taken)
        settled = [taken.token for taken in over if not taken.in_doubt]
        token, most = next(self._tokens), self.chance.randrange(1, 9)
        claim = moves.Claim(token, most, keys.QUEUES, self.hands.settings, settled=settled)
        # Sent again after a lost reply, or arriving twice: one of the two replies is heard.
        replies = [self.hands.call(claim.call) for _ in range(self.chance.choice((1, 1, 1, 2)))]
        batch = claim.opened(self.chance.choice(replies))
        jobs = [Held(Running.of(job, token, batch.queue)) for job in batch.jobs if isinstance(job, Claimed)]
        if jobs:
            worker.append(Taken(token, batch.until, jobs))

    def _any(self, begun: bool) -> tuple[Taken, Held] | None:
        found = [(taken, held) for worker in self._workers for taken in worker for held in taken.jobs]
        found = [(taken, held) for taken, held in found if held.begun == begun]
        return self.chance.choice(found) if found else None

    def _start(self) -> None:
        if found := self._any(begun=False):
            taken, held = found
            late = self.chance.random() < 0.2
            call = moves.step("w", self.hands.settings, start=held.job, until=0 if late else taken.until)
            self._started(taken, held, self.hands.call(call)[1])

    def _started(self, taken: Taken, held: Held, attempt: int) -> None:
        if attempt <= 0:
            taken.jobs.remove(held)
            back = attempt < 0 and self.hands.call(moves.give_back(held.job.token, held.job.queue, [held.job.id]))
            taken.in_doubt = taken.in_doubt or back != 1
            return
        held.begun = True
        others = [other for other in self.held if other.begun and other.job.id == held.job.id and other is not held]
        assert all(other.may_be_lost for other in others), f"{held.job.id} runs twice"
        assert attempt <= held.job.max_attempts

    def _beat(self) -> None:
        if found := self._any(begun=True):
            _, held = found
            assert self.hands.beat(held.job) != b"fenced" or held.may_be_lost

    def _finish(self) -> None:
        """Tell of an end, which may start another job of the same claim, and may arrive twice."""
        if not (found := self._any(begun=True)):
            return
        taken, held = found
        waiting = [other for other in taken.jobs if not other.begun]
        following = waiting[0] if waiting and self.chance.random() < 0.5 else None
        outcome, ending = self.chance.choice(
            [(Outcome(result="x"), None)] * 5
            + [(Outcome(result="x", jobs=(self._new(),)), None), (Outcome(error="no"), None)]
            + [(Outcome(error="died"), ending) for ending in Ending if ending is not Ending.SUCCESS]
        )
        made = [*self.jobs][-1]
        done = finishing.finish(held.job, outcome, self.hands.settings, ending)
        call = moves.step("w", self.hands.settings, done, following and following.job, until=taken.until)
        how, attempt, *_ = self.hands.call(call)
        if self.chance.random() < 0.1 and not following:
            self.hands.call(call)
        assert how == b"done" or held.may_be_lost, f"{held.job.id} is {how}"
        taken.in_doubt = taken.in_doubt or how != b"done"
        taken.jobs.remove(held)
        if not self.client.exists(keys.job(made)) and made not in self.deleted:
            del self.jobs[made]  # its maker did not succeed
        if following:
            self._started(taken, following, attempt)

    def _give_back(self) -> None:
        taken = self.chance.choice([taken for worker in self._workers for taken in worker] or [None])
        if taken:
            waiting = [held for held in taken.jobs if not held.begun][self.chance.randrange(2) :]
            ids = [held.job.id for held in waiting]
            back = self.hands.call(moves.give_back(taken.token, taken.jobs[0].job.queue if ids else "default", ids))
            taken.in_doubt = taken.in_doubt or back != len(ids)
            taken.jobs = [held for held in taken.jobs if held not in waiting]

    def _die(self) -> None:
        self.chance.choice(self._workers).clear()

    def _run_out(self) -> None:
        for leases in self.chance.choice(((keys.LEASES,), (keys.BATCHES,), (keys.LEASES, keys.BATCHES))):
            for member in self.client.zrange(leases, 0, -1):
                if self.chance.random() < 0.7:
                    self.client.zadd(leases, {member: 1000 + self.chance.choice((0, 0.5))})
        for held in self.held:
            held.may_be_lost = True

    def _tick(self) -> None:
        trim, last = self.chance.random() < 0.4, self.chance.choice((0, 1))  # 1: it has lived through a stall
        self.hands.call(moves.tick(keys.QUEUES, self.hands.settings, trim=trim, last=last))

    def _make_due(self, share: float = 0.6) -> None:
        for scheduled in map(keys.scheduled, keys.QUEUES):
            for place, member in enumerate(self.client.zrange(scheduled, 0, -1)):
                if self.chance.random() < share:
                    self.client.zadd(scheduled, {member: 1 + place})

    def _act(self, act: Callable[[str], Any]) -> str | None:
        job_id = self.chance.choice([*self.jobs])
        with suppress(JobNotAllowed, JobNotFound):
            act(job_id)
            for held in self.held:
                held.may_be_lost = held.may_be_lost or held.job.id == job_id
            return job_id
        return None

    def _cancel(self) -> None:
        self._act(self.queue.cancel)

    def _delete(self) -> None:
        if job_id := self._act(self.queue.delete):
            self.deleted.add(job_id)

    def _retry(self) -> None:
        if job_id := self._act(self.queue.retry):
            self.runs[job_id] += 1

    def _requeue(self) -> None:
        """As RQ's tools do it with what has ended."""
        job_id = self.chance.choice([*self.jobs])
        status, origin = self.client.hmget(keys.job(job_id), "status", "origin")
        if status in (b"failed", b"finished", b"canceled"):
            self.client.zrem(f"rq:{status.decode()}:{origin.decode()}", job_id)
            self.client.persist(keys.job(job_id))
            self.client.hset(keys.job(job_id), "status", "queued")
            self.client.rpush(keys.queue(origin.decode()), job_id)
            self.runs[job_id] += 1

    def _pause(self) -> None:
        what = self.chance.choice(PAUSES)
        if self.chance.random() < 0.4:
            self.hands.call(("pause", [":".join(what), "{}", "ada", "it"]))
        else:
            self.hands.call(("resume", [*what, "ada", "it"]))


def _check_lists(lives: Lives) -> None:
    """Each job is listed and counted once, under the status that its record says."""
    statuses = {job_id: lives.client.hget(keys.job(job_id), "status") for job_id in lives.jobs}
    there = {job_id: JobStatus.from_rq(status.decode()) for job_id, status in statuses.items() if status}
    assert sorted(record.id for record in lives.queue.list(limit=1000)) == sorted(there)
    for status in JobStatus:
        ids = sorted(job_id for job_id, its in there.items() if its is status)
        assert sorted(record.id for record in lives.queue.list(status, limit=1000)) == ids, status
        assert lives.queue.count(status=status) == len(ids), status


@fuzz
@pytest.mark.parametrize("seed", seeds(8))
def test_each_job_ends_once_a_run(store: Store, settings: Settings, seed: int) -> None:
    lives = Lives(Hands(store, settings.model_copy(update={"lease": 300})), seed)
    lives.live()
    _check_lists(lives)
    lives.end()
    _check_lists(lives)
    finals = Counter(entry.job_id for entry in entries(store.client, limit=10_000) if entry.final)
    assert finals == {job_id: lives.runs[job_id] for job_id in lives.jobs}
    unended = [record.id for record in lives.queue.list(limit=1000) if not record.status.has_ended]
    assert unended == []
    assert not store.client.exists(keys.LEASES, keys.BATCHES, keys.BATCH_JOBS, keys.slots("g"))
    assert lives.hands.call(moves.remaining(keys.QUEUES)) == 0
