"""A program for shells: `warm_command.py FORKER MODULE ARGUMENT…` has a run forked, and ends as that one did.

It imports little and nothing of ours, since Python starts it without the folders of packages (`tests.warm.command`).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence


def ask(
    forker: socket.socket,
    module: str,
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    streams: Sequence[int],
    files: Sequence[int],
    ahead: Sequence[str] = (),
) -> socket.socket:
    """Ask for a run in a folder, with those of the three streams that are open; return the way of its answers."""
    asked = {"module": module, "arguments": arguments, "env": dict(env), "streams": list(streams), "ahead": list(ahead)}
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        socket.send_fds(forker, [json.dumps(asked).encode()], [theirs.fileno(), *files])
    return mine


def main(forker: int, module: str, *arguments: str) -> None:
    streams = [number for number in range(3) if _is_open(number)]
    folder = os.open(".", os.O_RDONLY)  # one that is gone, too
    answers = ask(
        socket.socket(fileno=forker), module, arguments, os.environ, streams=streams, files=[folder, *streams]
    )
    answers.recv(64)  # its pid
    code = int(answers.recv(64))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
