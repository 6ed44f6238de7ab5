"""Carrying operations out: what a worker's chore does, part by part, each under the operation's lease."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Final

from liquid_background.errors import JobRefused, OperationError, StoreError
from liquid_background.jobs.operating.operation import VERSION, Kind, OperationState
from liquid_background.jobs.operating.proving import Prove, Proving
from liquid_background.jobs.operating.taken import Place, Taken
from liquid_background.jobs.queue import keys, scripts
from liquid_background.jobs.queue.finding import Found, scan
from liquid_background.jobs.queue.opening import SIGNED, renew_signature
from liquid_background.jobs.queue.protocol import Argument
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.store import Store, read_replies
from liquid_background.settings import Settings

logger = logging.getLogger("liquid_background.worker")

_LEASE: Final = (1.0, 10.0)  # seconds: between these, the setting LEASE is that of an operation, too
_TURN: Final = 1.0  # seconds after which another operation has its turn
_WORK: Final = 0.005  # seconds that a step is to take, with the way to the store and back
_MOST: Final = 200  # jobs a step
_LEAST: Final = 10  # however long the way takes: each step begins with a look at up to 250 records
_FIRST: Final = 25
_BURST: Final = 0.5  # seconds of a rate that are done at once
_CLOCK_LASTS: Final = 60.0  # seconds between two looks at the store's clock, by which retries are signed
_ARGUMENTS: Final = 3  # of the script, a job
_DOUBT: Final = "a part of an operation may have been done"
_SHOWN: Final = 64  # bytes of an id that is not one of ours


def revive(store: Store) -> None:
    """Have those operations carried out that workers of an older version came upon, or whose list was lost.

    Raises:
        StoreUnavailable: when the store cannot be reached, or takes no writes.
    """
    scripts.run(store, "operation_revive", [], "operations may be due again")


class Carrier:
    """It takes one operation after the other that is due, and does a part of it: for a second, or as its rate lets it.

    What is done and where to go on is written in one step, so that a carrier may be killed anywhere.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        stopped: Callable[[], bool] = lambda: False,
        prove: Prove | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._stopped = stopped
        self._prove = prove
        self._size = _FIRST  # jobs that are dealt with in one step
        least, most = _LEASE
        self._lease = int(min(most, max(least, settings.lease)) * 1000)

    def carry_on(self) -> float | None:
        """Do a part of an operation that is due; return in how many seconds the next one is, None when none goes on.

        Raises:
            StoreUnavailable: when the store cannot be reached, or takes no writes.
        """
        token = secrets.token_hex(8)
        reply: list[Any] = scripts.run(self._store, "operation_take", [token, self._lease, VERSION], _DOUBT)
        word, *rest = reply
        if word == b"newer":
            shown = text(rest[0], _SHOWN)
            logger.warning("operation %s was started by a newer version, and is left to workers of that", shown)
        elif word == b"taken":
            try:
                self._carry_out(Taken.opened(token, rest))
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the store holds, it must not be tried for ever
                logger.warning("operation %s is aborted: %s: %s", text(rest[0], _SHOWN), type(error).__name__, error)
                scripts.run(self._store, "operation_abort", [rest[0], "worker", str(error)], _DOUBT)
        else:
            return None if rest[0] < 0 else rest[0] / 1000
        return 0.0

    def _carry_out(self, taken: Taken) -> None:
        until = monotonic() + _TURN
        if taken.kind is Kind.PROVE:
            if self._prove is None:
                raise OperationError("this worker's application has no templates to prove jobs against")
            Proving(self._store, self._settings, taken, self._prove, self._lease).carry_on(until, self._stopped)
            return
        at: Place | None = taken.place
        while at is not None:
            wanted = replace(taken.filter, status=taken.statuses[at.turn])
            places = taken.places(self._store.site)
            for found in scan(self._store, self._settings, wanted, after=at.cursor or None, places=places):
                at = self._deal_with(taken, at, found, until)
                if at is None or found.is_last:
                    break

    def _deal_with(self, taken: Taken, at: Place, found: Found, until: float) -> Place | None:
        """Deal with the jobs that a look has found; return where to go on, None when somebody else shall or it ends."""
        beyond = Place(at.turn + 1, "") if found.is_last else Place(at.turn, found.cursor)
        ends = OperationState.DONE if beyond.turn == len(taken.statuses) else ""
        ids, reached = list(found.ids), found.before
        while True:
            now, ids = self._split(taken, ids)
            holds = not ((taken.gap and now) or self._stopped() or monotonic() > until)
            lease = self._lease if holds else ""
            # Not from where it began: what failed again since stands there, before the others.
            stop = found.stops[-len(ids) - 1] if ids else None
            place, looked_at = (Place(at.turn, stop.cursor), stop.looked_at) if stop else (beyond, found.looked_at)
            head: list[Argument] = [taken.id, taken.token, lease, str(place), looked_at - reached, found.of - looked_at]
            reached = looked_at
            head += ["" if ids else ends, taken.gap, self._settings.log_limit]
            [how, *_] = self._timed(head, self._with_signatures(taken, now))
            if how == b"fenced" or not holds or (ends and not ids):
                return None
            if not ids:
                return beyond

    def _split(self, taken: Taken, ids: list[str]) -> tuple[list[str], list[str]]:
        most = self._size
        if taken.gap:
            most = max(1, min(most, int(_BURST * 1000 / taken.gap)))
        return ids[:most], ids[most:]

    def _timed(self, head: Sequence[Argument], jobs: Sequence[Argument]) -> list[Any]:
        """Do one step, and size the next one by the time that it took."""
        began = monotonic()
        reply: list[Any] = scripts.run(self._store, "operation_chunk", [*head, *jobs], _DOUBT)
        count = len(jobs) // _ARGUMENTS
        if count:
            fitting = int(_WORK * count / max(monotonic() - began, 1e-6))
            self._size = max(_LEAST, min(fitting, 2 * self._size, _MOST))
        return reply

    def _with_signatures(self, taken: Taken, ids: Sequence[str]) -> list[Argument]:
        """Return the jobs as the script takes them: id, new signature, why there is none."""
        if taken.kind is not Kind.RETRY or not self._settings.signing_key or not ids:
            return [value for job_id in ids for value in (job_id, "", "")]
        now = self._store.time(_CLOCK_LASTS)
        pipeline: Any = self._store.client.pipeline(transaction=False)
        for job_id in ids:
            pipeline.hmget(keys.job(job_id), SIGNED)
        rows = read_replies(pipeline, self._store.url)
        return [
            value
            for job_id, values in zip(ids, rows, strict=True)
            for value in (job_id, *self._signature(job_id, values or [None] * len(SIGNED), now))
        ]

    def _signature(self, job_id: str, values: Sequence[bytes | None], now: float) -> tuple[str, str]:
        try:
            return renew_signature(job_id, values, self._settings, now), ""
        except JobRefused as error:
            return "", f"{error}; enqueue it again where it comes from"
        except Exception as error:  # noqa: BLE001 - whatever a record makes us raise, the others go on
            return "", f"its record cannot be read: {type(error).__name__}"
