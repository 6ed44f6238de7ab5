"""The check of templates as they change: `poscli check`, beside the processes of `poscli dev`."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Collection, Sequence

from liquid_background.language.pages import walk
from poscli import attached


class Checking:
    """Checks the templates that changed since the last look, in a process: the application may have changed, too.

    Args:
        roots: folders of templates.
        chosen: options of the check.
    """

    def __init__(self, roots: Collection[str], chosen: Sequence[str]) -> None:
        self._roots = roots
        self._chosen = chosen
        self._seen = self._look()
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Check what changed; what changes while a check runs is for the next look."""
        if self._process is not None and self._process.poll() is None:
            return
        now = self._look()
        changed = sorted(path for path, when in now.items() if self._seen.get(path) != when)
        self._seen = now
        if changed:
            self._process = attached.start(["check", *self._chosen, *map(os.path.relpath, changed)])

    def stop(self) -> None:
        """End a check that runs."""
        if self._process is not None:
            attached.stop(self._process)

    def _look(self) -> dict[str, int]:
        found = {}
        for root in self._roots:
            for file in walk(root, root).templates:
                with contextlib.suppress(OSError):  # it may go while we look
                    found[file.path] = os.stat(file.path).st_mtime_ns
        return found
