"""The functions that an engine knows: registered by a decorator, found again by the path that a job names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from liquid_background.environment import Environment
from liquid_background.errors import EnqueueError, FunctionNotFound
from liquid_background.functions.function import Function, P, find_function
from liquid_background.functions.queues import EngineQueue
from liquid_background.settings import Settings

T = TypeVar("T")


class Registry:
    """Registers functions and finds them; their jobs go to the queue that a subclass gives."""

    settings: Settings
    environment: Environment

    def __init__(self) -> None:
        self._functions: dict[str, Function[..., Any]] = {}

    @property
    def function_queue(self) -> EngineQueue:
        """The queue of the functions that `background` and `action` decorate."""
        raise NotImplementedError

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
                f"no job function {path!r} is registered here: deploy workers before the code that enqueues it, have "
                "the application that --app names import its module, and decorate it"
            )
        return function

    def registered(self, function: object) -> Function[..., Any]:
        """Return the registered function of what was decorated, or that itself.

        Raises:
            EnqueueError: when it is not registered.
        """
        if isinstance(function, Function):
            return function
        known = [each for each in self._functions.values() if each.__wrapped__ is function]
        if not known:
            name = getattr(function, "__qualname__", None) or repr(function)
            raise EnqueueError(f"{name} is not registered: decorate it with @background or @engine.action")
        return known[0]
