"""What Python and the scripts say to each other, written once: values, and the numbers and names that both keep to.

The scripts get them when they are assembled; see `liquid_background.jobs.queue.assembly`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from liquid_background.job import (
    MAX_CONCURRENCY,
    MAX_PAYLOAD,
    MAX_RETRIES,
    MAX_RETRYING,
    MAX_SOURCE_NAME,
    JobStatus,
    Priority,
    words_in_rq,
)
from liquid_background.jobs.contract import states_of
from liquid_background.jobs.log import ENDS, KEY, LONG, MARKS
from liquid_background.jobs.log.entry import SHORT, WEIGHED, EntryValues
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.causes import GARBAGE, MAX_PLACE
from liquid_background.jobs.queue.likeness import likeness
from liquid_background.jobs.queue.reading import MAX_DIGITS
from liquid_background.jobs.queue.results import MAX_VALUE, NOT_KEPT, NOT_KEPT_FINAL, encode_result
from liquid_background.jobs.queue.tally import CELL, LOST_AT
from liquid_background.jobs.site import id_suffix, own_name, queue_name
from liquid_background.settings import FAILURE_TTL, MAX_LEASE

Argument: TypeAlias = str | bytes | int | float


class JobValues(NamedTuple):
    """A job as `enqueue_all` takes it."""

    id: str
    queue: str  # without the site's name, as everywhere in the scripts
    delay: float | str  # seconds from now; text is `@` and seconds since 1970
    data: bytes
    timeout: int  # whole seconds an attempt, for RQ
    retries: int
    waits: str  # JSON: seconds before attempts 2, 3, …
    source_name: str
    limit: str  # seconds an attempt where whole ones are too coarse, else empty
    signature: str  # empty when nothing is signed
    result_ttl: int  # seconds
    failure_ttl: int  # seconds
    group: str  # empty for none
    group_limit: int | str  # empty without a group


class EndValues(NamedTuple):
    """The end of an attempt as the step script takes it; the jobs and the log entries follow."""

    id: str
    token: str
    kind: str  # an `Ending`
    value: bytes  # the result of a success, else the traceback, as RQ keeps them
    message: bytes
    retry: int  # 1 if a failure may be tried again
    duration: int  # milliseconds
    source_name: str
    template: bytes
    line: int
    most: int  # attempts
    jobs: int  # how many follow
    entries: int  # how many follow those
    cause: bytes  # of a failure, as `Cause` encodes it


class DoneValues(NamedTuple):
    """The end of an attempt that succeeded, made no job and logged nothing: those values of an end that say more."""

    id: str
    token: str
    value: bytes
    duration: int
    source_name: str
    template: bytes
    line: int
    most: int


class BeatValues(NamedTuple):
    """What a beat says of one worker."""

    name: str
    state: str  # RQ's word
    completed: int  # since the last beat, as the next two
    failed: int
    worked: str  # seconds
    memory: int  # bytes that it holds; 0 where that is not known
    id: str  # of the running job, empty for none; then its token and queue
    token: str
    queue: str


SHAPES: Final[Mapping[str, type[NamedTuple]]] = {  # by the word that scripts call them by
    "JOB": JobValues,
    "ENTRY": EntryValues,
    "END": EndValues,
    "DONE": DoneValues,
    "BEAT": BeatValues,
}

CLAIMED: Final = (
    *("data", "origin", "timeout", "enqueued_at"),
    *("retry_intervals", keys.LIMIT, keys.SIGNATURE, keys.ATTEMPT, keys.FINAL),  # which most records have not
)
"""The fields of a record that the claim script returns, in this order, up to the last one that is there."""
PLANTED: Final = (
    "success_callback_name",
    "failure_callback_name",
    "stopped_callback_name",
    "webhooks",
    "dependency_ids",
    "repeats_left",
    "rate_limit_key",
)
"""The fields that no record of ours has: the claim script says when one is there."""
_LOOKED_AT: Final = ("status", keys.TOKEN, keys.FOREIGN, keys.GROUP, *CLAIMED, *PLANTED)  # by the claim script

MAX_DATA: Final = 2 * MAX_PAYLOAD
"""Bytes of a record's data that a worker reads: the payload, with room for what wraps it."""
MAX_ATTEMPTS_READ: Final = 1_000_000
"""Attempts that a record may say."""
MAX_LOSSES: Final = 10
"""Whole workers that may die under one run of a job."""
GIVEN_UP: Final = f"the worker that ran it died {MAX_LOSSES} times"
"""What is said of a job whose last worker was one too many."""
MAX_BATCH: Final = 512 * 1024  # bytes of the ids of a claim, as JSON
SHORTEST_CLAIM: Final = 0.8
"""Seconds; half of it must be enough to begin, on a busy machine too."""
ELSEWHERE: Final = "a job of another site has this id: give it one with the name of this site in it"
"""What is said of a job that is not sent, since ids are one space for all sites of a database."""
ANCHORS: Final = 4
"""Ids on either side of a place in a list by which it is found again."""
MAX_SHOWN: Final = 200
"""Bytes of an id or a name that is not one of ours, where it is shown."""

