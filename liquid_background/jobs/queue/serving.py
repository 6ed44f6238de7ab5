"""Who serves the queues, what waits in them and for how long, and how many attempts failed of late. Reads only.

It asks what a probe may ask many times a minute: a few round trips, whatever number of jobs there is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.pausing import Pause, asking_for_pauses, is_queue_paused, pause_verdicts, pauses_of
from liquid_background.jobs.queue.reading import number, text, without_behind
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store.asking import Asking, Refusal
from liquid_background.jobs.store.refusals import NOT_RENAMED
from liquid_background.jobs.store.verdict import Severity, Verdict
from liquid_background.wording import counted

_LONGEST: Final = 1_000  # bytes of a list of names


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The queues and their workers at one moment."""

    workers: int | None  # processes that are registered and alive; None when the server does not tell
    registrations: Sequence[bytes] = ()  # their keys
    refused: Refusal | None = None  # why it does not tell
    is_attended: bool  # whether there is a worker, or is about to be
    unserved: Mapping[str, int]  # by queue that no worker serves: its jobs that are ready or due
    waiting: int  # jobs that are ready or due, in all queues
    later: int  # delayed jobs that are not due
    oldest: float | None  # seconds for which a job has been ready, where no pause keeps it; None when none is
    pauses: Sequence[Pause] = ()


def serving(ask: Asking, site: str = "", soon: Collection[str] = ()) -> Serving:
    """Return who serves the queues, and what waits in them.

    Args:
        ask: a connection.
        site: whose queues they are.
        soon: queues that the caller is about to serve.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    queues = [queue_name(site, queue) for queue in keys.QUEUES]
    clock, members, *paused = ask.ask(("TIME",), ("SMEMBERS", keys.RQ_WORKERS), *asking_for_pauses(site))
    pauses = pauses_of(*paused)
    now = 0.0 if isinstance(clock, Refusal) else int(clock[0]) + int(clock[1]) / 1_000_000
    refused = members if isinstance(members, Refusal) and not members.is_wrong_type else None
    known = _served(ask, _list(members), queues)
    behind = [own_name(site, keys.behind(queue)) for queue in keys.QUEUES]
    waiting, later, since = _waiting(ask, dict(zip(queues, behind, strict=True)), now, pauses)
    served = {*(queue_name(site, queue) for queue in soon), *(name for names in known.values() for name in names)}
    unserved = {
        queue: count
        for queue, (name, count) in zip(keys.QUEUES, waiting.items(), strict=True)
        if count and name not in served and not is_queue_paused(pauses, queue)
    }
    return Serving(
        workers=None if refused else len(known),
        registrations=tuple(known),
        refused=refused,
        is_attended=bool(known or soon),
        unserved={} if refused else unserved,
        waiting=sum(waiting.values()),
        later=later,
        pauses=pauses,
        oldest=max(0.0, now - min(since)) if since and now else None,
    )


def _list(reply: Any) -> list[Any]:
    return [] if isinstance(reply, Refusal) or reply is None else list(reply)


def _served(ask: Asking, members: list[bytes], queues: Sequence[str]) -> dict[bytes, set[str]]:
    """Return for each worker that lives and serves some of the queues which; one that died leaves its name behind."""
    members = sorted(members)[: keys.MOST_WORKERS]
    replies = ask.ask(*(("HMGET", member, "queues", "state") for member in members))
    found = {
        member: {*queues} & {*text(reply[0], _LONGEST).split(",")}
        for member, reply in zip(members, replies, strict=True)
        if not isinstance(reply, Refusal) and any(reply)
    }
    return {member: served for member, served in found.items() if served}


def _waiting(
    ask: Asking, queues: Mapping[str, str], now: float, pauses: Sequence[Pause]
) -> tuple[dict[str, int], int, list[float]]:
    """Return by queue the jobs that are ready or due, how many are delayed, and since when those wait that may run.

    Args:
        ask: a connection.
        queues: by name, the key of the ids that stay behind in it.
        now: seconds by the store's clock.
        pauses: what is paused.
    """
    commands = [
        command
        for name, behind in queues.items()
        for command in (
            ("LLEN", keys.queue(name)),
            ("ZCARD", behind),
            ("ZCARD", keys.deferred(name)),
            ("ZCOUNT", keys.scheduled(name), "-inf", f"{now:.6f}"),
            ("ZCARD", keys.scheduled(name)),
            ("LINDEX", keys.queue(name), 0),
            ("ZRANGE", keys.scheduled(name), 0, 0, "WITHSCORES"),
        )
    ]
    replies = [None if isinstance(reply, Refusal) else reply for reply in ask.ask(*commands)]
    rows = [replies[at : at + 7] for at in range(0, len(replies), 7)]
    going = [row for row, queue in zip(rows, keys.QUEUES, strict=True) if not is_queue_paused(pauses, queue)]
    since = [number(first[1], now, now) for *_, due, _, _, first in going if due and first]
    since += _since(ask, [head for *_, head, _ in going if head], pauses)
    counts = {
        name: without_behind(listed or 0, behind or 0) + (parked or 0) + (due or 0)
        for name, (listed, behind, parked, due, *_) in zip(queues, rows, strict=True)
    }
    later = sum((delayed or 0) - (due or 0) for *_, due, delayed, _, _ in rows)
    return counts, later, since


def _since(ask: Asking, job_ids: list[bytes], pauses: Sequence[Pause]) -> list[float]:
    """Return since when jobs have been in their queue, of those whose records say so and that no pause keeps."""
    prefix = keys.job("").encode("ascii")
    fields = ("status", "enqueued_at", "created_at", "description", keys.GROUP)
    replies = ask.ask(*(("HMGET", prefix + job_id, *fields) for job_id in job_ids))
    found = []
    for values in replies:
        if isinstance(values, Refusal) or values[0] != b"queued":
            continue
        _, enqueued, created, name, group = values
        source_name, of = text(name, _LONGEST), text(group, _LONGEST)
        if not any(pause.holds(queue="", source_name=source_name, group=of) for pause in pauses):
            found.append(keys.parse_time(enqueued or created))
    return [time.timestamp() for time in found if time is not None]


def serving_verdicts(seen: Serving) -> list[Verdict]:
    """Return whether jobs wait that nobody serves, and what is paused."""
    return [*_unserved_verdicts(seen), *pause_verdicts(seen.pauses)]


def _unserved_verdicts(seen: Serving) -> list[Verdict]:
    if seen.workers is None:
        is_missing = seen.refused is not None and seen.refused.is_unknown_command
        why = "the server does not know SMEMBERS" if is_missing else "this user may not read rq:workers"
        remedy = NOT_RENAMED if is_missing else "grant it +smembers and ~rq:workers, or ask who runs the server"
        return [Verdict("workers", Severity.UNKNOWN, f"cannot tell which workers run: {why}", remedy)]
    if not seen.is_attended and (seen.waiting or seen.later):
        found = f"{counted(seen.waiting + seen.later, 'job')} waiting, no worker running"
        return [Verdict("workers", Severity.WARNING, found, "start one: poscli worker")]
    if not seen.unserved:
        return []
    count = sum(seen.unserved.values())
    names = ",".join(seen.unserved)
    found = f"{counted(count, 'job')} waiting in {' and '.join(seen.unserved)}, which no running worker serves"
    return [Verdict("queues", Severity.WARNING, found, f"start one that does: poscli worker --queues {names}")]
