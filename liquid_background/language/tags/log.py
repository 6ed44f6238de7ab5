"""`{% log value | filter, type: 'info' %}` writes a line to the job log, from a page or a job."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from liquid_background.errors import LimitReached, NotPlain, TagSyntaxError
from liquid_background.jobs.handover import is_missing
from liquid_background.language.filters import check_text, measure_text
from liquid_background.language.syntax import Argument, line_of, parse_arguments, parsing
from liquid_background.language.tags.collector import collector_of
from liquid_background.language.tags.passing import FAR_TOO_MUCH, PassingNode, encode_passed, large_size
from liquid_background.language.tags.withholding import Passed, never_ship_in, withholds

TAG_LOG: Final = "log"
_VALUE_AND_TYPE: Final = 2
MAX_TYPE: Final = 100  # characters; a type is a word to filter by


class LogNode(PassingNode):
    """A line for the job log."""

    __slots__ = ("arguments", "line", "template", "value")

    def __init__(self, token: Token, value: Expression, arguments: tuple[Argument, ...]) -> None:
        super().__init__(token)
        self.value = value
        self.arguments = arguments
        self.template = parsing.get()
        self.line = line_of(token)

    def __str__(self) -> str:
        return f"{{% log {self.value} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Note the line; print nothing."""
        values = {argument.name: argument.value.evaluate(context) for argument in self.arguments}
        if not self._is_meant(context, values):
            return 0
        return self._log(context, self.value.evaluate(context), values)

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Note the line; print nothing."""
        values = {argument.name: await argument.value.evaluate_async(context) for argument in self.arguments}
        if not self._is_meant(context, values):
            return 0
        return self._log(context, await self.value.evaluate_async(context), values)

    def _is_meant(self, context: RenderContext, values: dict[str, object]) -> bool:
        """Return whether what runs here is what the line is for: all, one by its name, or one of a list."""
        asked = values.get("env")
        if asked is None or is_missing(asked):
            return True
        names = asked if isinstance(asked, list | tuple) else [asked]
        environment_name = collector_of(context, self.token).site.environment_name.lower()
        return any(isinstance(name, str) and name.strip().lower() == environment_name for name in names)

    def _log(self, context: RenderContext, value: object, values: dict[str, object]) -> int:
        if never_ship_in(context) and self._withholds(context, value, values):
            return 0
        kind = to_liquid_string(check_text(context.env, "log", values.get("type")) or "info", False)
        collector_of(context, self.token).log(
            _text(context, value), type=kind[:MAX_TYPE], template=self.template, line=self.line, token=self.token
        )
        return 0

    def _withholds(self, context: RenderContext, value: object, values: dict[str, object]) -> bool:
        if large_size((value, *values.values())) > FAR_TOO_MUCH:
            message = f"what is logged takes over {FAR_TOO_MUCH // 1024:,} KB, too much to look through for NEVER_SHIP"
            raise LimitReached(f"{message}; the limit is fixed", token=self.token)
        return withholds(context, self.token, self.template, self._passed(value, values))

    def _passed(self, value: object, values: dict[str, object]) -> Iterator[Passed]:
        yield Passed("the line", self.value, value, self.value.token)
        for argument in self.arguments:
            yield Passed(f"'{argument.name}'", argument.value, values[argument.name], argument.token)

    def expressions(self) -> Iterable[Expression]:
        """Return the value's and the arguments' expressions."""
        yield self.value
        yield from (argument.value for argument in self.arguments)


def _text(context: RenderContext, value: object) -> str:
    """Return text as it is and a list or object as JSON, which tells more than their Liquid output."""
    if isinstance(value, dict | list):
        measure_text(context.env, "log", value)
        with suppress(NotPlain):
            return json.dumps(encode_passed(context, value), ensure_ascii=False)
    value = check_text(context.env, "log", value)
    return str(value) if isinstance(value, dict | list) else to_liquid_string(value, False)


class LogTag(Tag):
    """`{% log value, type: 'info', env: 'staging' %}`, or with the type behind the value, without its name.

    Other named arguments are allowed and not used.
    """

    name = TAG_LOG
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        stream.expect(TOKEN_EXPRESSION)
        arguments = parse_arguments(self.env, stream, token)
        values = arguments.values(self.env, missing="say what to log: {% log 'message' %}")
        if len(values) > _VALUE_AND_TYPE:
            message = "log takes a value and a type: join more values to one text, or list them in brackets"
            raise TagSyntaxError(message, token=values[_VALUE_AND_TYPE].token)
        named = arguments.named
        if len(values) == _VALUE_AND_TYPE and all(argument.name != "type" for argument in named):
            named = (*named, Argument("type", values[1], values[1].token))
        return LogNode(token, values[0], named)
