"""The operations of a store: started and aborted, read, and followed. Workers carry them out: see `carrying`."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from time import sleep
from typing import Any, Final, TypeAlias

from liquid_background.errors import OperationError
from liquid_background.jobs.contract import APPLICATION
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log.entry import encoded
from liquid_background.jobs.operating.operation import (
    LONGEST_FILTER,
    READ,
    SHORT,
    Kind,
    Operation,
    OperationState,
    decode_operation,
    gap_of,
    kind_of,
    statuses_of,
    version_of,
)
from liquid_background.jobs.pages import Count
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.counting import counting
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.queue.matching import check_values
from liquid_background.jobs.queue.protocol import LONGEST_AUDITED, MAX_OPERATIONS, Argument
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.site import own_name
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings
from liquid_background.threads import Threads

Read: TypeAlias = list[Operation]  # by this name, since what asks for them has a method `list`
PROOF_ID: Final = re.compile(r"[0-9a-f]{8,32}", re.ASCII)
_SAMPLED: Final = 5  # ids that a dry run shows
_LONGEST_ID: Final = 64
_OF_LATE: Final = 100  # operations among which a proof is looked for
_LOOK: Final = 0.2  # seconds between two looks of who follows one


class Operations:
    """Retry, cancel or delete all jobs that match a filter. Safe to share between threads."""

    def __init__(self, store: Store, settings: Settings, threads: Threads | None = None) -> None:
        self._store = store
        self._settings = settings
        self._threads = threads or Threads()

    def start(
        self,
        kind: Kind | str,
        filter: Filter,
        *,
        by: str = APPLICATION,
        rate: str | None = None,
        dry_run: bool = False,
        proof: str = "",
    ) -> Operation:
        """Have the workers do it with all jobs that match, each once.

        Only runs that ended before now are retried or deleted, and only jobs that waited before now are cancelled. A
        filter without a status means failed jobs for a retry, jobs that have not ended for a cancel, and jobs that have
        for a delete.

        Args:
            kind: retry, cancel, delete or prove.
            filter: which jobs.
            by: whom the operation and the audit name.
            rate: such as 10/s, 100/m or 5/h; None for as fast as it goes.
            dry_run: whether to return only how many jobs match, and the first few ids; nothing is kept then.
            proof: of a retry, the id of a proof: only jobs that passed it run again, unless they have moved on since.
                What passed is known for a day after the proof.

        Raises:
            OperationError: when it cannot be done with jobs of that status, or the kind or the rate is none, or a rate
                is given for a proof, or a proof for what is no retry; or nothing is known to have passed that.
            FilterError: when the filter asks for a value that is never shown.
            StoreUnavailable: when the store cannot be reached.
        """
        kind, rate = kind_of(kind), rate or ""
        gap_of(rate)
        if rate and kind is Kind.PROVE:
            raise OperationError("a proof goes as fast as it can, and takes no rate: a retry of what passes does")
        if proof and (kind is not Kind.RETRY or dry_run or not PROOF_ID.fullmatch(proof)):
            raise OperationError("a proof is the ground of a retry alone: give the id of one, and no dry run")
        statuses_of(kind, filter)
        written = filter.as_json()
        check_values(filter, self._settings.secret_names)
        if len(written) > LONGEST_FILTER:
            raise OperationError(f"the filter takes over {LONGEST_FILTER // 1024} KB: give shorter values")
        if dry_run:
            ids = list(self.matching(kind, filter))
            return Operation(
                id="", kind=kind, filter=filter, by=by, created=None, rate=rate, state=OperationState.DRY_RUN,
                matched=len(ids), sample=tuple(ids[:_SAMPLED]),
            )  # fmt: skip
        head: list[Argument] = [version_of(kind, proof), str(kind), written, encoded(by)[:LONGEST_AUDITED], rate, proof]
        while True:
            operation_id = secrets.token_hex(4)  # short, for people to type
            reply = scripts.run(
                self._store, "operation_start", [operation_id, *head], f"operation {operation_id} may have been started"
            )
            if reply == b"unproved":
                raise OperationError(
                    f"no job is known to have passed proof {proof}, which is known for a day: prove them again"
                )
            if reply == b"ok":
                return self.get(operation_id)

    def matching(self, kind: Kind | str, filter: Filter) -> Iterator[str]:
        """Yield the ids of the jobs that an operation would be about, as they are found.

        Raises:
            OperationError: when there is no such operation, or none on jobs of that status.
            FilterError: when the filter asks for a value that is never shown.
            StoreUnavailable: when the store cannot be reached.
        """
        for status in dict.fromkeys(statuses_of(kind_of(kind), filter)):
            for found in scan(self._store, self._settings, replace(filter, status=status)):
                yield from found.ids

    def counting(self, kind: Kind | str, filter: Filter) -> Iterator[Count]:
        """Yield how many jobs an operation would be about, as far as it is known: the last one says all.

        Raises:
            OperationError: when there is no such operation, or none on jobs of that status.
            FilterError: when the filter asks for a value that is never shown.
            StoreUnavailable: when the store cannot be reached.
        """
        statuses = list(dict.fromkeys(statuses_of(kind_of(kind), filter)))
        before = Count(found=0, looked_at=0, of=0, is_whole=True)
        for status in statuses:
            here = before
            for now in counting(self._store, self._settings, replace(filter, status=status)):
                here = Count(
                    found=before.found + now.found,
                    looked_at=before.looked_at + now.looked_at,
                    of=before.of + now.of,
                    is_whole=now.is_whole and status is statuses[-1],
                )
                yield here
            before = here

    def get(self, operation_id: str) -> Operation:
        """Return one operation, by its id or by what only its id begins with.

        Raises:
            OperationError: when there is none, or more than one, or it cannot be read.
            StoreUnavailable: when the store cannot be reached.
        """
        whole_id = self._whole_id(operation_id)
        [values] = self._values([whole_id])
        if not any(values):
            raise _not_found(operation_id)
        return decode_operation(whole_id, values)

    def _whole_id(self, operation_id: str) -> str:
        near = [known for known in self._ids(MAX_OPERATIONS) if operation_id and known.startswith(operation_id)]
        if operation_id in near:
            return operation_id
        if not near:
            raise _not_found(operation_id)
        if len(near) > 1:
            raise OperationError(f"several operations begin with {operation_id[:_LONGEST_ID]!r}: {', '.join(near[:5])}")
        return near[0]

    def _ids(self, limit: int) -> Sequence[str]:
        pipeline: Any = self._store.client.pipeline(transaction=False)
        pipeline.zrevrange(own_name(self._store.site, keys.OPERATIONS), 0, limit - 1)
        [ids] = read_replies(pipeline, self._store.url)
        return [text(each, _LONGEST_ID) for each in ids or ()]

    def _values(self, ids: Sequence[str], fields: Sequence[str] = READ) -> Sequence[Sequence[bytes | None]]:
        pipeline: Any = self._store.client.pipeline(transaction=False)
        for each in ids:
            pipeline.hmget(own_name(self._store.site, keys.operation(each)), fields)
        missing = len(READ) - len(fields)
        return [
            [*(values or [None] * len(fields)), *[None] * missing] for values in read_replies(pipeline, self._store.url)
        ]

    def list(self, limit: int = 50) -> Read:
        """Return the newest operations, newest first; one that cannot be read is left out.

        What has come of the jobs of a proof is not among what is read: `get` has it.

        Raises:
            ValueError: when the limit is negative.
            StoreUnavailable: when the store cannot be reached.
        """
        if limit < 0:
            raise ValueError(f"at most {limit} operations: give a limit from 0")
        ids = self._ids(MAX_OPERATIONS) if limit else ()
        return list(islice(_readable(zip(ids, self._values(ids, SHORT), strict=True)), limit))

    def proof_of(self, failure: str) -> tuple[Operation | None, Operation | None]:
        """Return the newest proof of a failure group, and the newest retry of what passed it, if they are of late.

        Args:
            failure: the group's id.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        ids = self._ids(_OF_LATE)
        newest = [*_readable(zip(ids, self._values(ids, SHORT), strict=True))] if ids else []
        proof = next((each for each in newest if each.is_proof and each.filter.failure == failure), None)
        if proof is None:
            return None, None
        return self.get(proof.id), next((each for each in newest if each.proof == proof.id), None)

    def abort(self, operation_id: str, by: str = APPLICATION) -> Operation:
        """End an operation before it is done; what it has done stays done.

        Raises:
            OperationError: when there is none, or it has ended.
            StoreUnavailable: when the store cannot be reached.
        """
        whole_id = self._whole_id(operation_id)
        doubt = f"operation {whole_id} may have been aborted"
        found = scripts.run(self._store, "operation_abort", [whole_id, encoded(by)[:LONGEST_AUDITED], ""], doubt)
        if found == b"missing":
            raise _not_found(operation_id)
        if found != b"ok":
            raise OperationError(f"cannot abort operation {whole_id}: it is {text(found, _LONGEST_ID)}")
        return self.get(whole_id)

    def follow(self, operation_id: str) -> Iterator[Operation]:
        """Yield how far an operation is, five times a second until it has ended.

        Raises:
            OperationError: when there is none, or it cannot be read.
            StoreUnavailable: when the store cannot be reached.
        """
        while (found := self.get(operation_id)).state is OperationState.RUNNING:
            yield found
            sleep(_LOOK)
        yield found

    # For coroutines: each waits for the store in a thread.

    async def start_async(
        self,
        kind: Kind | str,
        filter: Filter,
        *,
        by: str = APPLICATION,
        rate: str | None = None,
        dry_run: bool = False,
        proof: str = "",
    ) -> Operation:
        """Do what `start` does."""
        return await self._threads.run(self.start, kind, filter, by=by, rate=rate, dry_run=dry_run, proof=proof)

    async def get_async(self, operation_id: str) -> Operation:
        """Do what `get` does."""
        return await self._threads.run(self.get, operation_id)

    async def list_async(self, limit: int = 50) -> Read:
        """Do what `list` does."""
        return await self._threads.run(self.list, limit)

    async def abort_async(self, operation_id: str, by: str = APPLICATION) -> Operation:
        """Do what `abort` does."""
        return await self._threads.run(self.abort, operation_id, by)

    async def follow_async(self, operation_id: str) -> AsyncIterator[Operation]:
        """Do what `follow` does."""
        while (found := await self.get_async(operation_id)).state is OperationState.RUNNING:
            yield found
            await asyncio.sleep(_LOOK)
        yield found


def _readable(rows: Iterator[tuple[str, Sequence[bytes | None]]]) -> Iterator[Operation]:
    for operation_id, values in rows:
        try:
            yield decode_operation(operation_id, values)
        except OperationError:
            continue


def _not_found(operation_id: str) -> OperationError:
    return OperationError(
        f"no operation has the id {operation_id[:_LONGEST_ID]!r}; see 'poscli operations list'. Those that ended are "
        f"kept for 30 days, at most {MAX_OPERATIONS:,} of them"
    )
