"""A double of an engine's jobs for applications' own tests: no store, no worker, jobs run when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from liquid_background.hooks import Attempt, hooks_of
from liquid_background.job import Job, JobRecord, JobStatus, LogEntry, Outcome, Performer
from liquid_background.jobs.contract import JobStore
from liquid_background.jobs.handover import encode
from liquid_background.jobs.memory import MemoryJobs
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.language.blocks import blocks_of, source_name_of_block
from liquid_background.language.dry import DryRuns, Effect
from liquid_background.language.environment import Environment
from liquid_background.settings import Settings
from liquid_background.wording import counted

__all__ = ["FakeJobs", "fake_jobs"]

_SECONDS: Final = 30.0  # that a dry run may take


class EngineLike(Performer, Protocol):
    """What the double needs of an engine."""

    settings: Settings
    job_store: JobStore | None  # where its jobs and their log are; None: in the store of the settings

    @property
    def environment(self) -> Environment:
        """Its templates."""

    def find(self, path: str) -> Callable[..., Any]:
        """Return the function that a job names."""

    def function_job(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Job:
        """Return the job of a call of a registered function."""


class FakeJobs(MemoryJobs):
    """Stands in for `engine.jobs`: what was enqueued can be looked at, and run in this process. `log` is their log.

    Jobs travel as they do to a worker: a value that could not is refused, a function sees copies. Delays and waits are
    skipped, time limits and groups are not kept.

    Args:
        engine: performs the jobs.
        inline: whether each job runs at once when it is enqueued, with all its retries.
        dry: whether jobs run dry: the application's own filters, tags, actions and functions are not called, but for
            those that it has declared pure. `effects` lists them, and [name?] stands for what they would return.
    """

    def __init__(self, engine: EngineLike, *, inline: bool = False, dry: bool = False) -> None:
        super().__init__(engine.settings)
        self.inline = inline
        self.effects: list[Effect] = []
        self._dry_runs = DryRuns(engine.environment, engine) if dry else None
        self._engine = engine
        self._runs = False

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry] = ()) -> list[str]:
        """Take jobs and log entries; return the ids that had a record already."""
        there = super().send(jobs, entries)
        if self.inline and not self._runs:
            self.run_all()
        return there

    @property
    def enqueued(self) -> list[JobRecord]:
        """Every job, oldest first, whatever became of it."""
        return self.records()

    @property
    def waiting(self) -> list[JobRecord]:
        """The jobs that wait for their first attempt or for a retry, oldest first."""
        return [record for record in self.records() if record.status is JobStatus.PENDING]

    @property
    def entries(self) -> list[LogEntry]:
        """All of the job log, oldest first."""
        return self.log.entries(limit=self.settings.log_limit)

    @property
    def messages(self) -> list[str]:
        """What templates have logged, oldest first; `entries` has all of the job log."""
        return [entry.message for entry in self.entries if entry.status is None]

    def run_next(self) -> JobRecord | None:
        """Run one attempt of the job whose turn it is, without waiting for its time; None when none waits."""
        job_id = self.next_id()
        return None if job_id is None else self.run(job_id)

    def run(self, job_id: str) -> JobRecord:
        """Run one attempt of a job, and return the job as it is then.

        Raises:
            JobNotFound: when there is none of that id.
        """
        started = self.start(job_id)
        if started is not None:
            job, attempt = started
            self._runs = True
            try:
                self.finish(job_id, self._perform(job, attempt))
            finally:
                self._runs = False
        return self.get(job_id)

    def _perform(self, job: Job, attempt: int) -> Outcome:
        payload = decode_payload(encode_data(job))
        if self._dry_runs is not None:
            return self._perform_dry(self._dry_runs, job, payload, attempt)
        outcome = self._engine.perform(job.id, payload, attempt, job.max_attempts)
        hooks_of(self._engine).failed(Attempt.of(job.id, payload, attempt, job.max_attempts), outcome)
        return outcome

    def _perform_dry(self, runs: DryRuns, job: Job, payload: Mapping[str, Any], attempt: int) -> Outcome:
        dry = runs.perform(payload, job.id, attempt, job.max_attempts, seconds=_SECONDS, first=len(self.effects) + 1)
        self.effects += dry.effects
        return Outcome(
            result=dry.result,
            error=dry.error,
            raised=dry.raised,
            jobs=tuple(each.job for each in dry.jobs),
            entries=tuple(each.entry for each in dry.entries),
        )

    def run_block(
        self,
        template: str,
        *,
        source_name: str = "",
        number: int = 1,
        parameters: Mapping[str, Any] | None = None,
        handed_over: Mapping[str, Any] | None = None,
    ) -> JobRecord:
        """Run one attempt of a block as it stands in its template today, and return its job.

        Args:
            template: as jobs name it, such as `pages/checkout`.
            source_name: of the block, where that is written out; without it the blocks of the template are counted.
            number: which of them it is, from 1.
            parameters: the values of its arguments, by name.
            handed_over: the page's values, by their paths, such as `user.email`.

        Raises:
            LookupError: when the template has no such block any more.
            LiquidError: when it has gone, or cannot be parsed.
        """
        found = blocks_of(self._engine.environment, template)
        if source_name:
            found = [block for block in found if source_name_of_block(block) == source_name]
        if not 1 <= number <= len(found):
            named = f" with the source name {source_name!r}" if source_name else ""
            blocks = counted(len(found), "background block")
            raise LookupError(f"{template} has {blocks}{named}: none is number {number}")
        source = found[number - 1].source
        assert source is not None  # of a block with a body
        place = {"template": template, "line": source.line, "column": source.column}
        return self._run_new(source_name, source.text, place, parameters, handed_over)

    def run_source(
        self,
        source: str,
        *,
        template: str = "inline",
        line: int = 1,
        parameters: Mapping[str, Any] | None = None,
        handed_over: Mapping[str, Any] | None = None,
    ) -> JobRecord:
        """Run one attempt of a body that is given as text, and return its job.

        Args:
            source: the body.
            template: what its errors call the template.
            line: at which it starts there.
            parameters: the values that it is given, by name.
            handed_over: the page's values, by their paths.
        """
        return self._run_new("", source, {"template": template, "line": line}, parameters, handed_over)

    def _run_new(
        self,
        source_name: str,
        source: str,
        place: Mapping[str, Any],
        parameters: Mapping[str, Any] | None,
        handed_over: Mapping[str, Any] | None,
    ) -> JobRecord:
        given, handed = _encoded(parameters), _encoded(handed_over)
        name = source_name or "saved"
        return self._run_job(Job(source_name=name, source=source, parameters=given, handed_over=handed, **place))

    def run_partial(self, name: str, parameters: Mapping[str, Any] | None = None) -> JobRecord:
        """Run one attempt of a partial, and return its job.

        Args:
            name: as `{% background job = 'name' %}` names it.
            parameters: the values that it is given, by name.
        """
        given = _encoded(parameters)
        return self._run_job(Job(source_name="saved", template=name, line=1, partial=name, parameters=given))

    def run_function(self, path: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> JobRecord:
        """Run one attempt of a Python function that is registered, and return its job.

        Args:
            path: as jobs name it, such as `shop.jobs:send_email`.
            args: its positional arguments.
            kwargs: its named ones.

        Raises:
            FunctionNotFound: when it is not registered.
            EnqueueError: when the arguments are not for it.
        """
        return self._run_job(self._engine.function_job(self._engine.find(path), args, kwargs or {}, {}))

    def _run_job(self, job: Job) -> JobRecord:
        self.send([job])
        return self.run(job.id)

    def run_all(self, most: int = 10_000) -> list[JobRecord]:
        """Run attempts until no job waits, not even one that they made; return the jobs that ran, in order.

        Args:
            most: attempts; jobs that need more are taken to enqueue each other for ever.

        Raises:
            AssertionError: when jobs still wait after so many.
        """
        ran: dict[str, None] = {}
        for _ in range(most):
            record = self.run_next()
            if record is None:
                return [self.get(job_id) for job_id in ran]
            ran[record.id] = None
        raise AssertionError(f"jobs still wait after {most:,} attempts: do they enqueue each other?")


@contextmanager
def fake_jobs(engine: EngineLike, *, inline: bool = False, dry: bool = False) -> Iterator[FakeJobs]:
    """Put a double in the place of an engine's jobs and of their log for a while.

    Args:
        engine: the application's own; of functions that name no queue, `default_queue().engine`.
        inline: whether each job runs at once when it is enqueued.
        dry: whether jobs run dry; see `FakeJobs`.
    """
    fake = FakeJobs(engine, inline=inline, dry=dry)
    before, engine.job_store = engine.job_store, JobStore(fake, fake.log)
    try:
        yield fake
    finally:
        engine.job_store = before


def _encoded(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: encode(value) for name, value in (values or {}).items()}
