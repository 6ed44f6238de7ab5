"""The engine: what an application configures. Renders pages, takes their jobs, answers about jobs and the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from liquid_background.asked import Asked
from liquid_background.errors import SettingsError, StoreError, StoreUnavailable
from liquid_background.given import check_class
from liquid_background.hooks import Hooked
from liquid_background.job import Job, LogEntry, Outcome, Performer
from liquid_background.jobs import queue, store
from liquid_background.jobs.contract import Jobs, JobStore, Log
from liquid_background.jobs.log.stored import StoredLog
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.jobs.queue.looking import health_of, probe_of, verdicts_without
from liquid_background.jobs.queue.probing import Probe
from liquid_background.jobs.store.link import links
from liquid_background.jobs.store.verdict import Verdict
from liquid_background.language.environment import Environment
from liquid_background.language.executor import Executor
from liquid_background.language.pages import SiteLoader, find_page
from liquid_background.language.rendering import Request, render_page, render_page_async
from liquid_background.language.sending import Sink
from liquid_background.language.template import Template
from liquid_background.lazy import kept
from liquid_background.preview import Previewing
from liquid_background.python_jobs import EngineQueue, PythonJobs, provide_default_queue
from liquid_background.python_jobs.timetable import Timetable
from liquid_background.settings import Settings, load_settings

logger = logging.getLogger(__name__)


class Engine(Asked, PythonJobs, Previewing, Hooked, Sink, Performer):
    """A Liquid environment and a store.

    An application calls `render` and its like, `jobs`, `log`, and what `Asked`, `PythonJobs`, `Previewing` and `Hooked`
    have: `action`, `enqueue`, `schedule`, …, `preview`, `around_job`, `send_when`, …. What is left is called from
    inside: `Sink` by environments, `Performer` by workers, `Functions` by the executor, `Sender` by queues and handles
    of Python jobs.

    Args:
        templates: the site's folder, with pages/, partials/, layouts/ and consumers/.
        environment: a `liquid_background.Environment` of the application's own, instead of a folder; it can be one
            engine's at a time, and an engine that it was taken from refuses what needs it.
        settings: settings made before; other arguments then must not be given.
        job_store: where its jobs and their log are, instead of the store of the settings; see docs/testing.md.
        arguments: any setting by its name, such as `redis_url=` or `data_dir=`.

    Raises:
        SettingsError: when a setting is unknown or out of range, an argument is of another class or does not go with
            the others, or the environment is taken.
    """

    def __init__(
        self,
        templates: str | Path | None = None,
        *,
        environment: Environment | None = None,
        settings: Settings | None = None,
        job_store: JobStore | None = None,
        **arguments: Any,
    ) -> None:
        PythonJobs.__init__(self)
        Hooked.__init__(self)
        check_class("environment", environment, Environment, ", which takes the same arguments as liquid.Environment")
        check_class("settings", settings, Settings)
        check_class("job_store", job_store, JobStore, " of jobs and their log; see docs/testing.md")
        if settings is not None and (arguments or templates is not None):
            raise SettingsError("give settings, or single settings as arguments, not both")
        if environment is not None and templates is not None:
            raise SettingsError(
                "give templates, or an environment, not both: its loader says where its templates are, such as "
                "Environment(loader=SiteLoader('templates'))"
            )
        self.job_store = job_store
        self.settings = load_settings(templates=templates, **arguments) if settings is None else settings
        self._environment = self._new_environment() if environment is None else environment
        self._environment.attach(self, self.settings)
        self._link, self._patient_link = links(self.settings)

    def _new_environment(self) -> Environment:
        return Environment(
            loader=SiteLoader(self.settings.templates),
            ejs_tags=self.settings.ejs_tags,
            event_context=self.settings.event_context,
        )

    # What an application calls.

    @property
    def environment(self) -> Environment:
        """The Liquid environment, for tags and filters of the application's own.

        Raises:
            SettingsError: when another engine has it by now, which would send what this one renders.
        """
        self._check_owner()
        return self._environment

    def _check_owner(self) -> None:
        owner = self._environment.engine
        if owner is not self and owner is not None:
            raise SettingsError(
                "this engine's environment was given to another engine: use that one, or make an Environment for each"
            )

    @property
    def store(self) -> store.Store:
        """The store, connected on first use.

        Raises:
            StoreUnavailable: when it cannot be reached.
            StoreStartError: when the embedded server cannot be started.
        """
        return self._link.store

    def be_patient(self) -> None:
        """Wait for a silent store as commands and workers do, and no longer as pages."""
        if self._link is not self._patient_link:
            self._link = self._patient_link
            vars(self).pop("_queue", None)  # over the other one

    @property
    def jobs(self) -> Jobs:
        """The jobs: `get(id)`, `list(filter)`, `find(filter)`, `count(filter)`, `retry(id)`, `cancel(id)`, …."""
        return self._queue if self.job_store is None else self.job_store.jobs

    @property
    def log(self) -> Log:
        """The job log: `entries(source_name=None, limit=100)`, `follow(source_name=None)`, `reader(…)`."""
        return self._log if self.job_store is None else self.job_store.log

    @property
    def timetable(self) -> Timetable:
        """The schedules: `list()`, `get(name)`, `pause(name, by)`, `resume(name, by)`, `run(name, by)`."""
        return Timetable(self, self._operator_threads)

    def health(self) -> tuple[Verdict, ...]:
        """Return what is wrong with the store or may lose jobs there, the worst first; see docs/health.md."""
        if self.job_store is not None:
            return ()
        try:
            return health_of(self.store, self.settings).verdicts
        except StoreError as error:
            return tuple(verdicts_without(error, self.settings))

    def probe(self, bounds: Bounds | None = None) -> Probe:
        """Return what `poscli health` says: whether something is wrong, as one line and as verdicts.

        Args:
            bounds: beyond which waiting, failures or too few workers are wrong; without them the store alone counts.
        """
        if self.job_store is not None:
            return Probe(())
        try:
            return probe_of(self.store, self.settings, bounds)
        except StoreError as error:
            return Probe(verdicts_without(error, self.settings))

    @kept
    def _log(self) -> StoredLog:
        return StoredLog(lambda: self.store, lambda: self._patient_link.store)

    @kept
    def _queue(self) -> queue.Queue:
        return queue.Queue(self.store, self.settings)

    def render(self, page: str | Template, data: Mapping[str, Any] | None = None, **request: Unpack[Request]) -> str:
        """Render a page and send the jobs that it made.

        Args:
            page: name of a template in pages/, such as "checkout", or the template as it was found.
            data: the page's variables.
            request: params, session, cookies, headers, current_user.

        Raises:
            PageNotFound: when there is no such page or layout.
            LiquidError: when the page cannot be rendered; then none of its jobs is sent.
            StoreUnavailable: when its jobs cannot be sent, and none was; or when the store's reply was lost, and all of
                them may have been: `maybe_done` tells. The page is not returned, and rendered again it makes new jobs.
        """
        found = find_page(self.environment, page) if isinstance(page, str) else page
        return self._render(found, data, request)

    async def render_async(
        self, page: str | Template, data: Mapping[str, Any] | None = None, **request: Unpack[Request]
    ) -> str:
        """Render a page, by its name or as it was found, as `render` does.

        What it waits for, its actions and the sending of its jobs, does not hold up the event loop; the templates
        themselves do. Pages that take long are for `asyncio.to_thread(engine.render, …)`.
        """
        found = find_page(self.environment, page) if isinstance(page, str) else page
        return await self._render_async(found, data, request)

    def render_string(
        self, source: str, data: Mapping[str, Any] | None = None, name: str = "inline", **request: Unpack[Request]
    ) -> str:
        """Render Liquid given as text; `name` stands for the template in errors, jobs and the log."""
        return self._render(self.environment.from_string(source, name=name), data, request)

    def _render(self, page: Template, data: Mapping[str, Any] | None, request: Request) -> str:
        if not self.hooks.around_pages:
            return render_page(self.environment, page, data, request)
        with self.hooks.around_page(page.name):
            return render_page(self.environment, page, data, request)

    async def _render_async(self, page: Template, data: Mapping[str, Any] | None, request: Request) -> str:
        if not self.hooks.around_pages:
            return await render_page_async(self.environment, page, data, request)
        with self.hooks.around_page(page.name):
            return await render_page_async(self.environment, page, data, request)

    # What is called from inside: by environments (Sink) and workers (Performer).

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Send jobs and log entries in one round trip, all or nothing; when `send_when` says, if there are jobs.

        Raises:
            StoreUnavailable: when there are jobs and they cannot be sent, or may not have been: `maybe_done` tells.
                Log entries alone never raise it.
        """
        if jobs:
            self.hooks.send(self._send, jobs, entries)
        else:
            self._send(jobs, entries)

    def _send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        try:
            self.jobs.send(jobs, entries)
        except StoreUnavailable as error:
            if jobs:
                raise
            logger.warning("%d log entries may be lost: %s", len(entries), error)

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Do what `send` does, in a thread that has the caller's context variables."""
        await self.hooks.beside(self.send, jobs, entries)

    @kept
    def _executor(self) -> Executor:
        return Executor(self._environment, self, self.hooks)

    def perform(self, job_id: str, payload: Mapping[str, Any], attempt: int, max_attempts: int) -> Outcome:
        """Perform one attempt of a job: what a worker calls.

        Raises:
            SettingsError: when another engine has the environment by now.
        """
        self._check_owner()
        self.be_patient()
        return self._executor.perform(job_id, payload, attempt, max_attempts)


provide_default_queue(lambda: EngineQueue(Engine()))
