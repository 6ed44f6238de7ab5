"""Every name that the store holds: RQ's keys and fields as RQ 3 writes them, and our own.

Where a site is set, its name goes into each: see liquid_background.jobs.site.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from liquid_background.job import Priority

QUEUES: Final = tuple(str(priority) for priority in Priority)
"""The RQ queues that we send to, highest priority first, without the name of a site."""

# RQ's keys. The Lua scripts build the same names; tests/jobs/queue/test_keys.py holds both against the installed rq.
RQ_QUEUES: Final = "rq:queues"
RQ_WORKERS: Final = "rq:workers"
MOST_WORKERS: Final = 10_000
"""Members of it that are looked at: those that died without a word leave theirs behind."""
RQ_SUSPENDED: Final = "rq:suspended"
"""There while `rq suspend` has all workers of a database wait."""


def job(job_id: str) -> str:
    """Return the key of a job's record (a hash)."""
    return f"rq:job:{job_id}"


def queue(name: str) -> str:
    """Return the key of a queue's list of waiting job ids."""
    return f"rq:queue:{name}"


def scheduled(name: str) -> str:
    """Return the key of a queue's delayed jobs, scored by due time in seconds."""
    return f"rq:scheduled:{name}"


def deferred(name: str) -> str:
    """Return the key of a queue's jobs that wait for others: of ours, parked in their group or held."""
    return f"rq:deferred:{name}"


def started(name: str) -> str:
    """Return the key of a queue's running jobs: members `job:execution`, scored a day ahead."""
    return f"rq:wip:{name}"


def ended(state: str, name: str) -> str:
    """Return the key of a queue's jobs that have ended so, in RQ's word."""
    return f"rq:{state}:{name}"


def finished(name: str) -> str:
    """Return the key of a queue's completed jobs, scored by expiry."""
    return ended("finished", name)


def failed(name: str) -> str:
    """Return the key of a queue's failed jobs, scored by expiry."""
    return ended("failed", name)


def canceled(name: str) -> str:
    """Return the key of a queue's cancelled jobs, scored by the time of cancelling."""
    return ended("canceled", name)


def results(job_id: str) -> str:
    """Return the key of a job's results (a stream, newest last)."""
    return f"rq:results:{job_id}"


def execution(job_id: str, execution_id: str) -> str:
    """Return the key of one running attempt (a hash)."""
    return f"rq:execution:{job_id}:{execution_id}"


def executions(job_id: str) -> str:
    """Return the key of a job's running attempts (a sorted set)."""
    return f"rq:executions:{job_id}"


def worker(name: str) -> str:
    """Return the key of a worker's registration (a hash)."""
    return f"rq:worker:{name}"


def worker_executions(name: str) -> str:
    """Return the key of the attempts that a worker runs (a set)."""
    return f"rq:worker:{name}:executions"


def queue_workers(name: str) -> str:
    """Return the key of the workers that serve a queue (a set of worker keys)."""
    return f"rq:workers:{name}"


# Our own keys.
LEASES: Final = "liquid_background:leases"  # sorted set of the ids of jobs with a lease of their own, by its end in ms
BATCHES: Final = "liquid_background:batches"  # likewise, of the tokens of claims whose jobs share a lease
BATCH_JOBS: Final = "liquid_background:batch_jobs"  # hash of the ids of these jobs, in JSON, by the token
DELETED: Final = "liquid_background:deleted"  # sorted set of deleted ids that claims may name, by until when


def wake(name: str) -> str:
    """Return the key of a queue's wake list: a token for each idle worker that should look."""
    return f"liquid_background:wake:{name}"


def slots(group: str) -> str:
    """Return the key of a group's slots: the ids of the jobs that hold one (a set)."""
    return f"liquid_background:slots:{group}"


def parked(group: str, queue: str) -> str:
    """Return the key of the jobs of one queue that wait for a slot of a group (a list)."""
    return f"liquid_background:parked:{group}:{queue}"


def held(name: str, queue: str) -> str:
    """Return the key of the jobs of one queue that a paused name holds (a sorted set), by their places."""
    return f"liquid_background:held:{name}:{queue}"


def claimed_name(worker: str) -> str:
    """Return the key that says that a worker has just taken this name."""
    return f"liquid_background:name:{worker}"


GROUPS: Final = "liquid_background:groups"
"""Set of the groups that have parked jobs."""

