"""What is asked of an engine from inside: queues and handles have it send jobs, attempts have it find functions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from liquid_background.errors import DuplicateJob, EnqueueError, FunctionNotFound, JobNotFound
from liquid_background.hooks import Hooks
from liquid_background.job import Job
from liquid_background.jobs.contract import JobStore
from liquid_background.language.environment import Environment
from liquid_background.language.executor import Functions
from liquid_background.language.tags import Collector, current_collector
from liquid_background.lazy import kept
from liquid_background.python_jobs.building import build_call
from liquid_background.python_jobs.function import Function, check_importable, find_function
from liquid_background.python_jobs.queues import OnDuplicate, Sender
from liquid_background.settings import Settings
from liquid_background.withheld import NeverShip


class EngineSender(Sender, Functions):
    """Knows the functions of an engine, makes jobs of them, and sends them or has the page around the caller do so."""

    settings: Settings
    job_store: JobStore | None
    hooks: Hooks

    def __init__(self) -> None:
        self._functions: dict[str, Function[..., Any]] = {}

    @property
    @abstractmethod
    def environment(self) -> Environment:
        """The Liquid environment."""

    @kept
    def _never_ship(self) -> NeverShip:
        """What the setting NEVER_SHIP keeps back from every job."""
        return NeverShip(self.settings.never_ship)

    @property
    def function_paths(self) -> Collection[str]:
        """The names by which jobs call the functions that are registered here."""
        return self._functions.keys()

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

    def function_job(
        self,
        function: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        fields: Mapping[str, Any],
        masked: Sequence[str] = (),
    ) -> Job:
        """Return the job of a call of a registered function; `masked` is as of `build_call`.

        Raises:
            EnqueueError: when a worker could not find the function, or the arguments are not for it.
        """
        known = self.registered(function)
        check_importable(known)
        return build_call(
            known,
            args,
            kwargs,
            fields,
            secret_names=self.settings.secret_names,
            masked=masked,
            never_ship=self._never_ship,
        )

    def registered(self, function: object) -> Function[..., Any]:
        """Return a function as it is registered.

        Raises:
            EnqueueError: when it is not.
        """
        if isinstance(function, Function):
            return function
        for each in self._functions.values():
            if each.__wrapped__ is function:
                return each
        name = getattr(function, "__qualname__", None) or repr(function)
        raise EnqueueError(f"{name} is not registered: decorate it with @background or @engine.action")

    def dispatch(self, jobs: Sequence[Job], on_duplicate: OnDuplicate, *, new_ids: bool = False) -> None:
        """Send jobs when `send_when` says, or have the page or attempt that makes them send them.

        Args:
            jobs: what is sent.
            on_duplicate: what happens when a job has one of the ids.
            new_ids: whether the ids were made for them just now, so that none has to be looked up.

        Raises:
            DuplicateJob: when a job has one of the ids, and on_duplicate is "error".
            LimitReached: when the page or attempt that makes them has made too many.
            StoreUnavailable: when the store cannot be reached or does not answer; see its `maybe_done`.
        """
        given = frozenset() if new_ids else frozenset(job.id for job in jobs)
        self.dispatch_each([(job, on_duplicate) for job in jobs], given)

    def dispatch_each(self, jobs: Sequence[tuple[Job, OnDuplicate]], given: Collection[str]) -> None:
        """Do what `dispatch` does, in one step for jobs of which each says what happens when one has its id.

        Args:
            jobs: what is sent.
            given: the ids that were not made for them just now, and may be taken.
        """
        collector = self._collector()
        if collector is None and self.hooks.send_when is None:
            there = self.jobs.send([job for job, _ in jobs])
        else:
            made = {job.id for job in collector.jobs} if collector is not None else set()
            there = [job.id for job, _ in jobs if job.id in given and (job.id in made or self._is_there(job.id))]
            new = [job for job, _ in jobs if job.id not in there]
            if collector is not None:
                for job in new:
                    collector.add(job)
            elif new:
                self.hooks.send(lambda: self.jobs.send(new))
        taken = next((job.id for job, on_duplicate in jobs if on_duplicate == "error" and job.id in there), None)
        if taken is not None:
            raise DuplicateJob(f"a job with the id {taken!r} is there already; on_duplicate='ignore' keeps that one")

    def when_sent(self, tell: Callable[[], object]) -> None:
        """Call a function once what the caller has just enqueued is sent: never, if a rollback or an error drops it.

        Of what a job enqueues, which is sent with its end, it is called when the attempt has succeeded.
        """
        collector = self._collector()
        if collector is None:
            self.hooks.send(tell)
        else:
            collector.afterwards.append(lambda: self.hooks.send(tell))

    def _is_there(self, job_id: str) -> bool:
        try:
            self.jobs.get(job_id)
        except JobNotFound:
            return False
        return True

    def _collector(self) -> Collector | None:
        """Return the collector of the page or attempt around the caller, when its jobs go to this engine's store."""
        collector = current_collector()
        sink = getattr(collector.site, "sink", None) if collector is not None else None
        sender = getattr(sink, "engine", sink)  # a sink that stands in front of an engine names that engine
        same = isinstance(sender, EngineSender) and _store_of(sender) == _store_of(self)
        return collector if same else None


def _store_of(engine: EngineSender) -> JobStore | tuple[str | None, Path, str]:
    """Return what two engines have alike when their jobs are in one place."""
    if engine.job_store is not None:
        return engine.job_store
    return engine.settings.redis_url, engine.settings.data_dir.absolute(), engine.settings.site
