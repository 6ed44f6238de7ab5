"""A page process as the server sees it: what it is asked, how long it may take, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import Final

from liquid_background.language.pages import PAGES
from liquid_background.settings import Settings
from liquid_background.web.site.errorpage import MORE_TIME, TOO_LONG, Trouble
from liquid_background.web.site.messages import Answer, PageRequest, answer_of, read, request_frame
from liquid_background.web.site.renderer import OUT_OF_MEMORY, Renderer

GRACE: Final = 1.0  # seconds beyond PAGE_TIMEOUT, in which a page may end by itself with a better message
_SENDING: Final = 15.0  # seconds that a store may take for the jobs of a page, starting included
_REAP: Final = 0.005  # seconds between two looks at a process that is to end
_PATIENCE: Final = 5.0  # seconds until the kernel has taken a killed process away
_SIGNALS: Final = {number.value: f" ({number.name})" for number in signal.Signals}  # those that have names
_CAN_LOOK: Final = hasattr(os, "waitid")  # not on macOS before Python 3.13


def sending_limit(settings: Settings) -> float:
    """Return the seconds in which a page process has sent a page's jobs, or said that the store does not answer."""
    return max(_SENDING, 3 * settings.store_timeout)


class PageFailed(Exception):
    """Raised when a page process gave no answer and is gone; `began` tells whether the page's template ran."""

    def __init__(self, trouble: Trouble, *, began: bool = True) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble
        self.began = began


class PageProcess:
    """One page process, as the server sees it."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.rendered = 0
        self._reader = reader
        self._writer = writer
        self.is_gone = False
        self._killed = False
        self._is_spent = False  # it has said that an answer was its last
        self._code: int | None = None  # that it ended with, when that is known

    @classmethod
    async def start(cls, renderer: Renderer) -> PageProcess:
        """Fork a page process.

        Raises:
            OSError: when the system has no room for one more.
        """
        pid, channel = renderer.fork()
        try:
            streams = await asyncio.open_unix_connection(sock=channel)
        except BaseException:  # a cancelled request: nobody else knows of the process
            channel.close()
            os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            raise
        return cls(pid, *streams)

    @property
    def is_usable(self) -> bool:
        """Whether it can take a request; it may have been killed while it waited for one."""
        return not (self._killed or self._is_spent or self._reader.at_eof() or self._writer.is_closing())

    async def render(self, asked: PageRequest, limit: float, sending: float) -> Answer:
        """Have it answer a request.

        Args:
            asked: the request.
            limit: seconds that the page may take, without the sending of its jobs.
            sending: seconds that sending them may take.

        Raises:
            PageFailed: when it died or took too long; it is gone then.
        """
        page, step = f"{PAGES}/{asked.page}", ""
        has_sent = False  # jobs, before the step that it is at
        try:
            async with asyncio.timeout(limit + GRACE) as time_limit:
                self._writer.write(request_frame(asked))
                await self._writer.drain()
                while True:
                    head, body = await read(self._reader)
                    if "status" in head:
                        self.rendered += 1
                        self._is_spent = head["last"]
                        return answer_of(head, body)
                    step = head["step"]
                    has_sent = has_sent or step == "sent"
                    if step == "sending":
                        sent_by = asyncio.get_running_loop().time() + sending
                        time_limit.reschedule(max(time_limit.when() or 0.0, sent_by))
        except TimeoutError:
            await self.end()
            raise PageFailed(_too_long(page, step, limit, has_sent)) from None
        except (asyncio.IncompleteReadError, OSError):
            await self.end()
            raise PageFailed(_died(page, step, self._how(), has_sent), began=bool(step)) from None
        except asyncio.CancelledError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, whatever it is at, with what it started."""
        self._killed = True
        for kill in (os.kill, os.killpg) if not self.is_gone else ():  # its number may be another one's by then
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Wait for a process that is dying or hung up on, kill it when it does not go by itself, and bury it.

        The kernel may keep it for longer than anybody waits; it is not gone then.
        """
        self._writer.close()
        asked = time.monotonic()
        while not self.bury() and time.monotonic() - asked < _PATIENCE:
            if not self._reader.at_eof() or time.monotonic() - asked > GRACE:
                self.kill()
            await asyncio.sleep(_REAP)

    def bury(self) -> bool:
        """Return whether it has ended; if so, end what it started, and have the kernel forget it."""
        if self.is_gone:
            return True
        try:
            if _CAN_LOOK:
                if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    return False
                self.kill()  # as long as its number is kept, so that no other group has it
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                return False
            self._code = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            self._code = None  # code of the application's has waited for it, and knows
        if not _CAN_LOOK:
            self.kill()
        self.is_gone = True
        return True

    def _how(self) -> str:
        if not self.is_gone:
            return "hung up and did not end"
        if self._code is None:
            return "ended"
        if self._code == OUT_OF_MEMORY:
            return "ran out of memory (LIQUID_BACKGROUND_MEMORY_LIMIT)"
        if self._code >= 0:
            return f"ended with exit code {self._code}"
        return f"was ended by signal {-self._code}{_SIGNALS.get(-self._code, '')}"


def _too_long(page: str, step: str, limit: float, has_sent: bool) -> Trouble:
    jobs = _what_of_jobs(step, has_sent)
    message = f"{page} ran longer than {limit:g} seconds and was stopped (LIQUID_BACKGROUND_PAGE_TIMEOUT); {jobs}"
    if not step:
        advice = f"It had not begun: its template, or its layout, takes that long to parse. Split it, or {MORE_TIME}."
    elif step == "sending":
        advice = "The store took no jobs for that long: 'poscli doctor' looks at it and says how to mend it."
    else:
        advice = f"Look for a loop or a call that does not end in the template or in what it calls, or {MORE_TIME}."
    return Trouble(503, TOO_LONG, message, advice)


def _died(page: str, step: str, how: str, has_sent: bool) -> Trouble:
    message = f"the process that rendered {page} {how}; {_what_of_jobs(step, has_sent)}"
    advice = "Python or C code of a filter or tag ended it, or it took too much memory: look at what the page calls."
    return Trouble(500, "This page broke off.", message, advice)


def _what_of_jobs(step: str, has_sent: bool) -> str:
    before = "some of its jobs were sent before" if has_sent else ""
    now = "its jobs were being sent, all or none" if step == "sending" else ""
    if not before and not now:
        return "none of its jobs was sent"
    told = f"{before}, and others were being sent, all or none" if before and now else before or now
    return f"{told}: look for them in 'poscli jobs list' before asking again"
