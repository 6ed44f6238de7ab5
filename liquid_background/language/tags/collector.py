"""What one render makes: the jobs and log entries that are sent when the outermost render ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from liquid import RenderContext, Token

from liquid_background.errors import LimitReached, TagError
from liquid_background.job import Job, LogEntry, new_id
from liquid_background.jobs.family import COUNTED, MAX_FAMILY, Family, count_of, is_short
from liquid_background.jobs.log.entry import clip
from liquid_background.jobs.queue.payload import adopt
from liquid_background.jobs.sizes import megabytes
from liquid_background.language.limits import MAX_EVENTS, MAX_JOB_BYTES, MAX_JOBS, MAX_LINE_BYTES, MAX_LINES

_KEY: Final = "liquid_background"
_OF_A_PAGE: Final = Family()


@dataclass(frozen=True, slots=True)
class Consumer:
    """One partial that runs when its event is triggered, with what its front matter says."""

    name: str  # as a partial: "consumers/order.created/send_email"
    options: Mapping[str, Any]  # of its job, by the names in OPTIONS; a source name is always among them


class Site(Protocol):
    """What tags ask of the environment beyond python-liquid's own."""

    def consumers(self, event: str, look: Callable[[], None]) -> Sequence[Consumer]:
        """Return the consumers of an event, in the order of their names, with a look before each file is read."""

    @property
    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """Return the functions that templates may call, by the names that they are registered under."""

    @property
    def event_context(self) -> frozenset[str]:
        """Return the names of request secrets that consumers may see: cookies, cookie, authorization."""

    @property
    def secret_names(self) -> Sequence[str]:
        """Return parts of names; consumers see no header with one of them."""

    @property
    def environment_name(self) -> str:
        """Return the name of what the site runs as, such as staging; "" when it has none."""


class Collector:  # made once a job and page, so it has to be cheap
    """Jobs and log entries in the order in which they were made.

    Args:
        site: whose tags make them.
        running: makes the pattern of a job's log entries; None on a page.
        family: what may be made, or makes that when it is asked for.
        maker: id of the job that runs; of a page's render one that its first job gives it.

    Attributes:
        afterwards: what is called when all this has been handed on.
    """

    __slots__ = (
        *("site", "running", "jobs", "entries", "maker", "afterwards"),
        *("_family", "_job_bytes", "_job_count", "_line_bytes", "_consumers"),
    )

    def __init__(
        self,
        site: Site,
        running: Callable[[], LogEntry] | None = None,
        family: Family | Callable[[], Family] = _OF_A_PAGE,
        maker: str = "",
    ) -> None:
        self.site = site
        self.running = running
        self.jobs: list[Job] = []
        self.entries: list[LogEntry] = []
        self.maker = maker
        self.afterwards: list[Callable[[], object]] = []
        self._family = family
        self._job_bytes = 0
        self._job_count = 0  # of the family's jobs, of which a large one is several
        self._line_bytes = 0
        self._consumers: dict[str, Sequence[Consumer]] = {}

    @property
    def family(self) -> Family:
        """What may be made."""
        if not isinstance(self._family, Family):
            self._family = self._family()
        return self._family

    def add(self, job: Job, token: Token | None = None) -> None:
        """Take a job.

        Args:
            job: what is made.
            token: of the tag that makes it.

        Raises:
            LimitReached: when the render or attempt has made too many, or they take too much together.
        """
        self.maker = self.maker or new_id()
        size = adopt(job, self.maker)
        self._job_bytes += size
        self._job_count += count_of(size) if self.jobs else 1  # a job may always send one, such as its next run
        within = self._stretch
        if len(self.jobs) >= MAX_JOBS:
            message = f"over {MAX_JOBS:,} jobs in one {within}: have a job make the others, or give one job more to do"
        elif self._job_bytes > MAX_JOB_BYTES:
            message = f"the jobs of one {within} take over {megabytes(MAX_JOB_BYTES)}: pass ids instead of whole values"
        elif self._job_count > self.family.left:
            message = (
                f"a page may set off {MAX_FAMILY:,} jobs, with those that they make without a delay, and one of over "
                f"{COUNTED // 1024} KB counts as several; none of them is left for this one: does a job send itself "
                f"(generation {self.family.generation})?"
            )
        else:
            self.jobs.append(job)
            return
        raise LimitReached(f"{message}; the limit is fixed", token=token)

    def consumers(self, event: str, look: Callable[[], None], token: Token) -> Sequence[Consumer]:
        """Return the consumers of an event, which are looked for once in a render.

        Raises:
            LimitReached: when the render or attempt has asked for too many.
        """
        if event not in self._consumers:
            if len(self._consumers) >= MAX_EVENTS:
                message = f"over {MAX_EVENTS:,} different events in one render; the limit is fixed"
                raise LimitReached(message, token=token)
            self._consumers[event] = self.site.consumers(event, look)
        return self._consumers[event]

    def sendable(self) -> list[Job]:
        """Return the jobs, each with what it may make in turn."""
        if self.jobs:
            self.family.admit(self.jobs)
        return self.jobs

    def handed_on(self) -> None:
        """Tell those who wait for it that the jobs are on their way."""
        for tell in self.afterwards:
            tell()

    def keep(self, text: str) -> str:
        """Return what is kept of the text of a body, before its jobs are sent: they share with it what is left."""
        if is_short(text):  # most are
            return text
        text, self._family = self.family.keep(text, self.jobs)
        return text

    def log(self, message: str, *, type: str, template: str, line: int, token: Token | None = None) -> None:
        """Note a line for the job log.

        Raises:
            LimitReached: when the render or attempt has logged too many lines, or too much.
        """
        message = clip(message)
        self._line_bytes += len(message.encode("utf-8", "surrogatepass"))
        if len(self.entries) >= MAX_LINES:
            message = f"over {MAX_LINES:,} log lines in one {self._stretch}; the limit is fixed"
            raise LimitReached(message, token=token)
        if self._line_bytes > MAX_LINE_BYTES:
            message = f"the log lines of one {self._stretch} take over {MAX_LINE_BYTES // 1024} KB; the limit is fixed"
            raise LimitReached(message, token=token)
        pattern = self.running() if self.running else LogEntry(source_name=template)
        self.entries.append(replace(pattern, message=message, type=type, template=template, line=line))

    @property
    def _stretch(self) -> str:
        return "render" if self.running is None else "attempt"


