"""What an engine does for Python: register functions, enqueue them and partials, schedule them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar, Unpack, overload

from liquid.exceptions import TemplateNotFoundError

from liquid_background.errors import DuplicateJob, EnqueueError, FunctionNotFound, JobNotFound
from liquid_background.job import Job
from liquid_background.language.environment import Environment
from liquid_background.language.tags import Collector, current_collector
from liquid_background.python_jobs.building import build_call, build_partial
from liquid_background.python_jobs.function import Function, P, check_importable, find_function
from liquid_background.python_jobs.handle import Handle
from liquid_background.python_jobs.options import BulkOptions, EnqueueOptions, JobOptions, read_options
from liquid_background.python_jobs.queues import EngineQueue, Jobs, OnDuplicate
from liquid_background.python_jobs.retries import RETRIES, RETRIES_IN_DEVELOPMENT, RetryPolicy
from liquid_background.python_jobs.schedules import Schedule, check_cron, front_matter_schedules
from liquid_background.settings import Settings

T = TypeVar("T")
MAX_BULK: Final = 10_000
"""Jobs that `enqueue_many` sends: about a tenth of a second of the store's time."""


class PythonJobs:
    """The part of an engine that Python code talks to; the engine gives the rest."""

    settings: Settings
    environment: Environment

    def __init__(self) -> None:
        self._functions: dict[str, Function[..., Any]] = {}
        self._schedules: dict[str, Schedule] = {}

    @property
    def jobs(self) -> Jobs:
        """Return the jobs in the store."""
        raise NotImplementedError

    @cached_property
    def function_queue(self) -> EngineQueue:
        """The queue of the functions that `background` and `action` decorate."""
        return EngineQueue(self)

    # Registering.

    @overload
    def background(self, max_retries: Callable[P, T], /) -> Function[P, T]: ...
    @overload
    def background(self, max_retries: int = 3) -> Callable[[Callable[P, T]], Function[P, T]]: ...
    def background(self, max_retries: Any = 3) -> Any:
        """Decorate a function so that it has `enqueue`, `get_result` and `cancel`, with jobs of this engine.

        Args:
            max_retries: runs after the first when it fails, after 2, 4, 8, … s; 0 runs it once.
        """
        if callable(max_retries):
            return self._register(max_retries, 3)
        return lambda wrapped: self._register(wrapped, max_retries)

    @overload
    def action(self, name: Callable[P, T], /) -> Function[P, T]: ...
    @overload
    def action(
        self, name: str | None = None, *, max_retries: int = 3
    ) -> Callable[[Callable[P, T]], Function[P, T]]: ...
    def action(self, name: Any = None, *, max_retries: int = 3) -> Any:
        """Register a function under a name, for `enqueue` and for templates: `{% action 'name', … %}`.

        Args:
            name: the function's own when not given.
            max_retries: for its `enqueue` method, as in `background`.
        """
        if callable(name):
            return self._register_action(name, None, max_retries)
        return lambda wrapped: self._register_action(wrapped, name, max_retries)

    def _register_action(self, wrapped: Any, name: str | None, max_retries: int) -> Function[..., Any]:
        function = self._register(wrapped, max_retries)
        known = name or function.__name__
        taken = self.environment.actions.get(known)
        if isinstance(taken, Function) and taken.path != function.path:
            raise EnqueueError(f"the action {known!r} is registered twice: as {taken.path} and {function.path}")
        self.environment.actions[known] = function
        return function

    def _register(self, wrapped: Any, max_retries: int) -> Function[..., Any]:
        if isinstance(wrapped, Function):
            function: Function[..., Any] = wrapped
        else:
            function = Function(wrapped, queue=lambda: self.function_queue, max_retries=max_retries)
        self._functions[function.path] = function
        return function

    def find(self, path: str) -> Callable[..., Any]:
        """Return the function that a job names: one that is registered here, or decorated anywhere in the program.

        Raises:
            FunctionNotFound: when there is none.
        """
        function = self._functions.get(path) or find_function(path)
        if function is None:
            raise FunctionNotFound(
                f"no job function {path!r} is registered here: decorate it, have the application that --app names "
                "import its module, and deploy workers before the code that enqueues it"
            )
        return function

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
            self._check_partial(action)
            return build_partial(action, given, fields)
        return self.function_job(found, (), given, fields)

    def _check_partial(self, name: str) -> None:
        try:
            self.environment.get_template(name, tag="background")
        except TemplateNotFoundError as error:
            near = get_close_matches(name, self.environment.actions, n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else "register a function with @engine.action, or add the partial"
            )
            raise EnqueueError(f"no action and no partial is called {name!r}: {hint}") from error

    def function_job(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Job:
        """Return the job of a call of a registered function.

        Raises:
            EnqueueError: when a worker could not find the function, or the arguments are not for it.
        """
        if not isinstance(function, Function):
            known = [each for each in self._functions.values() if each.__wrapped__ is function]
            if not known:
                name = getattr(function, "__qualname__", None) or repr(function)
                raise EnqueueError(f"{name} is not registered: decorate it with @background or @engine.action")
            function = known[0]
        check_importable(function)
        return build_call(function, args, kwargs, fields)

    def _collector(self) -> Collector | None:
        """Return the collector of the page or attempt around the caller, when its jobs go to this engine's store."""
        collector = current_collector()
        sink = getattr(collector.site, "sink", None) if collector is not None else None
        sender = getattr(sink, "engine", sink)  # a sink that stands in front of an engine names that engine
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


def _store_of(settings: Settings) -> tuple[str | None, Path]:
    return settings.redis_url, settings.data_dir.absolute()
