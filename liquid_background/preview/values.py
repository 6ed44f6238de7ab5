"""What a preview says: frozen values, with what masking hides masked; as JSON they cross process boundaries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from liquid_background.job import Encoded
from liquid_background.language.dry import DryVerdict, Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedValue:
    """A value that a job is given.

    Attributes:
        name: of a parameter, or the path as the block has it, such as `user.email`.
        value: in the tagged JSON of jobs.
        size: bytes of that JSON.
    """

    name: str
    value: Encoded
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedLine:
    """A line that a run would log."""

    message: str
    type: str
    template: str
    line: int
    depends_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedEvent:
    """An event that a run would trigger; its consumers' jobs are among the run's."""

    name: str
    consumers: int  # how many get it each time


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedRun:
    """What the page's render, or one attempt of a job, would do.

    Attributes:
        verdict: what becomes of it.
        output: its text, cut where it is long; of a function what it returns, encoded. None when it fails.
        output_size: bytes of the whole text.
        error: one line: why it fails, and where; None when it does not.
        raised: the class of the error; "" when there is none.
        template: where the error is; "" when nothing tells.
        line: of that template; 0 when nothing tells.
        depends_on: numbers of the effects that its verdict depends on.
        output_depends_on: numbers of those that its output depends on.
        effects: the calls of the application's code that it would make.
        effects_left_out: how many more there are.
        lines: what it would log.
        events: what it would trigger.
        jobs: what it would send.
        jobs_left_out: how many more there are: the preview shows so many only.
    """

    verdict: DryVerdict
    output: Encoded = None
    output_size: int = 0
    error: str | None = None
    raised: str = ""
    template: str = ""
    line: int = 0
    depends_on: tuple[int, ...] = ()
    output_depends_on: tuple[int, ...] = ()
    effects: tuple[Effect, ...] = ()
    effects_left_out: int = 0
    lines: tuple[PreviewedLine, ...] = ()
    events: tuple[PreviewedEvent, ...] = ()
    jobs: tuple[PreviewedJob, ...] = ()
    jobs_left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedJob:
    """A job that would be sent.

    Attributes:
        number: from 1, in the order in which the preview shows them.
        source_name: the option.
        priority: the option.
        delay: the option, in minutes.
        max_attempts: the option.
        waits: seconds before attempts 2, 3, …, when those before failed.
        due: seconds after the page's render at which it is due, when every job before it took no time.
        kind: `block`, `partial` or `function`.
        what: the partial's or function's name; of a block "".
        template: where it was made.
        line: of that template.
        event: the event that makes it; "" for none.
        parameters: what it is given by name.
        handed_over: what of the page is handed over.
        size: bytes that travel: its values, its body, and what is said of it.
        depends_on: numbers of the effects that it depends on: whether it is sent, or with which values.
        run: what its first attempt would do; None when it was not run.
        cut: why it was not run; "" when it was.
    """

    number: int
    source_name: str
    priority: str
    delay: float
    max_attempts: int
    waits: tuple[float, ...]
    due: float
    kind: str
    what: str
    template: str
    line: int
    event: str
    parameters: tuple[PreviewedValue, ...]
    handed_over: tuple[PreviewedValue, ...]
    size: int
    depends_on: tuple[int, ...]
    run: PreviewedRun | None
    cut: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a page would send, and what comes of that, to the end of the chain.

    Attributes:
        page: its name; "" of a job that is in the store.
        run: what its render, or the job, would do; its jobs are in it, and what they make in theirs.
        cut: what is not shown, and why: one line for each limit that was reached.
    """

    page: str = ""
    run: PreviewedRun
    cut: tuple[str, ...] = ()
    job: str = ""  # id of the job that it is of; "" of a page

    def jobs(self) -> Iterator[PreviewedJob]:
        """Yield all jobs, each before those that it makes."""
        left = [*reversed(self.run.jobs)]
        while left:
            job = left.pop()
            yield job
            if job.run is not None:
                left += reversed(job.run.jobs)

    def runs(self) -> Iterator[PreviewedRun]:
        """Yield the page's run and those of all jobs."""
        yield self.run
        yield from (job.run for job in self.jobs() if job.run is not None)

    @property
    def effects(self) -> dict[int, Effect]:
        """All effects, by their numbers."""
        return {each.number: each for run in self.runs() for each in run.effects}

    @property
    def fails(self) -> bool:
        """Whether the page or one of its jobs fails for certain."""
        return any(run.verdict is DryVerdict.FAILS for run in self.runs())


def plain(value: Any) -> Any:
    """Return a preview, or a part of one, as JSON has it."""
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    slots = getattr(type(value), "__dataclass_fields__", None)
    if slots is not None:
        return {name: plain(getattr(value, name)) for name in slots}
    return value