def is_open(context: RenderContext) -> bool:
    """Return whether a render has a collector: there is an outer one, which sends."""
    return _KEY in _root(context).tag_namespace


def open_collector(context: RenderContext, make: Callable[[], Collector]) -> Collector | None:
    """Give a render its collector and return it; return None when an outer render has one already."""
    namespace = _root(context).tag_namespace
    if _KEY in namespace:
        return None
    collector = make()
    namespace[_KEY] = collector
    return collector


def close_collector(context: RenderContext) -> None:
    """Take the collector from a render that has ended."""
    del _root(context).tag_namespace[_KEY]


def collector_of(context: RenderContext, token: Token) -> Collector:
    """Return the collector of the render that a tag takes part in.

    Raises:
        TagError: when the environment is not one of ours, so that nobody would send what the tag makes.
    """
    found = _root(context).tag_namespace.get(_KEY)
    if not isinstance(found, Collector):
        raise TagError(f"'{token.value}' needs a liquid_background.Environment to render in", token=token)
    return found


@dataclass(slots=True)
class _Call:
    """A stretch of Python code within a page or an attempt."""

    collector: Collector | None
    goes_on: bool = True


_current: ContextVar[_Call | None] = ContextVar("liquid_background_call", default=None)


@contextmanager
def collecting(collector: Collector | None) -> Iterator[None]:
    """Have what Python code enqueues inside collected: it is sent when the page or the attempt succeeds.

    With None it is sent at once, as is what code enqueues that outlives the call: its tasks and threads carry a copy
    of the context, and nobody would send what they add to a collector after its end.
    """
    call = _Call(collector)
    token = _current.set(call)
    try:
        yield
    finally:
        call.goes_on = False
        _current.reset(token)


def current_collector() -> Collector | None:
    """Return the collector of the page or attempt that the calling code is part of; None outside."""
    call = _current.get()
    return call.collector if call is not None and call.goes_on else None


def _root(context: RenderContext) -> RenderContext:
    while context.parent_context is not None:
        context = context.parent_context
    return context
