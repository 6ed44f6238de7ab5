"""The node of the `background` tag: a block, or a partial, that becomes a job when the page renders."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Token
from liquid.ast import BlockNode, Partial, PartialScope
from liquid.builtin.expressions import Identifier, Literal, Nil
from liquid.exceptions import LiquidSyntaxWarning
from liquid.expression import Expression

from liquid_background.errors import ArgumentError, HandOverError, NotPlain
from liquid_background.job import MAX_PARAMETERS, MAX_PAYLOAD, Encoded, Job
from liquid_background.jobs.handover import PLAIN, is_missing, size
from liquid_background.jobs.queue.payload import encode_data
from liquid_background.jobs.sizes import FLAT
from liquid_background.language.bounds import BodyNode
from liquid_background.language.limits import look_soon
from liquid_background.language.plan import Plan
from liquid_background.language.strict import tolerate
from liquid_background.language.syntax import (
    OPTIONS,
    Argument,
    BodySource,
    Option,
    bare_name,
    default_source_name,
    line_of,
    parsing,
    partial_source_name,
    show,
)
from liquid_background.language.tags.collector import collector_of
from liquid_background.language.tags.output import bare
from liquid_background.language.tags.passing import (
    FAR_TOO_MUCH,
    PassingNode,
    check_defined,
    encode_passed,
    large_size,
    plain_instead,
)
from liquid_background.language.tags.withholding import Passed, never_ship_in, withholds
from liquid_background.language.tags.writing import Target
from liquid_background.wording import a, kilobytes

TAG_BACKGROUND: Final = "background"
TAG_ENDBACKGROUND: Final = "endbackground"


class BackgroundNode(PassingNode, BodyNode):
    """A block (with a body) or a partial (with a target) that is to run as a job."""

    __slots__ = (
        "_evaluated",
        "_fixed",
        "_given",
        "_known",
        "_plan",
        "_planned",
        "body",
        "label",
        "line",
        "options",
        "parameters",
        "partial",
        "source",
        "target",
        "template",
    )

    def __init__(
        self,
        token: Token,
        *,
        label: Expression | None,
        arguments: Sequence[Argument],
        plan: Callable[[], Plan],
        is_nested: bool = False,
        body: BlockNode | None = None,
        source: BodySource | None = None,
        target: Target | None = None,
        partial: Expression | None = None,
        known: Mapping[str, Option] = OPTIONS,
    ) -> None:
        super().__init__(token)
        self.template = parsing.get()
        self.line = line_of(token)
        self.label = label
        self.options = [argument for argument in arguments if argument.name in OPTIONS]
        self.parameters = [argument for argument in arguments if argument.name not in OPTIONS]
        self._known = known
        self._plan = plan
        self._planned = None if is_nested else plan()  # one in another block is parsed again before it renders
        self.body = body
        self.source = source
        self.target = target
        self.partial = partial
        self._evaluated = [bare(expression) for expression in self._own_expressions()]
        # The options by name, with the place of each among the values; the label is the last, if there is one.
        self._given = [(option.name, option.value, place) for place, option in enumerate(self.options)]
        if label is not None and all(name != "source_name" for name, _, _ in self._given):
            self._given.append(("source_name", label, -1))
        self._fixed = self._fixed_options()
        self._given = [given for given in self._given if not isinstance(self._evaluated[given[2]], Literal | Nil)]
        if partial is None and all(name != "source_name" for name, _, _ in self._given):
            self._fixed.setdefault("source_name", default_source_name(self.template, self.line))

    @property
    def plan(self) -> Plan:
        """What the body is handed."""
        if self._planned is None:
            self._planned = self._plan()
        return self._planned

    def __str__(self) -> str:
        if self.source is None:
            return f"{{% {TAG_BACKGROUND} {self.target} {self.partial} %}}"
        return f"{{% {TAG_BACKGROUND} %}}{self.source.text}{{% {TAG_ENDBACKGROUND} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Collect the job; print nothing."""
        values = [expression.evaluate(context) for expression in self._evaluated]
        handed = [hand_over.path.evaluate(context) for hand_over in self.plan.hand_overs]
        job_id = self._collect(context, values, handed)
        if self.target is not None:
            self.target.set(context, job_id)
        return 0

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Collect the job; print nothing."""
        values = [await expression.evaluate_async(context) for expression in self._evaluated]
        handed = [await hand_over.path.evaluate_async(context) for hand_over in self.plan.hand_overs]
        job_id = self._collect(context, values, handed)
        if self.target is not None:
            await self.target.set_async(context, job_id)
        return 0

    def _own_expressions(self) -> list[Expression]:
        """Return the expressions that the page evaluates: arguments, then label or partial."""
        arguments = [argument.value for argument in (*self.options, *self.parameters)]
        return arguments + [extra for extra in (self.label, self.partial) if extra is not None]

    def _collect(self, context: RenderContext, values: list[object], handed: list[object]) -> str | None:
        """Collect the job; return its id, None for one that is refused."""
        look_soon(context)
        given = values[len(self.options) :]  # but for the options, with the label or partial as the last
        if large_size((*given, *handed)) > FAR_TOO_MUCH:
            self._refuse_size(context, f"over {FAR_TOO_MUCH // 1024:,} KB")
            return None
        if never_ship_in(context) and withholds(context, self.token, self.template, passed_on(self, values, handed)):
            return None
        partial = self._partial_name(values[-1]) if self.partial else None
        is_fixed = not self._given and "source_name" in self._fixed
        options = self._fixed if is_fixed else self._read_options(context, values, partial)
        job = Job(
            template=self.template,
            line=self.source.line if self.source else self.line,
            column=self.source.column if self.source else 0,
            source=self.source.text if self.source else None,
            partial=partial,
            parameters=self._encode_parameters(context, given),
            handed_over=self._encode_handed(context, handed) if handed else {},
            **options,
        )
        if not self._fits(context, job):
            return None
        collector_of(context, self.token).add(job, self.token)
        return job.id

    def _fixed_options(self) -> dict[str, Any]:
        """Return the options that are written out, and so the same in every render.

        The tag has told of wrong ones where it was parsed; here the nearest of each counts.
        """
        options: dict[str, Any] = {}
        for name, _, place in self._given:
            expression = self._evaluated[place]
            if isinstance(expression, Literal):
                try:
                    options[name] = self._known[name].read(expression.value)
                except ValueError:
                    options[name] = self._known[name].nearest(expression.value)
        return {name: value for name, value in options.items() if value is not None}

    def _read_options(self, context: RenderContext, values: list[object], partial: str | None) -> dict[str, Any]:
        options = dict(self._fixed)
        for name, expression, place in self._given:
            option, value = self._known[name], None if is_missing(values[place]) else values[place]
            try:
                options[name] = option.read(value)
            except ValueError:
                said = option.complaint(value, expression)
                tolerate(context.env, ArgumentError(said, token=expression.token, template_name=self.template))
                options[name] = option.nearest(value)
            else:
                warn_of(option.remark(value), self.template, expression.token)
        if not options.get("source_name"):
            named = partial_source_name(partial) if partial else default_source_name(self.template, self.line)
            options["source_name"] = named
        return options

    def _partial_name(self, value: object) -> str:
        if isinstance(value, str) and value.strip():
            return str(value)
        assert self.partial is not None
        given = None if is_missing(value) else value
        name = bare_name(self.partial) if given is None else ""
        message = f"the partial to run is {show(given)}; it must be the name of a partial"
        if name:
            message = f"the partial to run is `{name}`, a variable without a value; quote it: '{name}'"
        raise ArgumentError(message, token=self.partial.token, template_name=self.template)

    def _encode_parameters(self, context: RenderContext, values: list[object]) -> dict[str, Encoded]:
        encoded: dict[str, Encoded] = {}
        for argument, value in zip(self.parameters[:MAX_PARAMETERS], values, strict=False):
            if type(value) in PLAIN:  # most are
                encoded[argument.name] = value
                continue
            if type(value) not in FLAT:
                check_defined(context, value)
            try:
                encoded[argument.name] = encode_passed(context, value)
            except NotPlain as reason:
                message = f"parameter '{argument.name}' {reason}: {plain_instead(context, value)}"
                tolerate(context.env, ArgumentError(message, token=argument.value.token, template_name=self.template))
        return encoded

    def _encode_handed(self, context: RenderContext, values: list[object]) -> dict[str, Encoded]:
        encoded: dict[str, Encoded] = {}
        for hand_over, value in zip(self.plan.hand_overs, values, strict=True):
            if is_missing(value):
                continue
            try:
                encoded[hand_over.key] = encode_passed(context, value)
            except NotPlain as reason:
                kind = type(value).__name__
                advice = plain_instead(context, value)
                message = f"cannot hand `{hand_over.key}` ({kind}) to a background job: {advice}"
                is_whole = str(reason).startswith(f"is {a(kind)},")
                if isinstance(value, dict | list | tuple | int | float) and not is_whole:
                    message += f" (something in it {reason})"
                tolerate(context.env, HandOverError(message, token=hand_over.path.token, template_name=self.template))
        return encoded

    def _fits(self, context: RenderContext, job: Job) -> bool:
        """Return whether a job is small enough to travel."""
        data = encode_data(job)
        if len(data) <= MAX_PAYLOAD:
            return True
        parts = {**job.parameters, **job.handed_over}
        largest = max(parts, key=lambda name: size(parts[name]), default="its source")
        self._refuse_size(context, kilobytes(len(data)), f" (the largest is `{largest}`)")
        return False

    def _refuse_size(self, context: RenderContext, size: str, largest: str = "") -> None:
        most = f"at most {MAX_PAYLOAD // 1024} KB can travel"
        message = f"the job takes {size}; {most}: pass ids instead of whole values{largest}"
        tolerate(context.env, ArgumentError(message, token=self.token, template_name=self.template))

    def parameter_names(self) -> Iterable[str]:
        """Return the names that the body is given."""
        return [argument.name for argument in self.parameters]

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> Iterable[Node]:
        """Return the body's nodes."""
        return self.body.nodes if self.body is not None else []

    def evaluated(self) -> Iterable[Expression]:
        """Return what is evaluated where it renders, as far as that is known: what the block around it is handed."""
        written = self.target.expressions() if self.target is not None else []
        return [*self._own_expressions(), *written] if self._planned is None else self.expressions()

    def expressions(self) -> Iterable[Expression]:
        """Return what the page evaluates: the arguments, and the paths that the body is handed."""
        yield from self._own_expressions()
        yield from self.target.expressions() if self.target is not None else ()
        yield from (hand_over.path for hand_over in self.plan.hand_overs)

    def template_scope(self) -> Iterable[Identifier]:
        """Return the name that receives the job's id."""
        return [self.target.name] if self.target is not None else []

    def partial_scope(self) -> Partial | None:
        """Return the body's scope: isolated, with the parameters and the roots that it is handed."""
        if self.body is None:
            return None
        names = dict.fromkeys(self.parameter_names(), self.token)
        names |= {str(hand_over.path.path[0]): hand_over.path.token for hand_over in self.plan.hand_overs}
        return Partial(
            name=f"{self.template}:{self.line}",  # one of its own, or analysis would take two blocks for one
            scope=PartialScope.ISOLATED,
            in_scope=[Identifier(name, token=token) for name, token in names.items()],
            key=hash((self.template, self.token.start_index)),
        )


def passed_on(node: BackgroundNode, values: Sequence[object], handed: Sequence[object]) -> Iterator[Passed]:
    """Yield what a tag passes on: its arguments in the order of their values, its label or partial, what it hands over.

    Args:
        node: of the tag.
        values: what its own expressions evaluate to.
        handed: what the paths of its plan do.
    """
    own = iter(values)
    for argument in node.options:
        yield Passed(f"option '{argument.name}'", argument.value, next(own), argument.token)
    for argument in node.parameters:
        yield Passed(f"parameter '{argument.name}'", argument.value, next(own), argument.token, (argument.name,))
    for extra in (node.label, node.partial):
        if extra is not None:
            yield Passed("the name", extra, next(own), extra.token)
    for hand_over, value in zip(node.plan.hand_overs, handed, strict=True):
        yield Passed("the body", hand_over.path, value, hand_over.path.token)


def warn_of(remark: str, template: str, token: Token) -> None:
    """Warn that the value of an option was read as another, if there is something to say: once for each place."""
    if remark:
        warnings.warn(f"{remark} ({template}:{line_of(token)})", LiquidSyntaxWarning, stacklevel=2)
