"""The entry point of `poscli`: has a worker end in order from its first moment on, then loads the program."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

from poscli.loader import load

TYPE_CHECKING = False  # as in the loader, for the same reason
if TYPE_CHECKING:
    from typing import Any, NoReturn


def main(arguments: Sequence[str] | None = None, rename: Callable[[str], str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code: 0 fine, 1 failed, 2 wrong usage.

    Args:
        arguments: what stands behind its name; by default what the process was given.
        rename: gives a text with its commands the names that a framework's own program has for them.
    """
    given = sys.argv[1:] if arguments is None else arguments
    before = _listen() if _command(given) == "worker" else {}
    try:
        load("poscli.program:run")(given, rename)
    finally:
        # A worker that did not start may have been wanted of a process that goes on, such as an application's tests.
        for number, handler in before.items():
            if signal.getsignal(number) is _end:
                signal.signal(number, handler)
    raise AssertionError("the program leaves with its exit code")


def _command(given: Sequence[str]) -> str | None:
    words = iter(given)
    for word in words:
        if word == "--site":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _listen() -> dict[int, Any]:
    """Have a worker that is told to stop exit with 0 while it loads click, redis and the application.

    That takes from a third of a second up, and a service manager that restarts things stops workers within it. Before
    this line Python itself starts, in some 20 ms, and no code of ours can say what a signal does then.

    Returns:
        By signals, what they did before.
    """
    return {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGINT)}


def _end(_signal: int, _frame: object) -> None:
    # Nothing has begun, so there is nothing to finish or give back; an exception could be lost in an import.
    os._exit(0)
