"""A limited child: a process of its own that does one thing, is held to time and memory, and writes no file."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from liquid_background.confined import confine, die_with, memory_of
from liquid_background.errors import PreviewStopped
from liquid_background.language.syntax import what_was_wrong

GRACE: Final = 1.0
"""Seconds beyond its time in which a child may end by itself, with what it has so far."""
_MOST: Final = 256 * 1024 * 1024  # bytes that a child may answer
_PIECE: Final = 1024 * 1024
_FAILED: Final = 1
_OUT_OF_MEMORY: Final = 12
_RAISED: Final = "$raised"


def in_child(work: Callable[[], dict[str, Any]], *, seconds: float, megabytes: int) -> dict[str, Any]:
    """Return what a function returns in a process of its own, as JSON carries it.

    Args:
        work: does it; nothing that it changes in memory is seen here.
        seconds: that it may take, and GRACE more.
        megabytes: of memory that it may use beyond what this process holds.

    Raises:
        PreviewStopped: when it took longer, or more, or died.
        OSError: when the system has no room for a process.
    """
    reading, writing = os.pipe()
    parent = os.getpid()
    held = max(memory_of())  # what threads may use of their stacks counts against the limit, used or not
    with warnings.catch_warnings():  # a process with threads is told that its child may find a lock held: it has GRACE
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        leave = os._exit
        try:
            os.close(reading)
            die_with(parent)
            leave(_answer(work, writing, megabytes, held))
        finally:  # the frames above are the parent's
            leave(_FAILED)
    os.close(writing)
    try:
        text, is_late = _read(reading, monotonic() + seconds + GRACE)
    finally:
        os.close(reading)
        code = _end(pid)
    if is_late:
        raise PreviewStopped(f"the preview took longer than {seconds:g} s, and was stopped")
    if code == _OUT_OF_MEMORY:
        raise PreviewStopped(f"the preview took over {megabytes} MB (LIQUID_BACKGROUND_MEMORY_LIMIT), and was stopped")
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        raise PreviewStopped(f"the process of the preview ended without an answer ({_how(code)})") from None
    if _RAISED in found:
        raise PreviewStopped(f"the preview raised {found[_RAISED]}")
    return found


def _answer(work: Callable[[], dict[str, Any]], writing: int, megabytes: int, held: int) -> int:
    os.setpgid(0, 0)  # it is ended with what it has started
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):
            signal.signal(number, signal.SIG_DFL)
    asyncio.events._set_running_loop(None)
    gc.freeze()
    confine(megabytes, inherited=held, file_size=0)
    try:
        text = _told(work)
        while text:
            text = text[os.write(writing, text) :]
    except MemoryError:
        return _OUT_OF_MEMORY
    return 0


def _told(work: Callable[[], dict[str, Any]]) -> bytes:
    try:
        return json.dumps(work(), separators=(",", ":")).encode("ascii")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, it is told
        return json.dumps({_RAISED: what_was_wrong(error)}).encode("ascii")


def _read(reading: int, ends: float) -> tuple[bytes, bool]:
    """Return what a child has written, and whether its time was over before it was done."""
    pieces: list[bytes] = []
    size = 0
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while size <= _MOST:
        if not poll.poll(max(0.0, ends - monotonic()) * 1000):
            return b"", True
        piece = os.read(reading, _PIECE)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), False


def _end(pid: int) -> int | None:
    """End a child with what it has started, and return how it ended; None where somebody else has asked."""
    with suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            _, status = _killed(pid)
        return os.waitstatus_to_exitcode(status)
    return None


def _killed(pid: int) -> tuple[int, int]:
    for kill in (os.kill, os.killpg):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)


def _how(code: int | None) -> str:
    if code is None:
        return "nobody knows how"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
