"""What an application registers with the extension before there is an engine, and with each engine later."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, Unpack, overload

from liquid import Tag

from liquid_background.engine import Engine
from liquid_background.flask.installation import Installation
from liquid_background.language.declared import Said
from liquid_background.python_jobs.function import Function, P

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Registering:
    """The decorators of the extension. Each works at the top of a module, with or without an application.

    What they register is registered with the engine of each application that the extension is set up for.
    """

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The engine of the current application."""

    @abstractmethod
    def record(self, step: Callable[[Installation], object]) -> None:
        """Have something done with each application that the extension is set up for, now and later."""

    def configure(self, function: F) -> F:
        """Have a function called with each engine, for what has no decorator here."""
        self.record(lambda to: function(to.engine))
        return function

    @overload
    def action(self, name: Callable[P, T], /) -> Function[P, T]: ...
    @overload
    def action(
        self, name: str | None = None, *, max_retries: int | None = None, **said: Unpack[Said]
    ) -> Callable[[Callable[P, T]], Function[P, T]]: ...
    def action(self, name: Any = None, *, max_retries: int | None = None, **said: Unpack[Said]) -> Any:
        """Register a function as a job and for templates, `{% action 'name', … %}`: see `Engine.action`."""
        if callable(name):
            return self._action(name, None, max_retries, said)
        return lambda wrapped: self._action(wrapped, name, max_retries, said)

    def _action(self, wrapped: Any, name: str | None, max_retries: int | None, said: Said) -> Function[..., Any]:
        function = self._function(wrapped, max_retries)
        self.record(lambda to: to.engine.action(name, max_retries=max_retries, **said)(function))
        return function

    @overload
    def background(self, max_retries: Callable[P, T], /) -> Function[P, T]: ...
    @overload
    def background(
        self, max_retries: int | None = None, **said: Unpack[Said]
    ) -> Callable[[Callable[P, T]], Function[P, T]]: ...
    def background(self, max_retries: Any = None, **said: Unpack[Said]) -> Any:
        """Decorate a function so that it has `enqueue`, `get_result` and `cancel`: see `Engine.background`."""
        if callable(max_retries):
            return self._background(max_retries, None, said)
        return lambda wrapped: self._background(wrapped, max_retries, said)

    def _background(self, wrapped: Any, max_retries: int | None, said: Said) -> Function[..., Any]:
        function = self._function(wrapped, max_retries)
        self.record(lambda to: to.engine.background(max_retries, **said)(function))
        return function

    def _function(self, wrapped: Any, max_retries: int | None) -> Function[..., Any]:
        if isinstance(wrapped, Function):
            return wrapped
        return Function(wrapped, queue=lambda: self.engine.function_queue, max_retries=max_retries)

    def schedule(self, cron: str, action: str | Callable[..., Any], *args: Any, **options: Any) -> None:
        """Have the workers enqueue an action at the times of a cron expression: see `Engine.schedule`."""
        self.record(lambda to: to.engine.schedule(cron, action, *args, **options))

    @overload
    def filter(self, name: F, /) -> F: ...
    @overload
    def filter(self, name: str | None = None, **said: Unpack[Said]) -> Callable[[F], F]: ...
    def filter(self, name: Any = None, **said: Unpack[Said]) -> Any:
        """Add a filter to the templates, under a name or the function's own: see `Environment.add_filter`."""
        if callable(name):
            return self._filter(name, None, said)
        return lambda function: self._filter(function, name, said)

    def _filter(self, function: F, name: str | None, said: Said) -> F:
        known = name or function.__name__
        self.record(lambda to: to.engine.environment.add_filter(known, function, **said))
        return function

    def tag(self, tag: type[Tag], *, hands_over: bool = False, **said: Unpack[Said]) -> type[Tag]:
        """Add a tag to the templates: see `Environment.add_tag`."""
        self.record(lambda to: to.engine.environment.add_tag(tag, hands_over=hands_over, **said))
        return tag

    # Hooks. Those that are called outside of jobs get an application context, too.

    @overload
    def around_job(self, hook: F, /) -> F: ...
    @overload
    def around_job(self, *, required: bool = False) -> Callable[[F], F]: ...
    def around_job(self, hook: Any = None, *, required: bool = False) -> Any:
        """Have each attempt run inside a context manager, within its application context: see `Engine.around_job`."""
        if hook is None:
            return lambda given: self._around_job(given, required)
        return self._around_job(hook, required)

    def _around_job(self, hook: F, required: bool) -> F:
        self.record(lambda to: to.engine.around_job(required=required)(hook))
        return hook

    def on_failure(self, hook: F) -> F:
        """Have a function called with the `Failure` when a job has failed for good: see `Engine.on_failure`."""
        self.record(lambda to: to.engine.on_failure(to.contexts.inside(hook)))
        return hook

    def on_worker_start(self, hook: F) -> F:
        """Have a function called once in each worker: see `Engine.on_worker_start`."""
        self.record(lambda to: to.engine.on_worker_start(to.contexts.inside(hook)))
        return hook

    def on_child_start(self, hook: F) -> F:
        """Have a function called in each process that performs jobs, before its first: see `Engine.on_child_start`."""
        self.record(lambda to: to.engine.on_child_start(to.contexts.inside(hook)))
        return hook

    def on_child_stop(self, hook: F) -> F:
        """Have a function called in each child that ends of its own accord: see `Engine.on_child_stop`."""
        self.record(lambda to: to.engine.on_child_stop(to.contexts.inside(hook)))
        return hook

    def send_when(self, hook: F) -> F:
        """Have a function decide when jobs are sent, as after a commit: see `Engine.send_when`."""
        self.record(lambda to: to.engine.send_when(hook))
        return hook
