"""What an outermost render makes is sent when it succeeds, by one gate for renders of every kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from typing import Final, Protocol, TextIO

from liquid import Environment, RenderContext

from liquid_background.errors import LiquidBackgroundError, SettingsError, StoreUnavailable
from liquid_background.job import Job, LogEntry
from liquid_background.language.context import Context
from liquid_background.language.limits import Text
from liquid_background.language.syntax import error_of_template
from liquid_background.language.tags import Collector, close_collector, open_collector
from liquid_background.settings import SECRET_NAMES, Settings
from liquid_background.withheld import NOTHING, NeverShip

_INSIDE: Final = nullcontext(None)  # of an outer render, which sends


class Sink(Protocol):
    """Takes what renders make: the engine, or a double.

    One that hands on to an engine names it as `engine`, so that what Python code enqueues on a page goes with the page.
    """

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Send all of it in one step, or raise StoreUnavailable: then none was sent, or the reply was lost."""

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Do what `send` does without holding up the event loop."""


class Sending(Environment, ABC):
    """The part of an environment that sends, to the one engine that it is attached to."""

    engine: Sink | None = None  # the one that it is attached to
    sink: Sink | None = None  # that engine, or what stands in front of it
    page_timeout: float | None = None  # seconds that an outermost render may take; None: for ever
    compile: bool | None = None  # whether templates that are rendered often become Python functions; None: they do
    secret_names: Sequence[str] = SECRET_NAMES
    environment_name: str = ""  # the setting ENVIRONMENT_NAME, such as staging
    never_ship: NeverShip = NOTHING  # what no template hands to jobs, events and the log
    _own: tuple[float | None, bool | None, Sequence[str], str, NeverShip] | None = None  # these, as without an engine

    def attach(self, engine: Sink, settings: Settings) -> None:
        """Send to an engine from now on, and take from its settings what this environment leaves open.

        Raises:
            SettingsError: when it sends to another one.
        """
        if self.engine is not None or self.sink is not None:
            raise SettingsError(
                "the environment is taken: what its pages make is sent by another Engine, and can be by one only; make "
                "an Environment for each engine, or take it from the other one first: environment.detach()"
            )
        self._own = self.page_timeout, self.compile, self.secret_names, self.environment_name, self.never_ship
        if self.compile is None:
            self.compile = settings.compile
        if self.page_timeout is None:
            self.page_timeout = settings.page_timeout
        self.secret_names = settings.secret_names
        self.environment_name = settings.environment_name
        self.never_ship = NeverShip(settings.never_ship)
        self.engine = self.sink = engine

    def detach(self) -> None:
        """Leave the engine, so that another one can have this environment; its filters, tags and actions stay."""
        self.engine = self.sink = None
        if self._own is not None:
            self.page_timeout, self.compile, self.secret_names, self.environment_name, self.never_ship = self._own
            self._own = None

    def outermost(
        self, context: RenderContext, buffer: TextIO | None = None
    ) -> AbstractContextManager[Collector | None]:
        """Send what the outermost render of a context makes, when it succeeds; do nothing inside one.

        After a render that raised, what it logged is sent alone and its jobs are dropped.

        Args:
            context: of the render.
            buffer: what it prints to, when that is known here.

        Raises:
            StoreUnavailable: when there are jobs and the store cannot be reached or does not answer.
        """
        collector = open_collector(context, self.new_collector)
        if collector is None:
            return _INSIDE
        self._start(context, buffer)
        return _Outermost(self, context, collector)

    def _start(self, context: RenderContext, buffer: TextIO | None) -> None:
        if isinstance(context, Context):
            if self.page_timeout is not None:
                context.watch.start(self.page_timeout)
            if isinstance(buffer, Text):
                context.watch.text = buffer

    @abstractmethod
    def new_collector(self) -> Collector:
        """Return an empty collector for a page."""

    def outermost_async(
        self, context: RenderContext, buffer: TextIO | None = None
    ) -> AbstractAsyncContextManager[Collector | None]:
        """Do what `outermost` does, without holding up the event loop."""
        collector = open_collector(context, self.new_collector)
        if collector is None:
            return _INSIDE
        self._start(context, buffer)
        return _Outermost(self, context, collector)

    def sink_of(self) -> Sink:
        """Return what takes what renders make.

        Raises:
            LiquidBackgroundError: when it sends to nobody.
        """
        if self.sink is None:
            raise LiquidBackgroundError("this environment has no engine to send jobs: make one, Engine(environment=…)")
        return self.sink


class _Outermost:
    """The outermost render of a context; a generator would take three times as long."""

    __slots__ = ("_collector", "_context", "_env")

    def __init__(self, env: Sending, context: RenderContext, collector: Collector) -> None:
        self._env = env
        self._context = context
        self._collector = collector

    def __enter__(self) -> Collector:
        return self._collector

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        collector = self._collector
        try:
            if error is None and not (collector.jobs or collector.entries):
                return
            rendered = error is None
            try:
                if error is not None:
                    raise error
                self._env.sink_of().send(collector.sendable(), collector.entries)
                collector.handed_on()
            except Exception as reason:
                if self._may_log(reason, rendered=rendered):
                    with suppress(LiquidBackgroundError):  # the render's own error is the one to know
                        self._env.sink_of().send((), collector.entries)
                told = reason if rendered else error_of_template(reason)
                if told is not reason:
                    raise told from reason
                raise
        finally:
            close_collector(self._context)

    async def __aenter__(self) -> Collector:
        return self._collector

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        collector = self._collector
        try:
            if error is None and not (collector.jobs or collector.entries):
                return
            rendered = error is None
            try:
                if error is not None:
                    raise error
                await self._env.sink_of().send_async(collector.sendable(), collector.entries)
                collector.handed_on()
            except Exception as reason:
                if self._may_log(reason, rendered=rendered):
                    with suppress(LiquidBackgroundError):
                        await self._env.sink_of().send_async((), collector.entries)
                told = reason if rendered else error_of_template(reason)
                if told is not reason:
                    raise told from reason
                raise
        finally:
            close_collector(self._context)

    def _may_log(self, reason: Exception, *, rendered: bool) -> bool:
        if not self._collector.entries or self._env.sink is None:
            return False
        return not (rendered and _is_silence(reason))


def _is_silence(error: Exception) -> bool:
    """Return whether it was waited for the store in vain, so that a second time would be twice as long."""
    return isinstance(error, StoreUnavailable) and error.silent
