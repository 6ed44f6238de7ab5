"""What an engine does for Python: enqueue registered functions and partials, and schedule them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Unpack

from liquid.exceptions import TemplateNotFoundError

from liquid_background.environment import Environment
from liquid_background.errors import DuplicateJob, EnqueueError, JobNotFound
from liquid_background.functions.building import build_call, build_partial
from liquid_background.functions.function import check_importable
from liquid_background.functions.handle import Handle
from liquid_background.functions.options import BulkOptions, EnqueueOptions, JobOptions, read_options
from liquid_background.functions.queues import EngineQueue, Jobs, OnDuplicate
from liquid_background.functions.registry import Registry
from liquid_background.functions.retries import RETRIES, RETRIES_IN_DEVELOPMENT, RetryPolicy
from liquid_background.functions.schedules import Schedule, check_cron, front_matter_schedules
from liquid_background.job import Job
from liquid_background.settings import Settings
from liquid_background.tags import Collector, current_collector

MAX_BULK: Final = 10_000
"""Jobs that `enqueue_many` sends: about a tenth of a second of the store's time."""


class PythonJobs(Registry):
    """The part of an engine that Python code talks to; the engine gives the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._schedules: dict[str, Schedule] = {}

    @property
    def jobs(self) -> Jobs:
        """Return the jobs in the store."""
        raise NotImplementedError

    @cached_property
    def function_queue(self) -> EngineQueue:
        """The queue of the functions that `background` and `action` decorate."""
        return EngineQueue(self)

    # Enqueueing.

    def enqueue(
        self,
        action: str | Callable[..., Any],
        params: Mapping[str, Any] | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> Handle:
        """Enqueue an action or a partial. In a job or a page's action, it is sent when that succeeds.

        Args:
            action: an action's name, a decorated function, or a partial's name.
            params: its named arguments: plain values.
            options: `id` with `on_duplicate`, `priority`, `queue`, `retries`, `start_at`, `timeout`, `source_name`.

        Raises:
            EnqueueError: when the action, a parameter or an option is not one.
            DuplicateJob: when a job has that id, and on_duplicate is not "ignore".
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        reading = read_options(options, self._default_retries())
        job = self._build(action, params, reading.fields)
        self.dispatch([job], reading.on_duplicate)
        return Handle(self, job.id, collected=self._collector() is not None)

    def enqueue_many(
        self,
        action: str | Callable[..., Any],
        params: Iterable[Mapping[str, Any]],
        **options: Unpack[BulkOptions],
    ) -> list[Handle]:
        """Enqueue an action or a partial once for each set of parameters, in one round trip: all or none.

        Raises:
            EnqueueError: when the action, a parameter or an option is not one; nothing was enqueued.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        reading = read_options(options, self._default_retries(), BulkOptions)
        if isinstance(params, Mapping) or not isinstance(params, Iterable):
            raise EnqueueError(f"params is a {type(params).__name__}; enqueue_many takes a list of mappings")
        jobs = [self._build(action, each, reading.fields) for each in params]
        if len(jobs) > MAX_BULK:
            raise EnqueueError(f"{len(jobs):,} jobs are too many for one step; send at most {MAX_BULK:,} at once")
        self.dispatch(jobs, reading.on_duplicate, new_ids=True)
        return [Handle(self, job.id, collected=self._collector() is not None) for job in jobs]

    async def enqueue_async(
        self,
        action: str | Callable[..., Any],
        params: Mapping[str, Any] | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> Handle:
        """Do what `enqueue` does, without holding up the event loop."""
        return await asyncio.to_thread(self.enqueue, action, params, **options)

    async def enqueue_many_async(
        self,
        action: str | Callable[..., Any],
        params: Iterable[Mapping[str, Any]],
        **options: Unpack[BulkOptions],
    ) -> list[Handle]:
        """Do what `enqueue_many` does, without holding up the event loop."""
        return await asyncio.to_thread(self.enqueue_many, action, params, **options)

    def _default_retries(self) -> RetryPolicy:
        return RetryPolicy(count=RETRIES_IN_DEVELOPMENT if self.settings.dev else RETRIES)

    def _build(self, action: object, params: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> Job:
        if params is not None and not isinstance(params, Mapping):
            advice = "; enqueue_many takes a list of them" if isinstance(params, list | tuple) else ""
            raise EnqueueError(f"params is a {type(params).__name__}; it must be a mapping of names to values{advice}")
        given = dict(params or {})
        found: object = self.environment.actions.get(action) if isinstance(action, str) else action
        if isinstance(action, str) and found is None:
            _check_partial(self.environment, action)
            return build_partial(action, given, fields)
        return self.function_job(found, (), given, fields)

    def function_job(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Job:
        """Return the job of a call of a registered function.

        Raises:
            EnqueueError: when a worker could not find the function, or the arguments are not for it.
        """
        known = self.registered(function)
        check_importable(known)
        return build_call(known, args, kwargs, fields)

    def _collector(self) -> Collector | None:
        """Return the collector of the page or attempt around the caller, when its jobs go to this engine's store."""
        collector = current_collector()
        sink = getattr(collector.site, "sink", None) if collector is not None else None
        sender = getattr(sink, "engine", sink)  # a sink that stands before an engine's own names that engine
        same = isinstance(sender, PythonJobs) and _store_of(sender.settings) == _store_of(self.settings)
        return collector if same else None

    def dispatch(self, jobs: Sequence[Job], on_duplicate: OnDuplicate, *, new_ids: bool = False) -> None:
        """Send jobs, or have the page or attempt that makes them send them.

        Args:
            jobs: what is sent.
            on_duplicate: what happens when a job has one of the ids.
            new_ids: whether the ids were made for them just now, so that none has to be looked up.

        Raises:
            DuplicateJob: when a job has one of the ids, and on_duplicate is "error".
            LimitReached: when the page or attempt that makes them has made too many.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        collector = self._collector()
        if collector is None:
            there = self.jobs.send(jobs)
        else:
            made = {job.id for job in collector.jobs}
            there = [job.id for job in jobs if not new_ids and (job.id in made or self._is_there(job.id))]
            for job in jobs:
                if job.id not in there:
                    collector.add(job)
        if there and on_duplicate == "error":
            raise DuplicateJob(f"a job with the id {there[0]!r} is there already; on_duplicate='ignore' keeps that one")

    def _is_there(self, job_id: str) -> bool:
        try:
            self.jobs.get(job_id)
        except JobNotFound:
            return False
        return True

    # Scheduling.

    def schedule(
        self,
        cron: str,
        action: str | Callable[..., Any],
        params: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        timezone: str = "UTC",
        **options: Unpack[JobOptions],
    ) -> Schedule:
        """Have the workers enqueue an action, a partial or a page at the times of a cron expression.

        Each time is enqueued once, however many workers run, and a time at which none runs is made up for once.

        Args:
            cron: five fields, such as "0 9 * * mon-fri".
            action: as for `enqueue`; a page is named as "pages/digest".
            params: as for `enqueue`.
            name: sets schedules of one action apart; the action's when not given.
            timezone: an IANA name, such as "Europe/Berlin".
            options: as for `enqueue`, without `id`, `on_duplicate` and `start_at`.

        Raises:
            EnqueueError: when an argument is wrong, or the name is taken.
        """
        check_cron(cron, timezone)
        reading = read_options(options, self._default_retries(), JobOptions)
        job = self._build(action, params, reading.fields)
        schedule = Schedule.of(job, cron, timezone, name)
        if schedule.name in self._schedules:
            raise EnqueueError(f"two schedules are called {schedule.name!r}: give one of them another name=")
        self._schedules[schedule.name] = schedule
        return schedule

    def schedules(self) -> list[Schedule]:
        """Return the schedules of the program, and those in the front matter of the site's partials and pages.

        Of two with one name, the program's counts. One in front matter that is wrong is logged and left out; all of
        them are when the setting front_matter_schedules is off.
        """
        allowed = self.settings.front_matter_schedules
        in_templates = front_matter_schedules(self.environment, self._default_retries()) if allowed else ()
        found = {schedule.name: schedule for schedule in in_templates} | self._schedules
        return [schedule.unless_taken(found) for schedule in found.values()]


def _check_partial(env: Environment, name: str) -> None:
    try:
        env.get_template(name, tag="background")
    except TemplateNotFoundError as error:
        near = get_close_matches(name, env.actions, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "register a function with @engine.action, or add the partial"
        raise EnqueueError(f"no action and no partial is called {name!r}: {hint}") from error


def _store_of(settings: Settings) -> tuple[str | None, Path]:
    return settings.redis_url, settings.data_dir.absolute()