MAX_COUNTED_NAMES: Final = 1_000
"""Source names that are counted one by one, in each minute, each hour and of all time."""
OTHER_NAMES: Final = "(others)"
"""Under what all others are counted; no source name."""
MAX_AUDITED: Final = 10_000
"""Entries of the audit that are kept, and a few more."""
LONGEST_AUDITED: Final = 2_000
"""Bytes of a value of one."""
MAX_OPERATIONS: Final = 1_000
"""Operations that are kept, for 30 days after their end."""
FARTHEST_DUE: Final = 60.0
"""Seconds after which the next part of an operation is looked for at the latest."""
MAX_FAILED_NAMES: Final = 2_000
"""Source names of failed jobs that have an index."""
MAX_FAILURES: Final = 2_000
"""Failure groups, in all."""
MAX_FAILURES_OF: Final = 50
"""Those of one template; what fails there otherwise is in one more."""
HOURS: Final = 48
"""For which a failure group counts by the hour."""
MAX_ERROR: Final = 500
"""Bytes of the newest error that a failure group keeps."""

LISTS: Final[Mapping[str, Sequence[str]]] = {
    "FIELDS": _LOOKED_AT,
    "PRIORITIES": tuple(Priority),
    "STATES": ("queued", "scheduled", "deferred", *(word for status in JobStatus for word in words_in_rq(status))),
    # RQ's words for jobs that have ended, for those that a new run may be started of, and for where both stand.
    "ENDED": tuple(word for status in JobStatus if status.has_ended for word in words_in_rq(status)),
    "RETRIABLE": tuple(word for status in JobStatus if status.may_be_retried for word in words_in_rq(status)),
    "ENDED_IN": tuple(state for status in JobStatus if status.has_ended for state in states_of(status)),
    "RETRIED_FROM": tuple(state for status in JobStatus if status.may_be_retried for state in states_of(status)),
}
_OWN_NAMES: Final[Mapping[str, str]] = {
    "LOG": KEY,
    "LOG_ENDS": ENDS,
    "LOG_MARKS": MARKS,
    "LOG_LONG": LONG,
    "LEASES": keys.LEASES,
    "BATCHES": keys.BATCHES,
    "BATCH_JOBS": keys.BATCH_JOBS,
    "DELETED": keys.DELETED,
    "TICKED": keys.TICKED,
    "WRITABLE": keys.WRITABLE,
    "GROUPS": keys.GROUPS,
    "PAUSES": keys.PAUSES,
    "HELD": keys.HELD,
    "SCHEDULES": keys.SCHEDULES,
    "SCHEDULES_PAUSED": keys.SCHEDULES_PAUSED,
    "COUNTS": keys.COUNTS,
    "COUNTED_NAMES": keys.COUNTED_NAMES,
    "OPERATION": keys.operation(""),
    "OPERATIONS": keys.OPERATIONS,
    "OPERATIONS_DUE": keys.OPERATIONS_DUE,
    "PROVED": keys.proved(""),
    "BEHIND": keys.behind(""),
    "AUDIT": keys.AUDIT,
    "SET_ASIDE": keys.SET_ASIDE,
    "WAKE": keys.wake(""),
    "SLOTS": keys.slots(""),
    "PARKED": keys.parked("", "").removesuffix(":"),
    "FAILED_IDS": keys.FAILED_IDS,
    "FAILED_OF": keys.FAILED_OF,
    "FAILED_NAMES": keys.FAILED_NAMES,
    "FAILED_UNNAMED": keys.FAILED_UNNAMED,
    "FAILED_APART": keys.FAILED_APART,
    "FAILED_NAME": keys.failed_of_name(""),
    "FAILED_GROUP": keys.failed_of_group(""),
    "FAILURE_GROUPS": keys.FAILURE_GROUPS,
    "FAILURE_ABOUT": keys.failure_about(""),
    "FAILURE_HOURS": keys.failure_hours(""),
    "FAILURES_OF": keys.failures_of(""),
    "FAILURES_LOOKED": keys.FAILURES_LOOKED,
    "DELAYED": keys.delayed(""),
    "DELAYED_LOOKED": keys.DELAYED_LOOKED,
    "ALERT": keys.alert(""),
    "ALERTS": keys.ALERTS,
    "ALERTS_DUE": keys.ALERTS_DUE,
    "ALERTS_HELD": keys.ALERTS_HELD,
    "ALERT_WORKERS": keys.ALERT_WORKERS,
    "SCHEDULES_PASSED": keys.SCHEDULES_PASSED,
}
_OF_A_QUEUE: Final[Mapping[str, Callable[[str], str]]] = {
    "QUEUE": keys.queue,
    "SCHEDULED": keys.scheduled,
    "DEFERRED": keys.deferred,
    "WIP": keys.started,
    "FINISHED_IN": keys.finished,
    "FAILED_IN": keys.failed,
    "CANCELED_IN": keys.canceled,
    "WORKERS_OF": keys.queue_workers,
}


