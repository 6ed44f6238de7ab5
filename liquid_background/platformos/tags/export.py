"""`{% export name, other, namespace: 'shop' %}` makes variables known to other templates: `context.exports.shop.name`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.builtin.expressions import Path, parse_identifier
from liquid.expression import Expression
from liquid.token import TOKEN_COMMA, TOKEN_EOF, TOKEN_TAG

from liquid_background.errors import ArgumentError, NotPlain, TagSyntaxError
from liquid_background.jobs.handover import decode
from liquid_background.language.syntax import parse_arguments, parsing, show
from liquid_background.language.tags.passing import PassingNode, encode_passed, plain_instead
from liquid_background.platformos.kept import export

_EXAMPLE = "{% export name, namespace: 'shop' %}"


class ExportNode(PassingNode):
    """Exports variables."""

    __slots__ = ("names", "namespace", "template")

    def __init__(self, token: Token, names: list[Path], namespace: Expression) -> None:
        super().__init__(token)
        self.names = names
        self.namespace = namespace
        self.template = parsing.get()

    def __str__(self) -> str:
        return f"{{% export {', '.join(map(str, self.names))}, namespace: {self.namespace} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Export the values; print nothing."""
        return self._export(context, self.namespace.evaluate(context), [name.evaluate(context) for name in self.names])

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Export the values; print nothing."""
        namespace = await self.namespace.evaluate_async(context)
        return self._export(context, namespace, [await name.evaluate_async(context) for name in self.names])

    def _export(self, context: RenderContext, namespace: object, values: list[object]) -> int:
        if not isinstance(namespace, str) or not namespace.strip():
            shown = show(namespace) if isinstance(namespace, str | int | float) else "no text"
            message = f"the namespace of export is {shown}; it must be a name, as in {_EXAMPLE}"
            raise ArgumentError(message, token=self.namespace.token, template_name=self.template)
        plain = {}
        for name, value in zip(self.names, values, strict=True):
            try:
                plain[str(name.path[0])] = decode(encode_passed(context, value))
            except NotPlain as reason:
                message = f"'{name}' {reason}: {plain_instead(context, value)}"
                raise ArgumentError(message, token=name.token, template_name=self.template) from reason
        export(context, str(namespace), plain)
        return 0

    def expressions(self) -> Iterable[Expression]:
        """Return the variables and the namespace."""
        yield from self.names
        yield self.namespace


class ExportTag(Tag):
    """The `export` tag."""

    name = "export"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        """Return the node; the stream is left at the tag's last token."""
        token = stream.eat(TOKEN_TAG)
        arguments = parse_arguments(self.env, stream, token)
        names: list[Path] = []
        while arguments.head.current.kind != TOKEN_EOF:
            name = parse_identifier(self.env, arguments.head)
            names.append(Path(name.token, [str(name)]))
            if arguments.head.current.kind != TOKEN_EOF:
                arguments.head.eat(TOKEN_COMMA)
        if not names:
            raise TagSyntaxError(f"'export' needs the name of a variable, as in {_EXAMPLE}", token=token)
        for argument in arguments.named:
            if argument.name != "namespace":
                message = f"'export' takes no {argument.name}: {_EXAMPLE}"
                raise TagSyntaxError(message, token=argument.token)
        if not arguments.named:
            raise TagSyntaxError(f"'export' needs a namespace, as in {_EXAMPLE}", token=token)
        return ExportNode(token, names, arguments.named[-1].value)