PAUSES: Final = "liquid_background:pauses"
"""Hash of what is paused, such as `queue:low`, `name:sync_*`, `group:crm`: since when in ms, JSON of whom and why."""

HELD: Final = "liquid_background:held"
"""Set of the names, as pauses had them, that hold jobs."""

SCHEDULES: Final = "liquid_background:schedules"
"""Hash of the schedules: which time of each was enqueued last, and by which definition."""

SCHEDULES_PAUSED: Final = "liquid_background:schedules:paused"
"""Hash of the schedules that are paused: JSON of since when, in milliseconds, and by whom."""

COUNTS: Final = "liquid_background:counts:"
"""Before the minute, hour or day, such as `m:28356480`, `hour:472608` and `day:19692`, or `all`, of which a hash has
counts by source name; `all:high` has those of a queue, and `moves` how many were refused and reaped. Earlier workers
count by the hour under `h:472608`, and not by the day or by queues."""

COUNTED_NAMES: Final = "liquid_background:counted"
"""Sorted set of the source names that are counted of all time, scored by when, in seconds, they were counted last."""

TICKED: Final = "liquid_background:ticked"
"""When a worker last promoted and reaped, and until when leases get grace, both in milliseconds."""

WRITABLE: Final = "liquid_background:writable"
"""Never there: a write to it that writes nothing says whether the store takes writes."""

OPERATIONS: Final = "liquid_background:operations"
"""Sorted set of the operations that are kept, scored by the time they were asked for in milliseconds."""

OPERATIONS_DUE: Final = "liquid_background:operations:due"
"""Sorted set of those that run, scored by when a worker may do the next part in milliseconds."""


def operation(operation_id: str) -> str:
    """Return the key of an operation (a hash)."""
    return f"liquid_background:operation:{operation_id}"


def proved(proof: str) -> str:
    """Return the key of the jobs that passed a proof, scored by the end of the run that was proven, in microseconds."""
    return f"liquid_background:proved:{proof}"


def behind(name: str) -> str:
    """Return the key of the ids that stay behind in a list though their jobs were cancelled (a sorted set): behind.lua.

    Args:
        name: of the queue; for a group's jobs that wait for a slot, what `parked` has behind its own name.
    """
    return f"liquid_background:behind:{name}"


AUDIT: Final = "liquid_background:audit"
"""Stream of who did what: operations, retries, cancels, deletes, edits, pauses, and the like."""

SET_ASIDE: Final = "liquid_background:set_aside:"
"""Before the name of a key that held another type than its name says: what was planted is kept for a week."""

MAX_PAUSES: Final = 100
"""Pauses at once: each claim reads them all while there are any."""

FAILED_IDS: Final = "liquid_background:failed"
"""Sorted set of the ids of failed jobs, scored by their end in milliseconds, as are those of one name or group."""

FAILED_OF: Final = "liquid_background:failed:of"
"""Hash of what each of these ids is filed under: its failure group, and its name."""

FAILED_NAMES: Final = "liquid_background:failed:names"
"""Set of the names that have a sorted set of their own."""

FAILED_UNNAMED: Final = "liquid_background:failed:unnamed"
"""Sorted set of the ids of which the names are too many to have one."""


FAILED_APART: Final = "liquid_background:failed:apart"
"""Sorted set of the ids that RQ has among those of failed jobs and no list shows there; scored by expiry in seconds."""


def failed_of_name(source_name: str) -> str:
    """Return the key of the failed jobs of a name."""
    return f"liquid_background:failed:name:{source_name}"


def failed_of_group(failure: str) -> str:
    """Return the key of the failed jobs of a failure group."""
    return f"liquid_background:failed:group:{failure}"


FAILURE_GROUPS: Final = "liquid_background:failures"
"""Sorted set of the failure groups, scored by when one was last seen, in milliseconds."""


def failure_about(failure: str) -> str:
    """Return the key of what is known of a failure group (a hash)."""
    return f"liquid_background:failures:about:{failure}"


def failure_hours(failure: str) -> str:
    """Return the key of how many jobs of a failure group failed in an hour (a hash by the hour since 1970)."""
    return f"liquid_background:failures:hours:{failure}"


def failures_of(template: str) -> str:
    """Return the key of a template's failure groups (a sorted set, as that of all)."""
    return f"liquid_background:failures:of:{template}"


FAILURES_LOOKED: Final = "liquid_background:failures:looked"
"""Hash of how far workers have come in comparing the indexes of failed jobs with the records."""


