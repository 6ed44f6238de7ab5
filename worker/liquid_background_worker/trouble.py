"""What a worker says of trouble with its store: when each outage begins and ends, and each other error once."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

from liquid_background.jobs.store.refusals import explain_refusal, explain_unknown
from liquid_background_worker.refusals import is_refusal, is_unknown_command

logger = logging.getLogger("liquid_background.worker")

_QUIET: Final = 5.0  # seconds without trouble after which more of it is told of again
_SURE: Final = 1.0  # seconds in which the store takes writes before an outage is over
_MOST: Final = 20  # errors that are told of in one outage
_OUTAGE: Final = ""


class Trouble:
    """Told what the store says, it writes a line for the first of each kind.

    Args:
        where: `Store.url`.
        level: of the line for an outage; the supervisor warns, and its children need not say the same.
    """

    def __init__(self, where: str, level: int) -> None:
        self._where = where
        self._level = level
        self._told: set[str] = set()
        self._well_since: float | None = None
        self._away_since: float | None = None
        self._back_since: float | None = None
        self.waiting = ""
        """What the outage is that goes on, as it was told; "" without one."""

    def heard(self, reply: object) -> None:
        """Take note of a reply, whatever it says."""
        if not isinstance(reply, Exception):
            if self._well_since is None:
                self._well_since = monotonic()
        elif is_refusal(reply) or is_unknown_command(reply):
            self.outage(reply)
        else:
            # Waiting will not mend it.
            self._tell(str(reply), logging.ERROR, f"the store could not run a step: {reply}")

    def heard_of(self, error: bytes) -> None:
        """Take note of an error that a script met beside its move, and went on."""
        text = error.decode("utf-8", "replace")
        line = f"the store could not write what goes with a step, such as the log entry, result or registry: {text}"
        self._tell(text, logging.ERROR, line)

    def outage(self, reason: object) -> None:
        """Take note that the store is away, or refuses writes."""
        self._away_since, self._back_since = self._away_since or monotonic(), None
        known = explain_refusal(str(reason)) or explain_unknown(str(reason))
        line = f"waiting for the store: {f'it {known}' if known else f'{self._where} is away ({reason})'}"
        self.waiting = self.waiting or line
        self._tell(_OUTAGE, self._level, f"{line}; jobs go on by themselves when it is back")

    def wrote(self, *, is_last: bool = False) -> None:
        """Take note that the store takes writes: what is one outage for whoever runs it must not be told as several.

        Args:
            is_last: whether nothing more will be noted.
        """
        if self._away_since is None:
            return
        self._back_since = self._back_since or monotonic()
        if is_last or monotonic() - self._back_since >= _SURE:
            away = self._back_since - self._away_since
            self._away_since, self._back_since, self.waiting = None, None, ""
            self._told.discard(_OUTAGE)
            logger.log(self._level, "the store is back, and takes writes, after %.1f s", away)

    def ends_wait(self, count: int) -> None:
        """Take note that a worker that is to stop can't yet say how this many jobs ended."""
        jobs = "1 job" if count == 1 else f"{count} jobs"
        line = f"told to stop, but the store must first hear how {jobs} ended, or they would run again"
        self._tell("ends", logging.WARNING, line)

    def _tell(self, what: str, level: int, line: str) -> None:
        if self._well_since is not None and monotonic() - self._well_since > _QUIET:
            self._told.clear()
        self._well_since = None
        if what not in self._told and len(self._told) < _MOST:
            self._told.add(what)
            logger.log(level, "%s", line)
