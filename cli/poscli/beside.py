"""Commands that run beside another one: the dashboard of `poscli dev --gui`, the metrics of `poscli worker`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

from poscli import attached

LINK: Final = "Dashboard: "
"""What stands before the link that `poscli gui` prints."""
METRICS: Final = "Metrics: "
"""What stands before the address that `poscli metrics` prints."""


class Beside:
    """A command beside the other processes, started once: who looks at a dashboard would lose it with each restart.

    Args:
        command: what stands behind `poscli`.
        word: what stands before the address that it prints once it is there.
    """

    def __init__(self, command: Sequence[str], word: str) -> None:
        self._command = command
        self._word = word
        self._process: subprocess.Popen[bytes] | None = None
        self.address: str | None = None  # once it is there

    def start(self) -> None:
        """Start it, and print its address; it has said itself what is wrong when it has none."""
        self._process = attached.start(self._command, heard=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode("utf-8", "replace")
        if line.startswith(self._word):
            self.address = line.removeprefix(self._word).partition("/?")[0].strip()
            print(line, end="", flush=True)

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            attached.stop(self._process)
            assert self._process.stdout is not None
            self._process.stdout.close()
