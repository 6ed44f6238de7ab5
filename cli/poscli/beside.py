"""The dashboard that `poscli dev --gui` runs: started once, since who looks at it would lose it with each restart."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

from poscli import attached

LINK: Final = "Dashboard: "
"""What stands before the link that `poscli gui` prints."""


class Beside:
    """A `poscli gui` beside the other processes.

    Args:
        chosen: its options.
    """

    def __init__(self, chosen: Sequence[str]) -> None:
        self._command = ["gui", "--no-browser", *chosen]
        self._process: subprocess.Popen[bytes] | None = None
        self.address: str | None = None  # once it is there

    def start(self) -> None:
        """Start it, and print its link; it has said itself what is wrong when it has none."""
        self._process = attached.start(self._command, heard=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode("utf-8", "replace")
        if line.startswith(LINK):
            self.address = line.removeprefix(LINK).partition("/?")[0]
            print(line, end="", flush=True)

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            attached.stop(self._process)
            assert self._process.stdout is not None
            self._process.stdout.close()
