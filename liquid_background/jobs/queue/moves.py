"""The worker's moves as script calls: what goes in, and what the replies say."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from time import gmtime, monotonic, strftime, time
from typing import Any, Final, NamedTuple, TypeAlias

from liquid_background.errors import JobRefused
from liquid_background.job import Job, LogEntry, LogStatus
from liquid_background.jobs.log import encode_entry
from liquid_background.jobs.queue.causes import Cause
from liquid_background.jobs.queue.finishing import Finish, Running
from liquid_background.jobs.queue.opening import Claimed, is_foreign, open_claimed
from liquid_background.jobs.queue.protocol import GIVEN_UP, MAX_DATA, MAX_SHOWN, SHORTEST_CLAIM, Argument, BeatValues
from liquid_background.jobs.queue.records import encode_job
from liquid_background.jobs.queue.results import exc_string
from liquid_background.jobs.queue.tally import Tally, arguments_of
from liquid_background.jobs.site import id_suffix
from liquid_background.settings import Settings

Call: TypeAlias = tuple[str, list[Argument]]
"""A script's name and its arguments."""

RQ_VERSION: Final = "3.0.0"  # whose records these are, as RQ's tools show it for a worker
_OPERATION_AT: Final = 6  # in a tick's reply
MOST_AT_ONCE: Final = 500  # jobs that one tick promotes or reaps: a few milliseconds of the store's time


def tokens() -> Iterator[str]:
    """Yield tokens that no other process yields; call it after the fork."""
    own = secrets.token_hex(6)
    return (f"{own}{number:x}" for number in count())


