"""`{% trigger_event 'order.created', order_id: order.id %}`: one job for each consumer of the event."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.expression import Expression
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.errors import ArgumentError, LimitReached, NotPlain
from liquid_background.events import is_reserved
from liquid_background.job import MAX_PARAMETERS, MAX_PAYLOAD, Encoded, Job, new_id
from liquid_background.jobs.handover import encode, is_missing
from liquid_background.jobs.masking import looks_secret
from liquid_background.jobs.queue.payload import encode_data
from liquid_background.language.limits import look
from liquid_background.language.strict import tolerate
from liquid_background.language.syntax import Argument, bare_name, parse_arguments, parsing, show, what_was_wrong
from liquid_background.language.tags.collector import Collector, Site, collector_of
from liquid_background.language.tags.passing import (
    FAR_TOO_MUCH,
    PassingNode,
    check_defined,
    encode_passed,
    large_size,
    plain_instead,
)
from liquid_background.language.tags.withholding import Passed, never_ship_in, withholds

TAG_TRIGGER_EVENT: Final = "trigger_event"
_LONGEST: Final = 1_000  # characters of an event's name: no file has a longer one
_TOO_LARGE: Final = f"the event's values and the request take over {MAX_PAYLOAD // 1024} KB: pass ids"
_CONTEXT: Final = ("params", "session", "cookies", "headers", "current_user")
_SECRET_HEADERS: Final = frozenset(("cookie", "set-cookie", "authorization", "proxy-authorization"))


class TriggerEventNode(PassingNode):
    """An event, with the values that its consumers see as `event`, beside its type, date and id."""

    __slots__ = ("arguments", "event", "template")

    def __init__(self, token: Token, event: Expression, arguments: tuple[Argument, ...]) -> None:
        super().__init__(token)
        self.event = event
        self.arguments = arguments
        self.template = parsing.get()

    def __str__(self) -> str:
        return f"{{% trigger_event {self.event} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Collect a job for each consumer; print nothing."""
        values = [argument.value.evaluate(context) for argument in self.arguments]
        return self._trigger(context, self.event.evaluate(context), values)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Collect a job for each consumer; print nothing."""
        values = [await argument.value.evaluate_async(context) for argument in self.arguments]
        return self._trigger(context, await self.event.evaluate_async(context), values)

    def _unnamed(self, event: object) -> str:
        if is_missing(event):
            bare = bare_name(self.event)
            remedy = f"quote it: '{bare}'" if bare else "give it one, or write the event's name in quotes"
            return f"the event is `{self.event}`, a variable without a value; {remedy}"
        return f"the event is {show(event)}; it must be a name such as 'order.created'"

    def _trigger(self, context: RenderContext, event: object, values: list[object]) -> int:
        if not isinstance(event, str) or not event:
            raise self._error(self._unnamed(event))
        if is_reserved(event):
            raise self._error(
                f"the event {show(event)} is the system's own: no template triggers it; choose another name"
            )
        collector = collector_of(context, self.token)
        look(context)
        if len(event) > _LONGEST:
            return 0
        consumers = collector.consumers(str(event), partial(look, context), self.token)
        if not consumers:
            return 0
        if large_size(values) > FAR_TOO_MUCH:
            raise self._error(f"the event's values take over {MAX_PAYLOAD // 1024} KB: pass ids")
        if self._withholds(context, event, values):
            return 0
        encoded = (
            self._encode(context, argument, value) for argument, value in zip(self.arguments, values, strict=True)
        )
        own = _own(event)
        given = dict(zip((argument.name for argument in self.arguments), encoded, strict=True))
        parameters = {
            "event": {**given, **{name: value for name, value in own.items() if name not in given}},
            "context": self._request(context, collector),
        }
        ids = chain((own["id"],), iter(new_id, None))  # the event has that of its first job
        for job_id, consumer in zip(ids, consumers, strict=False):
            name = consumer.name
            job = Job(id=job_id, template=name, line=1, partial=name, parameters=parameters, **consumer.options)
            if len(encode_data(job)) > MAX_PAYLOAD:
                raise self._error(_TOO_LARGE)
            try:
                collector.add(job, self.token)
            except LimitReached as error:
                many = f"{len(consumers)} {'consumer' if len(consumers) == 1 else 'consumers'}"
                message = f"the event {show(event)} has {many}: {what_was_wrong(error)}"
                raise LimitReached(message, token=self.token) from error
        return 0

    def _withholds(self, context: RenderContext, event: object, values: list[object]) -> bool:
        """Return whether a value of the event is never shipped: then no consumer gets it, in any tolerance mode."""
        if not never_ship_in(context):
            return False
        given = [
            Passed(f"the event's '{argument.name}'", argument.value, value, argument.token, ("event", argument.name))
            for argument, value in zip(self.arguments, values, strict=True)
        ]
        name = Passed("the event", self.event, event, self.event.token)
        return withholds(context, self.token, self.template, (name, *given))

    def _request(self, context: RenderContext, collector: Collector) -> dict[str, Encoded]:
        given = request_values(context, collector.site)
        if large_size(given.values()) > FAR_TOO_MUCH:
            raise self._error(_TOO_LARGE)
        if never_ship := never_ship_in(context):
            given = {name: never_ship.without(("context", name), value) for name, value in given.items()}
        dropped: list[str] = []
        values = {name: _encode_plain(context, value, name, dropped) for name, value in given.items()}
        if dropped:
            warnings.warn(f"event consumers do not see {', '.join(dropped)}: not plain values", stacklevel=2)
        return values

    def _encode(self, context: RenderContext, argument: Argument, value: object) -> Encoded:
        check_defined(context, value)
        try:
            return encode_passed(context, value)
        except NotPlain as reason:
            message = f"'{argument.name}' {reason}: {plain_instead(context, value)}"
            raise self._error(message, argument.token) from reason

    def _error(self, message: str, token: Token | None = None) -> ArgumentError:
        return ArgumentError(message, token=token or self.token, template_name=self.template)

    def expressions(self) -> Iterable[Expression]:
        """Return the event's and the arguments' expressions."""
        yield self.event
        yield from (argument.value for argument in self.arguments)


def _own(event: str) -> dict[str, Encoded]:
    """Return what every consumer of an event sees of it, beside the values that its tag gives."""
    return {"type": str(event), "date": encode(datetime.now(UTC).replace(microsecond=0)), "id": new_id()}


def request_values(context: RenderContext, site: Site) -> dict[str, Any]:
    """Return what consumers see of the request, without its secrets."""
    values: dict[str, Any] = {}
    request = context.resolve("context", default=None)
    for name in _CONTEXT:
        value = request.get(name) if isinstance(request, Mapping) else None
        if value is None:
            value = context.resolve(name, default=None)
        if name == "cookies" and name not in site.event_context:
            value = None
        if name == "headers" and isinstance(value, Mapping):
            value = {key: text for key, text in value.items() if _shown(str(key), site)}
        if name == "session" and isinstance(value, Mapping):
            value = {key: kept for key, kept in value.items() if not looks_secret(str(key), site.secret_names)}
        values[name] = value
    return values


def _shown(header: str, site: Site) -> bool:
    # A WSGI server, and platformOS after it, spells Authorization as HTTP_AUTHORIZATION.
    name = header.strip().lower().replace("_", "-").removeprefix("http-")
    return name in site.event_context or not (name in _SECRET_HEADERS or looks_secret(name, site.secret_names))


def _encode_plain(context: RenderContext, value: object, name: str, dropped: list[str]) -> Encoded:
    """Return a value encoded; of an object, the plain members only."""
    try:
        return encode_passed(context, value)
    except NotPlain:
        if not isinstance(value, Mapping):
            dropped.append(name)
            return None
        members: dict[Any, Any] = {
            key: _encode_plain(context, item, f"{name}.{key}", dropped) for key, item in value.items()
        }
        return {str(key): item for key, item in members.items() if item is not None}


class TriggerEventTag(Tag):
    """`{% trigger_event 'name', … %}` or `{% trigger_event event: 'name', … %}`."""

    name = TAG_TRIGGER_EVENT
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        stream.expect(TOKEN_EXPRESSION)
        arguments = parse_arguments(self.env, stream, token)
        named = {argument.name: argument for argument in arguments.named}
        if arguments.head.current.kind == TOKEN_EOF and "event" in named:
            event = named.pop("event").value
        else:
            event = arguments.expression(self.env, missing="the event's name is missing")
            arguments.head.eat(TOKEN_EOF)
        if len(named) > MAX_PARAMETERS:
            message = f"{len(named)} values are given; at most {MAX_PARAMETERS} are allowed: pass one object"
            tolerate(self.env, ArgumentError(message, token=token, template_name=parsing.get()))
        return TriggerEventNode(token, event, tuple(named.values())[:MAX_PARAMETERS])
