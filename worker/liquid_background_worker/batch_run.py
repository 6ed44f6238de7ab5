"""One batch as a child runs it: which of its jobs have begun, and what the store has said to their starts."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from liquid_background.jobs.queue.finishing import Running
from liquid_background.jobs.queue.moves import Batch
from liquid_background.jobs.queue.opening import Claimed

ASK_EVERY: Final = 0.005  # seconds between two questions whether higher work waits, and what is paused
HEAR_AFTER: Final = 0.05  # seconds from one start to the next, after which a body waits for the word on its start


class BatchRun:
    """The jobs of a batch that may run, begun one after the other; replies to their starts are read later.

    1. `asking`: the higher queues that a start asks about, and whether it is paused, now and then.
    2. `posted`: a start is on its way.
    3. `must_hear`: whether the body has to wait for what the store says to it.
    4. `heard`: that, or what it says to a start of the batch before that was still unheard.
    5. `rest`: what has not begun, when the batch ends early.

    Args:
        batch: what was claimed.
        ready: those of its jobs that may run.
        higher: the queues whose work goes before it.
        before: the run before, whose last replies may still be under way.
        asked: when, by the monotonic clock, the store was asked last what may run.
    """

    def __init__(
        self,
        batch: Batch,
        ready: Sequence[tuple[Running, Claimed]],
        higher: Sequence[str],
        before: BatchRun | None = None,
        asked: float = 0.0,
    ) -> None:
        self.batch = batch
        self.ready = ready
        self.higher = higher
        self.begun = 0
        self.has_claimed_ahead = False  # the claim of the next batch is on its way
        self.yields = False  # higher work waits
        self.lapsed = False  # the lease of the last start had run out, as in an outage of the store
        self.refused = False  # the last start was answered with an error
        self.held = False  # the last start may not be: the job is paused
        self.meets_pauses = False  # a job of it was paused when it should begin
        self._unheard: int = before._unheard if before else 0  # starts without a reply
        self._stale = self._unheard  # as many of these are of the run before
        self._asked = asked
        self._ask_again_at = (
            asked + ASK_EVERY
        )  # when to ask the store again whether higher work waits, and what is paused
        self._is_late = False  # long ago that the store was asked, when the last start was posted

    @property
    def left(self) -> int:
        """How many jobs have not begun."""
        return len(self.ready) - self.begun

    @property
    def rest(self) -> list[str]:
        """The ids of those."""
        return [running.id for running, _ in self.ready[self.begun :]]

    def asking(self) -> Sequence[str] | None:
        """Return the queues to ask about with the next start; None when the store was asked a moment ago."""
        now = monotonic()
        self._is_late, self._asked = now - self._asked > HEAR_AFTER, now
        if now < self._ask_again_at and not self.meets_pauses:
            return None
        self._ask_again_at = now + ASK_EVERY
        return self.higher

    def posted(self) -> None:
        """Take note of a start that is on its way."""
        self._unheard += 1
        self.lapsed = self.refused = self.held = False

    @property
    def must_hear(self) -> bool:
        """Whether the next body has to wait for the word on its start: what was paused meanwhile must not begin."""
        return self._is_late or self.meets_pauses

    def heard(self, reply: Any) -> None:
        """Take note of a reply to a start."""
        self._unheard -= 1
        stale, self._stale = self._stale > 0, max(0, self._stale - 1)
        if isinstance(reply, list):
            self.yields = self.yields or (reply[2] == 1 and not stale)
            self.lapsed = reply[1] == 0 and not self._unheard
            self.held = reply[1] < 0 and not self._unheard
            self.meets_pauses = self.meets_pauses or reply[1] < 0
        elif not self._unheard:
            self.refused = True