def step(
    worker: str,
    settings: Settings,
    done: Finish | None = None,
    start: Running | None = None,
    higher: Sequence[str] | None = (),
    *,
    until: int = 0,
) -> Call:
    """Return the call that finishes one job and starts the next.

    Args:
        worker: the name of the child.
        settings: those of the worker.
        done: the end of a job.
        start: the job that begins.
        higher: queues whose work goes before that job; None to ask neither about these nor whether it is paused.
        until: see `Batch`. A job that starts later gets a lease of its own.
    """
    begin: list[Argument] = [start.id, start.token, until] if start else ["", "", 0]
    end: list[Argument] = done.sent if done else [""]
    minute = int(time() // 60)
    head: list[Argument] = [worker, _milliseconds(settings.lease), settings.log_limit, minute, _written_minute(minute)]
    asked: list[Argument] = [-1] if higher is None else [len(higher), *higher]
    return "step", [*head, *begin, *asked, *end]


@lru_cache(maxsize=2)
def _written_minute(minute: int) -> str:
    """Return what RQ's way of writing a time begins with, for each second of a minute since 1970."""
    return strftime("%Y-%m-%dT%H:%M:", gmtime(60 * minute))


def claim_lease(settings: Settings) -> float:
    """Return the seconds that a claim lasts for what is not started; nobody extends it, so it can be short."""
    return min(settings.lease, max(SHORTEST_CLAIM, settings.lease / 3))


@dataclass(frozen=True, slots=True)
class Refused:
    """A claimed job that may not run, and why."""

    id: bytes  # as it stands in the store, whatever it holds
    reason: str
    foreign: bool = False  # another application's: left to the workers that it has, if it has any


class Batch(NamedTuple):  # made once a claim, so it has to be cheap
    """What a claim brought: jobs of one queue under one token; or none, and when the next delayed one is due."""

    token: str
    queue: str
    jobs: Sequence[Claimed | Refused]
    due: float | None  # seconds
    usable_until: float  # by this process's monotonic clock: half of the lease is still to come then
    clock: float | None = None  # the store's, in seconds, when it made the claim
    until: int = 0  # by that clock, in ms: a job that starts later gets a lease of its own with its start


class Claim:
    """A claim of up to `most` jobs of the first of the queues that has any.

    Args:
        token: of the lease.
        most: jobs, from 1.
        queues: in the order to try.
        settings: with the lease.
        wait: seconds that the store may let pass before it runs the call; the lease lasts longer by that.
        own_wake: the key of the caller's own wake list.
        settled: tokens of earlier claims, of which no job is left in the caller's hands.
        asks_rights: whether the store is asked for all rights that jobs need, which takes it as long as ten commands.
    """

    def __init__(
        self,
        token: str,
        most: int,
        queues: Sequence[str],
        settings: Settings,
        wait: float = 0.0,
        *,
        own_wake: str = "",
        settled: Sequence[str] = (),
        asks_rights: bool = True,
    ) -> None:
        lease = claim_lease(settings)
        leases = _milliseconds(lease + wait), _milliseconds(settings.lease - lease)
        head: list[Argument] = [token, *leases, most, settings.log_limit, own_wake]
        self.call: Call = ("claim", [*head, int(asks_rights), len(settled), *settled, *queues])
        self._token = token
        self._settings = settings
        self._usable_until = monotonic() + wait + lease / 2

    def opened(self, reply: Any) -> Batch:
        """Return what a reply says that it brought; nothing for one that says nothing."""
        if not reply:
            return Batch(self._token, "", (), None, self._usable_until)
        name: bytes
        now_ms: int
        rest: list[Any]
        name, now_ms, *rest = reply
        clock = now_ms / 1000
        if not name:
            due = None if rest[0] < 0 else rest[0] / 1000
            return Batch(self._token, "", (), due, self._usable_until, clock)
        queue = name.decode("ascii")
        jobs = _opened_jobs(queue, rest, self._settings, clock)
        until = now_ms + _milliseconds(self._settings.lease / 6)
        return Batch(self._token, queue, jobs, None, self._usable_until, clock, until)


def _opened_jobs(queue: str, rest: list[Any], settings: Settings, clock: float) -> list[Claimed | Refused]:
    jobs: list[Claimed | Refused] = []
    if type(rest[0]) is int:  # the jobs' values follow each other, since nothing is the matter with them
        width = rest[0]
        for at in range(1, len(rest), width):
            jobs.append(_opened_job(queue, rest[at], b"", rest[at + 1 : at + width], settings, now=clock))
        return jobs
    for job_id, size, planted, *values in rest:
        if size > MAX_DATA:
            jobs.append(Refused(job_id, f"the record's data is over {MAX_DATA:,} bytes"))
        else:
            jobs.append(_opened_job(queue, job_id, planted, values, settings, now=clock))
    return jobs


def _opened_job(
    queue: str, job_id: bytes, planted: bytes, values: list[bytes | None], settings: Settings, *, now: float
) -> Claimed | Refused:
    try:
        return open_claimed(job_id, queue, planted, values, settings, now=now)
    except JobRefused as error:
        return Refused(job_id, str(error), is_foreign(values[0] or b""))
    except Exception as error:  # noqa: BLE001 - whatever a record makes us raise, it must not end the child
        return Refused(job_id, f"the record cannot be read: {type(error).__name__}")


def refuse(job: Refused, batch: Batch, worker: str, settings: Settings) -> Call:
    """Return the call that sets a job aside that may not run."""
    shown = job.id[:MAX_SHOWN].decode("utf-8", "backslashreplace")
    entry = LogEntry(job_id=shown, status=LogStatus.REFUSED, message=job.reason, final=True)
    head: list[Argument] = [job.id, batch.token, batch.queue, worker, exc_string(f"refused: {job.reason}")]
    cause = Cause.of("", 0, LogStatus.REFUSED, job.reason).encoded()  # what its record says is not to be believed
    return "refuse", [*head, settings.log_limit, settings.failure_ttl, int(job.foreign), cause, *encode_entry(entry)]


def give_back(token: str, queue: str, ids: Sequence[str | bytes]) -> Call:
    """Return the call that puts claimed jobs back that were not started."""
    return "give_back", [token, queue, *ids]


def settle(settled: Sequence[str]) -> Call:
    """Return the call that drops the leases of claims, as `Claim` does on its way."""
    return "settle", [*settled]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a supervisor knows of one child since its last beat."""

    name: str
    completed: int
    failed: int
    seconds: float
    job: Running | None
    memory: int = 0  # bytes that it holds; 0 where that is not known


def beat(pulses: Sequence[Pulse], settings: Settings) -> Call:
    """Return the call that extends the leases of what runs and says that the workers live."""
    arguments: list[Argument] = [_milliseconds(settings.lease), worker_ttl(settings)]
    for pulse in pulses:
        job = pulse.job
        arguments += BeatValues(
            name=pulse.name,
            state="busy" if job else "idle",
            completed=pulse.completed,
            failed=pulse.failed,
            worked=f"{pulse.seconds:.6f}" if pulse.seconds else "0",
            memory=pulse.memory,
            id=job.id if job else "",
            token=job.token if job else "",
            queue=job.queue if job else "",
        )
    return "beat", arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a worker shows itself to RQ's tools."""

    name: str
    pid: int
    host: str
    address: str
    queues: Sequence[str]
    runs: str = ""  # see applications
    app_version: str = ""
    recycles: int = 0  # processes that had its place before it
    version: str = ""  # of liquid-background


def register(worker: Registration, settings: Settings) -> Call:
    """Return the call that registers a worker."""
    head: list[Argument] = [worker.name, worker_ttl(settings), worker.pid, worker.host, worker.address]
    versions = RQ_VERSION, sys.version.split()[0]
    own: list[Argument] = [worker.runs, worker.app_version, worker.recycles, worker.version]
    return "register", [*head, *versions, *own, *worker.queues]


def leave(name: str, queues: Sequence[str]) -> Call:
    """Return the call that takes a worker's registration away."""
    return "leave", [name, *queues]


def remaining(queues: Sequence[str]) -> Call:
    """Return the call that says whether a burst still has to wait."""
    return "remaining", [*queues]


def worker_ttl(settings: Settings) -> int:
    """Return the seconds after which a dead worker's registration goes away."""
    return max(30, int(settings.lease * 10))


def tick(queues: Sequence[str], settings: Settings, trim: bool = False, last: int = 0) -> Call:
    """Return the call that promotes what is due and reaps the leases that ran out.

    Args:
        queues: whose delayed jobs are promoted.
        settings: those of the worker.
        trim: whether expired ids and slots are dropped, too.
        last: the store's clock in ms at this worker's last tick, as its reply said; 0 before the first.
    """
    head: list[Argument] = [settings.log_limit, MOST_AT_ONCE, int(trim), exc_string(GIVEN_UP)]
    return "tick", [*head, _milliseconds(settings.lease), last, *queues]


def tally(tallies: Mapping[str, Tally]) -> Call:
    """Return the call that adds counts by source name."""
    return "tally", [*arguments_of(tallies)]


def has_operation(reply: Any) -> bool:
    """Return whether an operation is due, as a tick's reply says, or that to `operation_due`."""
    if isinstance(reply, int):
        return reply == 1
    return isinstance(reply, list) and len(reply) > _OPERATION_AT and reply[_OPERATION_AT] == 1


def operation_due() -> Call:
    """Return the call that asks whether an operation is due of a store that is too full for a tick."""
    return "operation_due", []


def schedule(
    name: str, digest: str, job: Job | None, settings: Settings, former: str = "", *, previous: int | None = None
) -> Call:
    """Return the call that enqueues the job of a schedule's next time, unless it is enqueued; its reply is the clock.

    Args:
        name: the schedule's.
        digest: tells its definition from earlier ones of the same name.
        job: with its `start_at`, and an id in which no site stands; None to ask for the clock only.
        settings: those of the worker.
        former: the name that versions before gave it; what still waits under that is taken back.
        previous: its last time before now, in seconds since 1970, so that it is noted if that was missed.
    """
    if job is None or job.start_at is None:
        return "schedule", [name, digest, ""]
    known = replace(job, id=f"{job.id}{id_suffix(settings.site)}")
    head: list[Argument] = [name, digest, int(job.start_at), former, settings.log_limit]
    head.append("" if previous is None else previous)
    return "schedule", [*head, *encode_job(known, settings)]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
