"""A dry environment: an application's own, of which nothing comes: neither its pages nor its jobs change anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, cast

from liquid import BoundTemplate, Node, Tag, Token
from liquid.loader import BaseLoader

from liquid_background.job import Job, LogEntry
from liquid_background.language.declared import Declared
from liquid_background.language.dialect import dialect_in
from liquid_background.language.dry import expressions
from liquid_background.language.dry.context import DryContext
from liquid_background.language.dry.judging import NOTHING_SAID, tag_declared
from liquid_background.language.dry.marks import Marks
from liquid_background.language.dry.nodes import dry_tags
from liquid_background.language.dry.objects import DryExposure
from liquid_background.language.dry.trace import Trace
from liquid_background.language.environment import Environment
from liquid_background.language.kept import MAX_TEMPLATE_WEIGHT, MAX_TEMPLATES, KeptSources
from liquid_background.language.tags import TAG_TRIGGER_EVENT, Collector, Consumer
from liquid_background.language.template import Template


@dataclass(slots=True)
class DryCollector(Collector):
    """Takes what a dry run makes, with what of it depends on effects."""

    trace: Trace = None  # type: ignore[assignment]  # given by keyword, behind fields with defaults
    _event: str = ""  # the last one that was triggered

    def add(self, job: Job, token: Token | None = None) -> None:
        """Take a job."""
        trace = self.trace
        super(DryCollector, self).add(job, token)
        depends = trace.depends(*job.parameters.values(), *job.handed_over.values(), job.partial or "")
        is_event = token is not None and token.value == TAG_TRIGGER_EVENT and job.partial is not None
        trace.jobs.append((depends | trace.options_depend, self._event if is_event else ""))
        trace.options_depend = frozenset()

    def consumers(self, event: str, look: Callable[[], None], token: Token) -> Sequence[Consumer]:
        """Return the consumers of an event."""
        found = super(DryCollector, self).consumers(event, look, token)
        self._event = event
        self.trace.events[event] = len(found)
        return found

    def log(self, message: str, *, type: str, template: str, line: int, token: Token | None = None) -> None:
        """Note a line."""
        super(DryCollector, self).log(message, type=type, template=template, line=line, token=token)
        self.trace.entry_depends.append(self.trace.depends(message, type))


class _Nowhere:
    """Stands where an engine takes what a page makes. It names the engine, so that code of its own collects, too."""

    def __init__(self, engine: object) -> None:
        self.engine = engine

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Send nothing."""

    async def send_async(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        """Send nothing."""


class _StandIns(Mapping[str, Callable[..., Any]]):
    """What is called in the place of an application's functions, by their names."""

    def __init__(self, kind: str, functions: Mapping[str, Callable[..., Any]], env: DryEnvironment) -> None:
        self._kind = kind
        self._functions = functions
        self._env = env

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return stand_in(self._kind, name, self._functions[name], self._env)

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)


class DryEnvironment(Environment):
    """A copy of an environment, with templates of its own; its class is made of this one and that of the environment.

    Attributes:
        origin: the environment that it is a copy of; its filters, actions and globals are that one's, as they are then.
        trace: what the run that goes on depends on.
        seconds: that a run may take.
        collector: what the run that goes on makes.
    """

    origin: Environment
    trace: Trace
    seconds: float
    collector: DryCollector | None

    def new_collector(self) -> DryCollector:
        """Return an empty collector for a page."""
        self.collector = DryCollector(self, trace=self.trace)
        return self.collector

    def has_effect(self, name: str) -> bool:
        """Return whether a tag of that name may have an effect."""
        tag = self.tags.get(name)
        return tag is not None and not self.declared_tag(getattr(tag, "origin", tag)).pure

    def declared_tag(self, tag: Tag) -> Declared:
        """Return what is to be thought of a tag of the environment that this is a copy of."""
        return tag_declared(self.origin, tag)

    def declared_node(self, node: Node) -> Declared:
        """Return what is to be thought of the tag of a node."""
        tag = self.tags.get(node.token.value)
        return NOTHING_SAID if tag is None else self.declared_tag(getattr(tag, "origin", tag))

    def get_template(self, name: str, **options: Any) -> BoundTemplate:
        """Load and parse a template for this environment, also where a loader gives one of another."""
        found = super().get_template(name, **options)
        if found.env is self:
            return found
        context = options.pop("context", None)
        source = self.loader.get_source(self, name, context=context, **options)
        path = Path(source.name)
        return self.from_string(source.text, name=path.name, path=path, matter=source.matter)


def dry_environment(env: Environment) -> DryEnvironment:
    """Return a dry copy of an environment."""
    made = copy(env)
    made.__class__ = _dry_class(type(env))
    dry = cast(DryEnvironment, made)
    dry.origin, dry.trace, dry.seconds, dry.collector = env, Trace(Marks()), inf, None
    dry.template_class = _template_class(env.template_class)
    dry.dialect = replace(dialect_in(env), settle=_settle_both(dialect_in(env).settle))
    dry.guarded_filters = {}
    dry.exposure = DryExposure(env.exposure, lambda: dry.trace)
    dry.compile = False
    dry.page_timeout = None
    dry.sink = _Nowhere(env.engine)
    dry.tags = dry_tags(env.tags, dry)
    dry.actions = cast(Any, _StandIns("action", env.actions, dry))
    dry.provided = cast(Any, _StandIns("graphql", env.provided, dry))
    dry._loader = _own_cache(env.loader)
    return dry


def stand_in(kind: str, name: str, function: Callable[..., Any], env: DryEnvironment) -> Callable[..., Any]:
    """Return what is called in the place of a function of the application."""
    said = getattr(function, "declared", None) or env.origin._declared_hooks.get(name)
    declared: Declared = said if said is not None and said.of in (function, None) else NOTHING_SAID

    def call(*args: object, **named: object) -> object:
        trace = env.trace
        numbers = trace.marks.numbers([*args, *named.values()])
        if declared.pure:
            trace.note(numbers)
            return trace.marks.union(numbers) if numbers else function(*args, **named)
        preview = None if numbers else declared.preview
        given = {**{str(at): value for at, value in enumerate(args)}, **named}
        number = trace.effect(kind, name, given, previewed=preview is not None)
        if kind == "function" and preview is None:
            trace.worked_on |= {number}  # it is all that its job does
        return trace.value_of(number, name) if preview is None else preview(*args, **named)

    return call


@lru_cache(maxsize=100)
def _dry_class(kind: type[Environment]) -> type[Environment]:
    return type(kind.__name__, (DryEnvironment, kind), {})


@lru_cache(maxsize=100)
def _template_class(kind: type[Template]) -> type[Template]:
    return type(kind.__name__, (kind,), {"context_class": DryContext})


def _settle_both(settle: Callable[[Any], None] | None) -> Callable[[Any], None]:
    if settle is None:
        return expressions.settle

    def both(part: Any) -> None:
        settle(part)
        expressions.settle(part)

    return both


def _own_cache(loader: BaseLoader) -> BaseLoader:
    """Return a copy of a loader that keeps the templates that it parses for itself."""
    made: Any = copy(loader)
    held = getattr(made, "__dict__", {})
    if "loaders" in held:
        made.loaders = [_own_cache(each) for each in made.loaders]
    if "cache" in held:
        made.cache = KeptSources(MAX_TEMPLATES, MAX_TEMPLATE_WEIGHT)
    return cast(BaseLoader, made)
