"""`{% action 'sync_to_crm', contact_id: contact.id %}` calls a function that the application registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.builtin.expressions import Identifier
from liquid.expression import Expression
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.calling import call, call_async
from liquid_background.errors import ArgumentError, EnqueueError, NotPlain
from liquid_background.job import MAX_PARAMETERS
from liquid_background.jobs.handover import decode
from liquid_background.language.filters import made
from liquid_background.language.strict import tolerate
from liquid_background.language.syntax import Argument, line_of, parse_arguments, parsing, show, starts_assignment
from liquid_background.language.tags.collector import Collector, collecting, collector_of
from liquid_background.language.tags.passing import PassingNode, check_defined, encode_passed, plain_instead
from liquid_background.language.tags.writing import Target, parse_target
from liquid_background.nearest import nearest

TAG_ACTION: Final = "action"


class ActionNode(PassingNode):
    """A call of an action, where it stands: in the page's render, or in the job when a body holds it."""

    __slots__ = ("action", "arguments", "target", "template")

    def __init__(
        self, token: Token, action: Expression, arguments: tuple[Argument, ...], target: Target | None
    ) -> None:
        super().__init__(token)
        self.action = action
        self.arguments = arguments
        self.target = target
        self.template = parsing.get()

    def __str__(self) -> str:
        return f"{{% action {f'{self.target} ' if self.target else ''}{self.action} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Call the action; print nothing."""
        values = [argument.value.evaluate(context) for argument in self.arguments]
        collector = collector_of(context, self.token)
        function = self._find(collector, self.action.evaluate(context))
        try:
            with collecting(collector):
                result = call(function, kwargs=self._plain(context, values))
        except EnqueueError as error:  # of a job that it cannot make, which knows nothing of templates
            error.add_note(f"called from {self.template}:{line_of(self.token)}")
            raise
        if self.target is not None:
            self.target.set(context, self._checked(context, result))
        return 0

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Call the action without holding up the event loop; print nothing."""
        values = [await argument.value.evaluate_async(context) for argument in self.arguments]
        collector = collector_of(context, self.token)
        function = self._find(collector, await self.action.evaluate_async(context))
        try:
            with collecting(collector):
                result = await call_async(function, kwargs=self._plain(context, values))
        except EnqueueError as error:
            error.add_note(f"called from {self.template}:{line_of(self.token)}")
            raise
        if self.target is not None:
            await self.target.set_async(context, self._checked(context, result))
        return 0

    def _find(self, collector: Collector, name: object) -> Callable[..., Any]:
        actions = collector.site.actions
        if isinstance(name, str) and name in actions:
            return actions[name]
        near = nearest(name, actions) if isinstance(name, str) else ""
        hint = f"did you mean '{near}'?" if near else "register it with @engine.action"
        raise self._error(f"no action {show(name)} is registered: {hint}", self.action.token)

    def _plain(self, context: RenderContext, values: list[object]) -> dict[str, Any]:
        """Return copies of the values, each of which could travel to a worker."""
        plain: dict[str, Any] = {}
        for argument, value in zip(self.arguments, values, strict=True):
            check_defined(context, value)
            try:
                plain[argument.name] = decode(encode_passed(context, value))
            except NotPlain as reason:
                message = f"'{argument.name}' {reason}: {plain_instead(context, value)}"
                raise self._error(message, argument.token) from reason
        return plain

    def _checked(self, context: RenderContext, result: object) -> object:
        """Return a copy of the result, as plain data."""
        try:
            return made(context.env, decode(encode_passed(context, result)))
        except NotPlain as reason:
            raise self._error(f"the action's result {reason}: have it return plain values") from reason

    def _error(self, message: str, token: Token | None = None) -> ArgumentError:
        return ArgumentError(message, token=token or self.token, template_name=self.template)

    def expressions(self) -> Iterable[Expression]:
        """Return the name's and the arguments' expressions."""
        yield self.action
        yield from self.target.expressions() if self.target is not None else ()
        yield from (argument.value for argument in self.arguments)

    def template_scope(self) -> Iterable[Identifier]:
        """Return the name that receives the result."""
        return [self.target.name] if self.target is not None else []


class ActionTag(Tag):
    """`{% action 'name', argument: value, … %}` or `{% action result = 'name', argument: value, … %}`."""

    name = TAG_ACTION
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        stream.expect(TOKEN_EXPRESSION)
        assigns = starts_assignment(stream.current)
        arguments = parse_arguments(self.env, stream, token)
        target = parse_target(self.env, arguments.head) if assigns else None
        action = arguments.expression(self.env, missing="the name of an action is missing")
        arguments.head.eat(TOKEN_EOF)
        named: dict[str, Argument] = {}
        for argument in arguments.named:
            if argument.name in named:
                message = f"argument '{argument.name}' is given twice"
                tolerate(self.env, ArgumentError(message, token=argument.token, template_name=parsing.get()))
            named[argument.name] = argument  # the last one counts where that is tolerated
        if len(named) > MAX_PARAMETERS:
            message = f"{len(named)} values are given; at most {MAX_PARAMETERS} are allowed: pass one object"
            tolerate(self.env, ArgumentError(message, token=token, template_name=parsing.get()))
        return ActionNode(token, action, tuple(named.values())[:MAX_PARAMETERS], target)
