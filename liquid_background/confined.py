"""Processes that the operating system holds to limits: memory, files, other processes, and the life of their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

FILE_SIZE: Final = 256 * 1024 * 1024
"""Bytes of a file that a job may write."""
OPEN_FILES: Final = 512
"""Files that it may have open."""
_PR_SET_PDEATHSIG: Final = 1
_system: Final = ctypes.CDLL(None)  # loaded here: a process that was forked beside threads may find a lock held
_PROCESSES: Final = 256  # processes and threads of the same user, beyond those that are there at the start


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the one that forked it dies; elsewhere than on Linux, if it has by now."""
    if sys.platform == "linux":
        _system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine(megabytes: int, *, inherited: int = 0, file_size: int = FILE_SIZE) -> None:
    """Hold this process, and what it starts, to limits.

    Args:
        megabytes: of memory.
        inherited: bytes that it has of the process that it was forked from, which do not count.
        file_size: bytes of a file that it may write.
    """
    memory = megabytes * 1024 * 1024 + inherited
    # RLIMIT_DATA counts what a process can write to; RLIMIT_AS would count every mapped library and thread stack too.
    _limit(resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, file_size)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux" and os.getuid() != 0:
        _limit(resource.RLIMIT_NPROC, _tasks_of(os.getuid()) + _PROCESSES)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (capped, capped))


def _tasks_of(user: int) -> int:
    count = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                count += len(os.listdir(folder / "task")) if folder.stat().st_uid == user else 0
    return count


def memory_held(pid: int | None = None) -> int:
    """Return the bytes of memory that a process holds, this one by default; 0 where the system does not tell."""
    return memory_of(pid)[0]


def memory_of(pid: int | None = None) -> tuple[int, int]:
    """Return the bytes that are held, and those that count against the limit, used or not, such as a thread's stack."""
    try:
        pages = Path(f"/proc/{pid or 'self'}/statm").read_bytes().split()
        return int(pages[1]) * resource.getpagesize(), int(pages[5]) * resource.getpagesize()
    except OSError:
        return 0, 0
