"""The hooks of one engine: called in their order, and their trouble is told and costs no job."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar

from liquid_background.calling import call, is_async
from liquid_background.errors import JobTimeout, SettingsError
from liquid_background.hooks.told import Attempt, Event, Failure
from liquid_background.job import Outcome
from liquid_background.threads import Threads

logger = logging.getLogger("liquid_background.hooks")

_AGAIN: Final = 60.0  # seconds after which trouble of one kind is told again, with its number
_MOST: Final = 100  # kinds of trouble that are told apart
T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True, eq=False)  # a function need not have a hash
class Hook:
    """A function of the application's, and when it is called."""

    event: str
    function: Callable[..., Any]
    required: bool = False
    of: str = ""  # of an event hook, which event

    def __str__(self) -> str:
        named = getattr(self.function, "__wrapped__", self.function)
        module, name = getattr(named, "__module__", None), getattr(named, "__qualname__", None)
        return f"{self.event} hook {f'{module}.{name}' if name else repr(self.function)}"


class Hooks:
    """The hooks of one engine: what is called inside for the events that `Hooked` registers code for."""

    def __init__(self) -> None:
        self.time_limits: tuple[type[BaseException], ...] = (JobTimeout,)
        """What ends an attempt at its limit, so that no hook's trouble is made of it."""
        self.threads = Threads()
        self.to_thread: Callable[..., Awaitable[Any]] = self.threads.run
        """Calls a function for a coroutine: in the thread to whose transactions `send_when` looks, if threads have
        their own."""
        self.around_jobs: list[Hook] = []
        self.around_pages: list[Hook] = []
        self.failures: list[Hook] = []
        self.events: list[Hook] = []
        self.send_when: Hook | None = None
        self._worker_starts: list[Hook] = []
        self._child_starts: list[Hook] = []
        self._child_stops: list[Hook] = []
        self._told: dict[tuple[Hook, type[BaseException]], tuple[float, int]] = {}

    def register(self, hook: Hook, takes: str = "") -> None:
        """Keep a hook; those of one event are called in the order in which they were registered.

        Args:
            hook: what to call, and when.
            takes: what it is called with; empty for nothing.

        Raises:
            SettingsError: when it cannot be called so.
        """
        _check(hook, takes)
        places = {
            "around_job": self.around_jobs,
            "around_page": self.around_pages,
            "on_failure": self.failures,
            "on_event": self.events,
            "on_worker_start": self._worker_starts,
            "on_child_start": self._child_starts,
            "on_child_stop": self._child_stops,
        }
        if hook.event != "send_when":
            places[hook.event].append(hook)
        elif self.send_when is None:
            self.send_when = hook
        else:
            raise SettingsError(f"{hook}: there is one already, {self.send_when}, and jobs are sent at one time only")

    def around(self, attempt: Attempt, body: Callable[[], T]) -> T:
        """Return what the body returns, called inside all context managers; the first registered is the outermost."""
        with self._inside(self.around_jobs, attempt):
            return body()

    def around_page(self, template: str) -> ExitStack:
        """Return what the render of a page runs inside of."""
        return self._inside(self.around_pages, template)

    def _inside(self, hooks: list[Hook], about: object) -> ExitStack:
        with ExitStack() as stack:
            for hook in hooks:
                stack.enter_context(_Around(self, hook, about))
            return stack.pop_all()

    def failed(self, attempt: Attempt, outcome: Outcome) -> None:
        """Say that an attempt ended so, to those who want to know of it if it was a job's last and failed."""
        if outcome.fails_job(attempt.attempt, attempt.max_attempts):
            failure = Failure(attempt, outcome.error or "", outcome.traceback, outcome.exception)
            self._call(self.failures, failure)

    def tells(self, event: str) -> bool:
        """Return whether a hook wants to hear of an event."""
        return any(hook.of == event for hook in self.events)

    def happened(self, event: Event) -> None:
        """Tell of an event those who want to hear of it."""
        for _, tell in self.tellings(event):
            tell()

    def tellings(self, event: Event) -> list[tuple[str, Callable[[], None]]]:
        """Return who wants to hear of an event, each with what calls it: they may be given time one by one."""
        return [(str(hook), partial(self._call, [hook], event)) for hook in self.events if hook.of == event.type]

    def worker_started(self) -> None:
        """Say that a worker has loaded the application, and has no children yet."""
        for hook in self._worker_starts:
            try:
                call(hook.function)
            except Exception as error:  # noqa: BLE001  but SystemExit is the application's way to say that it cannot run
                self.report(hook, error)

    def child_started(self) -> None:
        """Say that a process begins that performs jobs."""
        self._call(self._child_starts)

    def child_stopped(self) -> None:
        """Say that it ends of its own accord; the last registered is called first."""
        self._call(self._child_stops[::-1])

    def _call(self, hooks: list[Hook], *args: object) -> None:
        for hook in hooks:
            try:
                call(hook.function, args)
            except self.time_limits:
                raise
            except BaseException as error:  # noqa: BLE001  whatever a hook raises costs no job
                self.report(hook, error)

    def send(self, send: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Send now, or when the application says."""
        if self.send_when is None:
            send(*args, **kwargs)
        else:
            self.send_when.function(_Once(partial(send, *args, **kwargs)))

    async def beside(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns that may send and wait, without holding up the event loop."""
        returned: T = await self.to_thread(function, *args, **kwargs)
        return returned

    def report(self, hook: Hook, error: BaseException) -> None:
        """Write a line with a traceback for the first trouble of a kind, and one a minute for more of it."""
        kind = hook, type(error)
        at, unsaid = self._told.get(kind, (-_AGAIN, 0))
        if kind not in self._told and len(self._told) >= _MOST:
            return
        if monotonic() - at < _AGAIN:
            self._told[kind] = at, unsaid + 1
            return
        self._told[kind] = monotonic(), 0
        more = f", as it did {unsaid} times more in the minute before" if unsaid else ""
        logger.error("%s raised %s%s; that costs no job", hook, type(error).__name__, more, exc_info=error)


class _Around:
    """A hook's context manager around an attempt or a page: it sees how that ends, and its own trouble is not theirs.

    An error of the body is raised inside it, and comes out of here whatever it does with it.
    """

    def __init__(self, hooks: Hooks, hook: Hook, about: object) -> None:
        self._hooks = hooks
        self._hook = hook
        self._about = about
        self._entered: AbstractContextManager[Any] | None = None

    def __enter__(self) -> None:
        try:
            manager = self._hook.function(self._about)
            if isinstance(manager, Generator):
                manager = contextmanager(lambda generator=manager: generator)()
            if not isinstance(manager, AbstractContextManager):
                raise TypeError(f"it returned {type(manager).__name__}, which is not a context manager")
            manager.__enter__()
            self._entered = manager
        except BaseException as error:  # noqa: BLE001  _met raises what is more than trouble
            self._met(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered is not None:
            try:
                self._entered.__exit__(kind, error, trace)
            except BaseException as reason:  # noqa: BLE001  likewise
                if reason is not error:
                    self._met(reason)

    def _met(self, error: BaseException) -> None:
        if self._hook.required or isinstance(error, self._hooks.time_limits):
            raise error
        self._hooks.report(self._hook, error)


class _Once:
    """Sends when it is called; once it has, calling it again does nothing."""

    def __init__(self, send: Callable[[], object]) -> None:
        self._send: Callable[[], object] | None = send

    def __call__(self, *_: object) -> None:
        """Send; what the caller has to say, such as the session that was committed, is of no interest."""
        if self._send is not None:
            self._send()
            self._send = None


def _check(hook: Hook, takes: str) -> None:
    if not callable(hook.function):
        raise SettingsError(f"{hook} is no function, but {type(hook.function).__name__}")
    if hook.event in ("around_job", "around_page") and _is_async(hook.function):
        raise SettingsError(
            f"{hook} is async; give a plain context manager, which async functions run inside of, too, with the "
            "context variables that it sets"
        )
    if hook.event == "send_when" and is_async(hook.function):
        raise SettingsError(f"{hook} is async; give a plain function, which has `send` called at some time")
    try:
        inspect.signature(hook.function).bind(*([takes] if takes else []))
    except TypeError as error:
        raise SettingsError(f"{hook} is called with {takes or 'nothing'}, which it does not take: {error}") from None
    except ValueError:
        pass  # a function of C that does not say what it takes


def _is_async(function: Callable[..., Any]) -> bool:
    return is_async(function) or inspect.isasyncgenfunction(inspect.unwrap(function))


def hooks_of(performer: object) -> Hooks:
    """Return the hooks of what performs jobs; none, for what has none."""
    found = getattr(performer, "hooks", None)
    return found if isinstance(found, Hooks) else Hooks()