def delayed(queue: str) -> str:
    """Return the key of the index of a queue's delayed jobs, scored by when they came there, in microseconds."""
    return f"liquid_background:delayed:{queue}"


DELAYED_LOOKED: Final = "liquid_background:delayed"
"""Hash of how far workers have come in comparing these indexes with RQ's registries, and their doubt: look_delayed."""

ALERTS: Final = "liquid_background:alerts"
"""Hash of how far workers have come in looking for what is to be told, and of how much they have told this hour. It is
there while some of them do."""

ALERTS_DUE: Final = "liquid_background:alerts:due"
"""Sorted set of the alerts that are to be told, scored by when, in milliseconds; while one is being told, by the end of
the lease of who does."""

ALERTS_HELD: Final = "liquid_background:alerts:held"
"""Hash of these leases: by the token of who tells, which alert."""

ALERT_WORKERS: Final = "liquid_background:alerts:workers"
"""Sorted set of the workers that look, each with its host, scored by when it was heard of last in milliseconds."""

SCHEDULES_PASSED: Final = "liquid_background:schedules:passed"
"""Hash of schedules that are paused: until when, in seconds, their times pass without being missed."""


def alert(about: str) -> str:
    """Return the key of an alert (a hash).

    Args:
        about: a failure group, or the event and what it is about, such as `queue.late high`.
    """
    return f"liquid_background:alert:{about}"


WAKE_LIMIT: Final = 64
"""Tokens that a wake list keeps; more idle workers than that look within a second anyway."""

# Our fields in RQ's record of a job. RQ keeps fields that it does not know.
TOKEN: Final = "lb_token"  # of the lease; fences every later move
ATTEMPT: Final = "lb_attempt"  # attempts started in this run
CRASHES: Final = "lb_crashes"  # of those, ended by the death of the child
UNBEGUN: Final = "lb_unbegun"  # starts of this run whose child died before the body began
LOSSES: Final = "lb_losses"  # of those, ended by the death of the whole worker
FINAL: Final = "lb_final"  # the run is over; the next claim starts a new one
BEATEN: Final = "lb_beaten"  # RQ's execution keys exist for the running attempt
CANCEL: Final = "lb_cancel"  # someone wants the running attempt ended
FOREIGN: Final = "lb_foreign"  # in another application's job: it was refused once, and left to that one's workers
OURS_MARK: Final = "lb_ours"  # in a worker's registration: it is one of these, and what it knows: see OURS
OURS: Final = 3
"""What a worker of this version says there: 2, that it knows of ids that stay behind; 3, of `delayed`, too."""
KNOWS_BEHIND: Final = 2
RUNS: Final = "lb_runs"  # in a worker's registration: which application it runs; see running
APP_VERSION: Final = "lb_app_version"  # there, too: of the application that it performs
VERSION: Final = "lb_version"  # there, too: of liquid-background
RECYCLES: Final = "lb_recycles"  # there, too: how many processes had its place before it
MEMORY: Final = "lb_memory"  # there, too: bytes that it held at its last beat
LIMIT: Final = "lb_limit"  # seconds an attempt, where RQ's whole seconds are too coarse
ERROR: Final = "lb_error"  # one line: why the last attempt failed
HELD_BY: Final = "lb_held"  # the paused name that holds the job, as its pause has it
FAILURE: Final = "lb_failure"  # of a failed job, the id of its failure group
RAISED: Final = "lb_raised"  # there, too: the class of the error, or the log's word
GROUP: Final = "lb_group"  # the name of the job's group
GROUP_LIMIT: Final = "lb_group_limit"  # jobs of it that may run beside this one, and this one
WAITS: Final = "lb_waits"  # since when it waits for its next attempt, where that is not since it was made
OPERATION: Final = "lb_operation"  # the last operation that dealt with it
PASSED: Final = "lb_passed"  # the last operation that counted it as skipped
LEFT: Final = "lb_left"  # it was cancelled, and its id may stay behind in a list, where RQ's own workers find it
SIGNATURE: Final = "lb_sig"  # over what the job runs and when; see signing

TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How RQ writes a time in a record."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def parse_time(value: bytes | None) -> datetime | None:
    """Return a time from a record; None when it is absent or not one."""
    try:
        text = (value or b"").decode("ascii")
        if _TIME.fullmatch(text):  # in a tenth of the time that the other takes
            return datetime.fromisoformat(text)
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
