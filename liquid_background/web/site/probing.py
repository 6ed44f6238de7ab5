"""Whether a server is ready, as a process of its own finds it: the server starts no thread and waits for no store."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from liquid_background.probes import LASTS, ProbeAnswer, Telling
from liquid_background.web.site.messages import PROBE, PageRequest
from liquid_background.web.site.pageprocess import PageFailed, PageProcess
from liquid_background.web.site.renderer import Renderer

_LIMIT: Final = 4.0  # seconds for the store to answer; those of a page process come on top
_SILENT: Final = ProbeAnswer(503, "failed: store\n")


class Readiness:
    """Answers `/readyz` of a server: a process is forked that looks at the store, once for all who ask meanwhile.

    Args:
        renderer: what a page process is made of.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._lock = asyncio.Lock()
        self._answer = ProbeAnswer(503, "not looked yet\n")
        self._asked_at = -LASTS
        self._telling = Telling()

    async def __call__(self) -> ProbeAnswer:
        """Return the answer, which may be a second old."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= LASTS:
                self._answer, line = await self._look()
                self._asked_at = time.monotonic()
                self._telling.tell(self._answer.status == 200, line)
            return self._answer

    async def _look(self) -> tuple[ProbeAnswer, str]:
        try:
            process = await PageProcess.start(self._renderer)
        except OSError as error:
            return ProbeAnswer(503, "failed: process\n"), f"no process to look at the store: {error.strerror or error}"
        try:
            found = await process.render(PageRequest(PROBE, ""), _LIMIT, 0.0)
        except PageFailed:
            return _SILENT, f"the store did not answer within {_LIMIT:g} s"
        finally:
            await process.end()
        return ProbeAnswer(found.status, found.body.decode("ascii")), found.reason
