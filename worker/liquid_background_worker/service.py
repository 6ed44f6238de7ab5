"""What a worker tells the service manager that started it: systemd's protocol, where `Type=notify` or a watchdog asks.

A message is one datagram, so a library for it would be larger than what it saves.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping
from time import monotonic, monotonic_ns
from typing import Final

_PATIENCE: Final = 0.1  # seconds that a manager which does not read may hold the supervisor up


class Service:
    """Told at each turn what goes on, it says what the manager has not heard. Where none asks, it costs nothing.

    Args:
        environment: of this process; what asks is taken out, since what is started from here is not the service.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._address = _address(environment.pop("NOTIFY_SOCKET", ""))
        self._every = _watchdog(environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", ""))
        self._next = 0.0
        self._is_ready = self._is_stopping = False
        self._unheard: list[str] = []
        self._shown = ""

    def waits(self, reason: str) -> None:
        """Say why it is not ready yet; a line of it is shown by `systemctl status`."""
        self._tell(self._status(reason))

    def turned(self, serves: Callable[[], str] = str, waiting: str = "") -> None:
        """Say that the supervisor's loop goes on, that the service is ready once `serves` says how, what it waits for.

        It stays ready while it waits: the jobs go on by themselves.
        """
        if self._address is None:
            return
        if not self._is_stopping:
            how = serves()
            shown = waiting or how
            if how and not self._is_ready:
                self._is_ready = True
                self._tell(f"READY=1\n{self._status(shown)}")
            elif shown and shown != self._shown:
                self._tell(self._status(shown))
        if self._every is not None and monotonic() >= self._next:
            self._next = monotonic() + self._every
            self._tell("WATCHDOG=1")
        elif self._unheard:
            self._send()

    def reloads(self) -> None:
        """Say that its children are being replaced; it is ready again when `serves` says so."""
        self._is_ready = False
        status = self._status("replacing the child processes")
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1000}\n{status}")

    def stops(self) -> None:
        """Say that it was told to stop."""
        self._is_stopping = True
        self._tell(f"STOPPING=1\n{self._status('told to stop; the running jobs finish')}")

    def _status(self, text: str) -> str:
        self._shown = text
        return f"STATUS={' '.join(text.split())}"

    def _tell(self, message: str) -> None:
        if self._address is not None:
            self._unheard.append(message)
            self._send()

    def _send(self) -> None:
        """Send what is unheard, in its order; what a manager that is busy does not take waits for the next turn."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            while self._unheard:
                try:
                    line.sendto(self._unheard[0].encode(), self._address or "")
                except TimeoutError:
                    return
                except OSError:  # nobody listens there any more
                    self._address = None
                    return
                del self._unheard[0]


def _address(given: str) -> str | None:
    """Return a socket's address: a path, or in Linux's abstract names, which begin with an @, what stands for one."""
    return f"\0{given[1:]}" if given.startswith("@") else given if given.startswith("/") else None


def _watchdog(microseconds: str, pid: str) -> float | None:
    """Return the seconds between two signs of life: half of what the manager waits for; None when it waits for none."""
    if not microseconds.isdecimal() or not int(microseconds) or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000
