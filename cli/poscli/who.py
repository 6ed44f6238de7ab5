"""Whom the audit names for what is done at the command line."""

from __future__ import annotations

import getpass
import os
import socket


def operator() -> str:
    """Return who runs the program, such as ada@web-3; a user without a name by number."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # as in a container whose user is not in its list of users
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
