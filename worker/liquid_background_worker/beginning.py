"""The beginning of a worker: it is told to stop while it waits for the store or loads the application."""

from __future__ import annotations

import signal
from typing import Any, Final

_NUMBERS: Final = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Raised wherever a worker is that has not begun; a BaseException, so that no application's code swallows it."""


class Beginning:
    """Takes the signals from a worker's first line until its supervisor does, and gives them back at the end.

    1. `listen`: the first signal raises Stopped, whatever the worker waits for.
    2. `over`: from here on it only stands in `stopped`, for the supervisor to find once it listens itself.
    3. `hush`: those who had the signals have them again; after a stop one more must not end an orderly end.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._raises = True
        self._before: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """Take the signals."""
        for number in _NUMBERS:
            self._before[number] = signal.getsignal(number) or signal.SIG_DFL
            signal.signal(number, self._told)

    def _told(self, _signal: int, _frame: object) -> None:
        first, self.stopped = not self.stopped, True
        if first and self._raises:
            raise Stopped

    def over(self) -> None:
        """Say that the worker begins: its supervisor looks at `stopped`.

        Raises:
            Stopped: when an earlier one got lost, as in what Python calls to collect garbage.
        """
        self._raises = False
        if self.stopped:
            raise Stopped

    def hush(self) -> None:
        """Give the signals back."""
        self._raises = False
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._told:
                signal.signal(number, signal.SIG_IGN if self.stopped else handler)
