"""Pauses: queues, source names and groups whose jobs wait until somebody has them go on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from liquid_background.errors import PauseError
from liquid_background.job import SOURCE_NAME, Priority
from liquid_background.jobs.contract import APPLICATION, QueueCounts
from liquid_background.jobs.log.entry import encoded
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.depth import failed_since, waiting_by_name
from liquid_background.jobs.queue.pausing import Pause, PauseKind, pause_of
from liquid_background.jobs.queue.queue import Queue
from liquid_background.jobs.queue.slots import Slots, groups_at_work, slots
from liquid_background.jobs.queue.waiting import Group, read_pauses
from liquid_background.jobs.site import own_name, queue_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.threads import Threads

_HEARD_AFTER: Final = 0.1  # seconds in which every worker that hears the store has heard of a pause
_LONGEST: Final = 500  # characters of by whom and why


class Queues:
    """The queues of a store, and what is paused. It holds no state of its own, and is safe to share between threads."""

    def __init__(self, queue: Callable[[], Queue], threads: Threads) -> None:
        self._queue = queue
        self._threads = threads

    @property
    def _store(self) -> Store:
        return self._queue().store

    def pause(
        self, *, queue: str = "", source_name: str = "", group: str = "", by: str = APPLICATION, reason: str = ""
    ) -> Pause:
        """Have jobs wait, until `resume`: those of a queue, a source name or a group. Jobs that run go on.

        They are pending meanwhile, and counted as queued. Delayed jobs keep their time, and wait when it has come. It
        returns when no worker of ours begins such a job any more, but for one that does not hear the store; a worker of
        RQ's own knows nothing of it. What is paused already stays so, as it is.

        Args:
            queue: high, default or low.
            source_name: a name, or what names begin with and a `*`, such as `sync_*`.
            group: the name of a group.
            by: who does it, for people and the audit.
            reason: why, for people.

        Raises:
            PauseError: when not exactly one of the three is given, it can be none, or 100 pauses are there already.
            StoreUnavailable: when the store cannot be reached; `maybe_done` tells whether it may be paused.
        """
        kind, name = _target(queue, source_name, group)
        about = json.dumps({"by": by[:_LONGEST], "reason": reason[:_LONGEST]})
        told = Pause(kind=kind, name=name).what + (f": {reason[:_LONGEST]}" if reason else "")
        arguments: list[Any] = [f"{kind}:{name}", about, encoded(by), encoded(told)]
        found = scripts.run(self._store, "pause", arguments, f"{told} may be paused")
        if found == b"full":
            raise PauseError(
                f"{keys.MAX_PAUSES} pauses are there already, and there may be no more: resume some, "
                "or pause more names with one *"
            )
        pause = pause_of(arguments[0].encode("ascii"), found[1])
        assert pause is not None
        if found[0]:
            time.sleep(_HEARD_AFTER)
        return pause

    def resume(self, *, queue: str = "", source_name: str = "", group: str = "", by: str = APPLICATION) -> Pause | None:
        """Have jobs go on that were paused: before others of their queue, in their order.

        A job in several pauses waits for all. It returns the pause that is over; None when there was none.

        Args:
            queue: as it was paused, like the next two.
            source_name: word for word.
            group: the name of a group.
            by: who does it, for the audit.

        Raises:
            PauseError: when not exactly one of the three is given, or it can be none.
            StoreUnavailable: when the store cannot be reached; `maybe_done` tells whether they may go on.
        """
        kind, name = _target(queue, source_name, group)
        told = Pause(kind=kind, name=name).what
        arguments: list[Any] = [kind, name, encoded(by), encoded(told)]
        written = scripts.run(self._store, "resume", arguments, f"{told} may go on")
        return None if written is None else pause_of(f"{kind}:{name}".encode("ascii"), written)

    def paused(self) -> tuple[Pause, ...]:
        """Return what is paused, the earliest first; and, before all, whether RQ's own suspend holds every worker.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return read_pauses(self._store)

    def held(self, pauses: Sequence[Pause]) -> list[int]:
        """Return how many jobs wait for the end of each: of a name or a group, those that have come up meanwhile.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        site = self._store.site
        pipeline: Any = self._store.client.pipeline(transaction=False)
        for pause in pauses:
            for queue in keys.QUEUES:
                waiting = keys.queue(queue_name(site, queue))
                match pause.kind:
                    case PauseKind.QUEUE | PauseKind.ALL:
                        pipeline.llen(waiting if pause.name in ("", queue) else own_name(site, keys.WRITABLE))
                    case PauseKind.SOURCE_NAME:
                        pipeline.zcard(own_name(site, keys.held(pause.name, queue)))
                    case PauseKind.GROUP:
                        pipeline.llen(own_name(site, keys.parked(pause.name, queue)))
        replies = [reply or 0 for reply in read_replies(pipeline, self._store.url)]
        each = len(keys.QUEUES)
        return [sum(replies[at : at + each]) for at in range(0, len(replies), each)]

    def counts(self) -> Sequence[QueueCounts]:
        """Return the counts of each queue, highest priority first; what is paused counts as queued.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return self._queue().counts()

    def groups(self) -> Sequence[Group]:
        """Return the groups with jobs that wait for a slot or run, those first of which most wait.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return groups_at_work(self._store)

    def slots(self, groups: Sequence[str]) -> Mapping[str, Slots]:
        """Return of groups, by their names, how many of each may run at once, and up to 20 that hold a slot.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        return slots(self._store, groups)

    def waiting_by_name(self) -> Mapping[str, int] | None:
        """Return how many jobs wait of each source name that has any, delayed ones included.

        None where over 2,000 wait in all: each would have to be looked at.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        queue = self._queue()
        return waiting_by_name(queue.store, queue.settings)

    def failed_since(self, since: datetime) -> Mapping[str, int]:
        """Return how many jobs of each queue failed for good since a time, of those that are kept.

        It is told from when they will be forgotten, which is off for those of another FAILURE_TTL than this engine's.

        Args:
            since: aware.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        queue = self._queue()
        return failed_since(queue.store, queue.settings, since)

    async def pause_async(
        self, *, queue: str = "", source_name: str = "", group: str = "", by: str = APPLICATION, reason: str = ""
    ) -> Pause:
        """Do what `pause` does, without holding up the event loop."""
        run = self._threads.run
        return await run(self.pause, queue=queue, source_name=source_name, group=group, by=by, reason=reason)

    async def resume_async(
        self, *, queue: str = "", source_name: str = "", group: str = "", by: str = APPLICATION
    ) -> Pause | None:
        """Do what `resume` does, without holding up the event loop."""
        return await self._threads.run(self.resume, queue=queue, source_name=source_name, group=group, by=by)

    async def paused_async(self) -> tuple[Pause, ...]:
        """Do what `paused` does, without holding up the event loop."""
        return await self._threads.run(self.paused)

    async def groups_async(self) -> Sequence[Group]:
        """Do what `groups` does, without holding up the event loop."""
        return await self._threads.run(self.groups)

    async def slots_async(self, groups: Sequence[str]) -> Mapping[str, Slots]:
        """Do what `slots` does, without holding up the event loop."""
        return await self._threads.run(self.slots, groups)

    async def waiting_by_name_async(self) -> Mapping[str, int] | None:
        """Do what `waiting_by_name` does, without holding up the event loop."""
        return await self._threads.run(self.waiting_by_name)

    async def failed_since_async(self, since: datetime) -> Mapping[str, int]:
        """Do what `failed_since` does, without holding up the event loop."""
        return await self._threads.run(self.failed_since, since)


def _target(queue: str, source_name: str, group: str) -> tuple[PauseKind, str]:
    given = {PauseKind.QUEUE: queue, PauseKind.SOURCE_NAME: source_name, PauseKind.GROUP: group}
    [kind, *more] = [kind for kind, name in given.items() if name] or [PauseKind.ALL]
    if more or kind is PauseKind.ALL:
        raise PauseError("give one of queue, source_name and group, and one only: each pause is of one thing")
    name = given[kind]
    if kind is PauseKind.QUEUE and name not in tuple(Priority):
        raise PauseError(f"no queue is called {name[:120]!r}: give one of {', '.join(Priority)}")
    if kind is PauseKind.SOURCE_NAME and name == "*":
        raise PauseError(f"'*' is every source name: pause the queues {', '.join(Priority)} instead")
    word = name.removesuffix("*") if kind is PauseKind.SOURCE_NAME else name
    if not SOURCE_NAME.fullmatch(word):
        kinds = "source name, nor what one begins with and a *" if kind is PauseKind.SOURCE_NAME else "name of a group"
        raise PauseError(f"{name[:120]!r} is no {kinds}: these are 1 to 100 letters, digits, - and _")
    return kind, str(name)