@cache
def names_of(site: str) -> Mapping[str, str]:
    """Return the names in the store that scripts of a site build theirs from: a queue's end with its priority."""
    return {
        **{name: own_name(site, value) for name, value in _OWN_NAMES.items()},
        **{name: key(queue_name(site, "")) for name, key in _OF_A_QUEUE.items()},
        **{f"{priority.name}_QUEUE": queue_name(site, priority) for priority in Priority},
        "SITE": queue_name(site, ""),
        "SCHEDULED_HERE": id_suffix(site),
    }


CONSTANTS: Final[Mapping[str, int | str]] = {
    # Behind a DONE nothing follows.
    **{f"{name}_WIDTH": len(shape._fields) for name, shape in SHAPES.items() if name != "DONE"},
    "STATUS_AT": EntryValues._fields.index("status") + 1,  # in the values of an entry
    # Where in FIELDS stands what a claim looks at.
    "GROUP_AT": _LOOKED_AT.index(keys.GROUP) + 1,
    "DATA_AT": _LOOKED_AT.index("data") + 1,
    "LAST_AT": _LOOKED_AT.index(CLAIMED[-1]) + 1,
    "LARGEST": MAX_DATA,
    "LARGEST_VALUE": MAX_VALUE,
    "CUT_VALUE": encode_result("…").decode(),  # in the place of a larger one
    "BLANK": encode_result("").decode(),
    "NOTHING": encode_result(None).decode(),
    "NOT_KEPT": NOT_KEPT.decode(),
    "NOT_KEPT_FINAL": NOT_KEPT_FINAL,
    # What a record, or another key, may say.
    "MOST_DIGITS": MAX_DIGITS,
    "MOST_ATTEMPTS": MAX_ATTEMPTS_READ,
    "MOST_WAITS": MAX_RETRIES,
    "LONGEST_WAIT": int(MAX_RETRYING),
    "MOST_SLOTS": 10 * MAX_CONCURRENCY,
    "FAILURE_TTL": FAILURE_TTL,  # where a record does not say it
    "LONGEST_TTL": 10 * 365 * 86_400,  # seconds
    "ANCHORS": ANCHORS,
    "LONGEST_ID": 1_000,  # bytes: a record's id has at most 100, other applications' a few more
    "LARGEST_BATCH": MAX_BATCH,
    "MOST_IN_BATCH": 1_000,  # ids of a claim: ours take up to 64
    "LONGEST_SHOWN": MAX_SHOWN,
    # Time, in milliseconds.
    "LONGEST_GAP": int(SHORTEST_CLAIM / 2 * 1000),  # between two ticks; no body of a claim is begun after it
    "LONGEST_GRACE": MAX_LEASE * 1000,
    "SINCE_REAPED": 60_000,  # since the end of a claim's lease in which a record that is gone has not expired since
    "LONGEST_SLEEP": 86_400_000,  # until a worker looks again whether a delayed job is due
    # Counts.
    "MOST_LOSSES": MAX_LOSSES,
    "WEIGHED": WEIGHED,
    "SHORT": SHORT,
    "MOST_WAKES": keys.WAKE_LIMIT,
    "CELL": CELL,
    "LOST_AT": LOST_AT,
    "MOST_NAMES": MAX_COUNTED_NAMES,
    "OTHER_NAMES": OTHER_NAMES,
    "COUNTED_MINUTES_KEPT": 25 * 3600,  # seconds
    "COUNTED_HOURS_KEPT": 32 * 86_400,
    "COUNTED_DAYS_KEPT": 33 * 86_400,
    "MOST_PAUSES": keys.MAX_PAUSES,
    "OURS": keys.OURS,
    "KNOWS_BEHIND": keys.KNOWS_BEHIND,
    "MOST_OPERATIONS": MAX_OPERATIONS,
    "OPERATION_KEPT": 30 * 86_400,  # seconds
    "PROOF_KEPT": 86_400,  # seconds that it is known what passed
    "FARTHEST_DUE": int(FARTHEST_DUE * 1000),
    "MOST_AUDITED": MAX_AUDITED,
    "LONGEST_AUDITED": LONGEST_AUDITED,
    "MOST_FAILED_NAMES": MAX_FAILED_NAMES,
    "MOST_FAILURES": MAX_FAILURES,
    "MOST_FAILURES_OF": MAX_FAILURES_OF,
    "HOURS_KEPT": HOURS,
    # Of a failure, in bytes.
    "LONGEST_NAME": MAX_SOURCE_NAME,
    "LONGEST_PLACE": MAX_PLACE,
    "LONGEST_ERROR": MAX_ERROR,
    # What is said of a job.
    "GIVEN_UP": GIVEN_UP,
    "GIVEN_UP_SHARED": likeness(GIVEN_UP),
    "GARBAGE": GARBAGE,
    "GONE": "its record is gone: deleted, expired or evicted by the store",
    "NO_RECORD": "the record is not a hash",
    "ELSEWHERE": ELSEWHERE,
}
"""What scripts of every site call by these names, put in their places as literals when they are assembled."""
