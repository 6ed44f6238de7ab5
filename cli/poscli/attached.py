"""`python -m poscli.attached PARENT worker …`: a command that the kernel ends when its parent is killed (Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from liquid_background.confined import die_with
from poscli.main import main


def start(arguments: Sequence[str], log: Path | None = None, *, heard: bool = False) -> subprocess.Popen[bytes]:
    """Start a poscli command that doesn't outlive this process, in a process group of its own.

    Ctrl-C then reaches only this process, which stops the command in order.

    Args:
        arguments: what stands behind `poscli`.
        log: a file for its output; without one it writes where this process does.
        heard: whether this process reads what it prints, as `stdout`.
    """
    command = _command(arguments)
    if log is None:
        stdout = subprocess.PIPE if heard else None
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, process_group=0)
    with log.open("wb") as stream:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, process_group=0)


def silent(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a command likewise, whose output is read from it and not seen."""
    nothing, heard = subprocess.DEVNULL, subprocess.PIPE
    return subprocess.Popen(_command(arguments), stdin=nothing, stdout=nothing, stderr=heard, process_group=0)


def _command(arguments: Sequence[str]) -> list[str]:
    # -P: a file of the project's own, such as email.py, must not stand before Python's.
    return [sys.executable, "-P", "-m", "poscli.attached", str(os.getpid()), *arguments]


def stop(process: subprocess.Popen[bytes], patience: float = 10.0) -> int:
    """End a command in order; kill it when it takes longer than `patience` seconds. Return its exit code."""
    process.terminate()
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    main(sys.argv[2:])
