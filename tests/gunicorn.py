"""A real gunicorn, which loads its application before it forks, and visitors who come at the same time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORKERS = 3


@contextmanager
def serving(folder: Path, wait_until: Callable[..., Any]) -> Iterator[str]:
    """Yield the address of a server whose gunicorn.conf.py is in a folder."""
    command = [sys.executable, "-m", "gunicorn", f"--workers={WORKERS}", "--bind=127.0.0.1:0", "--no-control-socket"]
    log = folder / "gunicorn.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ}, stdout=stream, stderr=stream)
    try:
        wait_until(lambda: log.read_text().count("Booting worker") == WORKERS or server.poll() is not None)
        found = re.search(r"Listening at: (\S+)", log.read_text())
        assert found is not None, log.read_text()
        yield found[1]
    finally:
        server.terminate()
        server.wait(20)


def visit(address: str, times: int) -> set[tuple[str, ...]]:
    """Ask for a page so many times, several at once; return the words of the different answers."""

    def ask(_: int) -> tuple[str, ...]:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return tuple(answer.read().decode().split())

    with ThreadPoolExecutor(2 * WORKERS) as visitors:
        return set(visitors.map(ask, range(times)))
