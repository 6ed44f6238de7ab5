"""What is found, listed and counted equals what reading every record says, whatever the filter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.job import Group, Job, JobStatus, Outcome, Priority
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import delays, keys
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands

NAMES = ("mail", "mail_daily", "report", "rare")
TEMPLATES = ("pages/a", "pages/b")
ERRORS = ("POST /mail: 503 Service Unavailable", "Zähler 7 fehlt", "timeout")


@dataclass(frozen=True)
class Known:
    """What the oracle reads of a job: its raw record, and what the test sent."""

    id: str
    fields: dict[str, str]
    sent: Job

    @property
    def status(self) -> JobStatus:
        return JobStatus.from_rq(self.fields["status"])

    @property
    def time(self) -> datetime:
        names = {"finished": ["ended_at"], "failed": ["ended_at"], "canceled": ["ended_at"], "started": ["started_at"]}
        waits = ["enqueued_at", "created_at", *(["started_at"] if self.fields["status"] == "scheduled" else [])]
        found = names.get(self.fields["status"], waits)
        times = [keys.parse_time(self.fields[name].encode()) for name in found if name in self.fields]
        return max(time for time in times if time)


def oracle(store: Store, sent: dict[str, Job]) -> dict[str, Known]:
    found = {}
    for key in store.client.scan_iter("rq:job:*", count=1_000):
        job_id = key.decode().removeprefix("rq:job:")
        record: Any = store.client.hgetall(key)
        fields = {name.decode(): value.decode() for name, value in record.items()}
        found[job_id] = Known(job_id, fields, sent[job_id])
    return found


def means(wanted: Filter, job: Known) -> bool:
    sent = job.sent
    is_new_run = job.status is JobStatus.PENDING and "lb_final" in job.fields
    error = "" if is_new_run else job.fields.get("lb_error", "")
    values = {**sent.parameters, **sent.handed_over}
    return (
        wanted.status in (None, job.status)
        and (
            wanted.source_name in ("", sent.source_name)
            or (wanted.source_name == "mail*" and "mail" in sent.source_name)
        )
        and wanted.template in ("", sent.template)
        and wanted.queue in ("", sent.priority)
        and wanted.group in ("", sent.group.name if sent.group else "-")
        and wanted.error.lower() in error.lower()
        and all(str(values.get(name)) == value for name, value in wanted.values.items())
        and (wanted.since is None or job.time >= wanted.since)
        and (wanted.until is None or job.time < wanted.until)
        and job.id.startswith(wanted.id_prefix)
    )


class Life:
    """Sends jobs and moves them at random, through the moves of a worker."""

    def __init__(self, engine: Engine, hands: Hands, seed: int) -> None:
        self.engine, self.hands, self.random = engine, hands, random.Random(seed)
        self.sent: dict[str, Job] = {}
        self._running: list[Any] = []

    def send(self, count: int) -> None:
        pick = self.random.choice
        jobs = [
            Job(
                id=f"{self.random.getrandbits(48):012x}",
                source_name=pick(NAMES),
                template=pick(TEMPLATES),
                line=3,
                source="hi",
                parameters={"customer_id": self.random.randrange(5), "name": pick(("Ada", "Zoë"))},
                handed_over={"user.id": self.random.randrange(3)},
                priority=pick(list(Priority)),
                delay=pick((0.0, 0.0, self.random.random() * 100)),
                group=pick((None, None, Group("crm", 2))),
                max_attempts=pick((1, 3)),
                waits=(60.0, 60.0),
            )
            for _ in range(count)
        ]
        self.engine.jobs.send(jobs)
        self.sent |= {job.id: job for job in jobs}

    def move(self) -> None:
        moves = (
            self._start,
            self._start,
            self._finish,
            self._finish,
            self._cancel,
            self._retry,
            self._claim,
            self._send,
        )
        self.random.choice(moves)()

    def _send(self) -> None:
        self.send(self.random.randrange(1, 4))

    def _claim(self) -> None:
        if self.random.random() < 0.2:
            self.hands.claim(2)

    def _start(self) -> None:
        batch = self.hands.claim()
        for job in batch.jobs:
            running = Running.of(job, batch.token, batch.queue)
            self.hands.start(running)
            self._running.append(running)

    def _finish(self) -> None:
        if len(self._running) > 3:
            job = self._running.pop(self.random.randrange(len(self._running)))
            self.hands.finish(job, self.random.choice((Outcome(result="ok"), *(Outcome(error=e) for e in ERRORS))))

    def _any(self, status: JobStatus) -> str | None:
        found = self.engine.jobs.list(status, limit=5)
        return self.random.choice(found).id if found else None

    def _cancel(self) -> None:
        if job_id := self._any(JobStatus.PENDING):
            self.engine.jobs.cancel(job_id)

    def _retry(self) -> None:
        if job_id := self._any(self.random.choice((JobStatus.FAILED, JobStatus.CANCELLED))):
            self.engine.jobs.retry(job_id)


def filters(chance: random.Random, times: list[datetime]) -> Iterator[Filter]:
    yield Filter()
    yield from (Filter(status=status) for status in JobStatus)
    yield from (Filter(queue=queue) for queue in Priority)
    choices: dict[str, tuple[Any, ...]] = {
        "status": tuple(JobStatus),
        "source_name": (*NAMES, "mail*", "none"),
        "template": TEMPLATES,
        "queue": tuple(Priority),
        "group": ("crm", "other"),
        "error": ("503", "service", "zähler", "TIMEOUT", "nothing"),
        "values": ({"customer_id": "3"}, {"name": "Zoë"}, {"user.id": "1", "customer_id": "2"}, {"none": "1"}),
        "since": (chance.choice(times),),
        "until": (chance.choice(times),),
        "id_prefix": tuple("0123456789abcdef"),
    }
    for _ in range(20):
        named = chance.sample([*choices], chance.choice((1, 2, 2, 3)))
        yield Filter(**{name: chance.choice(choices[name]) for name in named})


def all_pages(engine: Engine, wanted: Filter, limit: int) -> list[str]:
    ids, cursor = [], None
    while True:
        page = engine.jobs.list(wanted, limit=limit, after=cursor)
        assert len(page) == limit or page.cursor is None
        ids += [record.id for record in page]
        if not (cursor := page.cursor):
            return ids


@pytest.mark.parametrize(("seed", "few"), [(0, delays.FEW), (1, -1)])
def test_every_answer_is_the_one_of_reading_all(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, seed: int, few: int
) -> None:
    monkeypatch.setattr(delays, "FEW", few)
    engine = Engine(settings=settings)
    life = Life(engine, Hands(store, settings), seed)
    life.send(40)
    for _ in range(200):
        life.move()
    known = oracle(store, life.sent)
    assert {job.status for job in known.values()} == {*JobStatus}
    chance = random.Random(seed)
    for wanted in filters(chance, [job.time for job in known.values()]):
        meant = {job.id for job in known.values() if means(wanted, job)}
        found = [job_id for chunk in scan(store, settings, wanted, most=chance.choice((5, 50))) for job_id in chunk.ids]
        assert sorted(found) == sorted(meant), wanted
        assert engine.jobs.count(wanted) == len(meant), wanted
        assert {record.id for record in engine.jobs.find(wanted)} == meant
        for limit in chance.sample((9, 1_000), 1):
            listed = all_pages(engine, wanted, limit)
            assert sorted(listed) == sorted(meant), wanted
            times = [known[job_id].time for job_id in listed if known[job_id].fields["status"] != "queued"]
            assert times == sorted(times, reverse=True), wanted
