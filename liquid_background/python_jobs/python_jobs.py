"""What an engine does for Python: register functions, enqueue them and partials, schedule them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, Unpack, overload

from liquid.exceptions import TemplateNotFoundError

from liquid_background.errors import EnqueueError
from liquid_background.job import Job
from liquid_background.language.declared import Declared, StandIn
from liquid_background.nearest import nearest
from liquid_background.python_jobs.building import build_partial
from liquid_background.python_jobs.function import Function, P
from liquid_background.python_jobs.handle import Handle
from liquid_background.python_jobs.options import BulkOptions, EnqueueOptions, JobOptions, read_options
from liquid_background.python_jobs.queues import EngineQueue, OnDuplicate
from liquid_background.python_jobs.retries import RETRIES, RETRIES_IN_DEVELOPMENT, RetryPolicy
from liquid_background.python_jobs.schedules import Schedule, check_cron, front_matter_schedules
from liquid_background.python_jobs.sender import EngineSender
from liquid_background.wording import a

T = TypeVar("T")
MAX_BULK: Final = 10_000
"""Jobs that `enqueue_many` sends: about a tenth of a second of the store's time."""


class PythonJobs(EngineSender):
    """The part of an engine that an application's Python code calls; the engine gives the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._schedules: dict[str, Schedule] = {}
        self._function_queue = EngineQueue(self)

    @property
    def function_queue(self) -> EngineQueue:
        """The queue of the functions that `background` and `action` decorate."""
        return self._function_queue

    # Registering.

    @overload
    def background(self, max_retries: Callable[P, T], /) -> Function[P, T]: ...
    @overload
    def background(
        self, max_retries: int | None = None, *, pure: bool = False, preview: StandIn | None = None
    ) -> Callable[[Callable[P, T]], Function[P, T]]: ...
    def background(self, max_retries: Any = None, *, pure: bool = False, preview: StandIn | None = None) -> Any:
        """Decorate a function so that it has `enqueue`, `get_result` and `cancel`, with jobs of this engine.

        Args:
            max_retries: runs after the first when it fails, after 2, 4, 8, … s; 0 runs it once. It holds however the
                function is enqueued; when it is not given, its `enqueue` has 3, and `enqueue` of the engine 6.
            pure: whether calling it changes nothing, so that previews call it, too; see `preview` of the engine.
            preview: what previews call instead, with the same arguments.
        """
        if callable(max_retries):
            return self._register(max_retries, None)
        return lambda wrapped: self._register(wrapped, max_retries, pure=pure, preview=preview)

    @overload
    def action(self, name: Callable[P, T], /) -> Function[P, T]: ...
    @overload
    def action(
        self,
        name: str | None = None,
        *,
        max_retries: int | None = None,
        pure: bool = False,
        preview: StandIn | None = None,
    ) -> Callable[[Callable[P, T]], Function[P, T]]: ...
    def action(
        self,
        name: Any = None,
        *,
        max_retries: int | None = None,
        pure: bool = False,
        preview: StandIn | None = None,
    ) -> Any:
        """Register a function under a name, for `enqueue` and for templates: `{% action 'name', … %}`.

        Args:
            name: the function's own when not given.
            max_retries: as in `background`, as are the others.
            pure: whether calling it changes nothing.
            preview: what previews call instead.
        """
        if callable(name):
            return self._register_action(None, self._register(name, max_retries, pure=pure, preview=preview))
        return lambda wrapped: self._register_action(
            name, self._register(wrapped, max_retries, pure=pure, preview=preview)
        )

    def _register_action(self, name: str | None, function: Function[..., Any]) -> Function[..., Any]:
        known = name or function.__name__
        taken = self.environment.actions.get(known)
        if isinstance(taken, Function) and taken.path != function.path:
            raise EnqueueError(f"the action {known!r} is registered twice: as {taken.path} and {function.path}")
        self.environment.actions[known] = function
        return function

    def _register(
        self, wrapped: Any, max_retries: int | None, *, pure: bool = False, preview: StandIn | None = None
    ) -> Function[..., Any]:
        if isinstance(wrapped, Function):
            function: Function[..., Any] = wrapped
            if max_retries is not None and (function.retries is None or max_retries != function.max_retries):
                raise EnqueueError(f"{function.path} is decorated already: say max_retries in its first decorator")
            if pure or preview is not None:
                function.declared = Declared.given(function, pure=pure, preview=preview)
        else:
            function = Function(
                wrapped, queue=lambda: self.function_queue, max_retries=max_retries, pure=pure, preview=preview
            )
        self._functions[function.path] = function
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
        what = self._what(action)
        reading = read_options(options, self._retries(what))
        job = self._build(what, params, reading.fields)
        self.dispatch([job], reading.on_duplicate, new_ids="id" not in reading.fields)
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
        what = self._what(action)
        reading = read_options(options, self._retries(what), BulkOptions)
        if isinstance(params, Mapping) or not isinstance(params, Iterable):
            raise EnqueueError(f"params is {a(type(params).__name__)}; enqueue_many takes a list of mappings")
        jobs = [self._build(what, each, reading.fields) for each in params]
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
        return await self.hooks.beside(self.enqueue, action, params, **options)

    async def enqueue_many_async(
        self,
        action: str | Callable[..., Any],
        params: Iterable[Mapping[str, Any]],
        **options: Unpack[BulkOptions],
    ) -> list[Handle]:
        """Do what `enqueue_many` does, without holding up the event loop."""
        return await self.hooks.beside(self.enqueue_many, action, params, **options)

    def call_of(
        self, function: object, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[Job, OnDuplicate]:
        """Return the job of a call of a registered function, for `dispatch_each`, and what a taken id means.

        Raises:
            EnqueueError: when the function is not registered, or an argument or an option is wrong.
        """
        known = self.registered(function)
        reading = read_options(options, self._retries(known))
        return self.function_job(known, args, kwargs, reading.fields), reading.on_duplicate

    def _what(self, action: object) -> Function[..., Any] | str:
        """Return the function, or the name of the partial, that an action stands for."""
        actions = self.environment.actions
        if not isinstance(action, str):
            return self.registered(action)
        if action in actions:
            return self.registered(actions[action])
        self._check_partial(action)
        return action

    def _check_partial(self, name: str) -> None:
        try:
            self.environment.get_template(name, tag="background")
        except TemplateNotFoundError as error:
            near = nearest(name, self.environment.actions)
            hint = f"did you mean {near!r}?" if near else "register a function with @engine.action, or add the partial"
            raise EnqueueError(f"no action and no partial is called {name!r}: {hint}") from error

    def _retries(self, what: Function[..., Any] | str) -> RetryPolicy:
        """Return when a job runs again if nobody says so who enqueues it."""
        said = what.retries if isinstance(what, Function) else None
        return said or self._default_retries()

    def _default_retries(self) -> RetryPolicy:
        return RetryPolicy(count=RETRIES_IN_DEVELOPMENT if self.settings.dev else RETRIES)

    def _build(
        self, what: Function[..., Any] | str, params: Mapping[str, Any] | None, fields: Mapping[str, Any]
    ) -> Job:
        if params is not None and not isinstance(params, Mapping):
            advice = "; enqueue_many takes a list of them" if isinstance(params, list | tuple) else ""
            raise EnqueueError(f"params is {a(type(params).__name__)}; it must be a mapping of names to values{advice}")
        given = dict(params or {})
        if isinstance(what, str):
            return build_partial(what, given, fields, self.environment.exposure.is_whole)
        return self.function_job(what, (), given, fields)

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
        what = self._what(action)
        reading = read_options(options, self._retries(what), JobOptions)
        job = self._build(what, params, reading.fields)
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
        longest = self.settings.job_timeout_of
        in_templates = front_matter_schedules(self.environment, self._default_retries(), longest) if allowed else ()
        found = {schedule.name: schedule for schedule in in_templates} | self._schedules
        return [schedule.unless_taken(found) for schedule in found.values()]
