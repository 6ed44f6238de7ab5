"""The signals that a supervisor hears between two looks at its children, by a pipe that wakes it."""

from __future__ import annotations

import os
import select
import signal
from typing import Any, Final

_HEARD: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Signals:
    """The signals of a process while one listens: their numbers in the order in which they came."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in self.descriptors:
            os.set_blocking(end, False)
        self._before: dict[int, Any] = {}

    @property
    def descriptors(self) -> tuple[int, int]:
        """What a child closes: a number that it wrote would count as one of the supervisor's."""
        return self._reader, self._writer

    def listen(self) -> None:
        """Take the signals over."""
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _noted) or signal.SIG_DFL for number in _HEARD}

    def wait(self, seconds: float) -> bytes:
        """Return the numbers of the signals that came, as soon as one did and after so many seconds at the latest."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return os.read(self._reader, 64) if ready else b""

    def hush(self, *, ignored: bool) -> None:
        """Give the signals back to who had them.

        Args:
            ignored: after a stop, when one more must not turn an orderly end into a death by signal.
        """
        signal.set_wakeup_fd(-1)
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_IGN if ignored and number != signal.SIGCHLD else before)
        for end in self.descriptors:
            os.close(end)


def _noted(_signal: int, _frame: object) -> None:
    """Nothing: the number arrives on the wakeup descriptor."""
