"""Who gives a command: what the store notes of those who change something there."""

from __future__ import annotations

import getpass
import socket

from liquid_background.jobs.log import printable


def who() -> str:
    """Return the user and the host, as `ada@web1`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        user = "?"
    return printable(f"{user}@{socket.gethostname()}")[:200]
