"""Tags of a dry run: nodes say what they read of effects; those of the application are listed, and not rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Tag, TokenStream
from liquid.expression import Expression
from liquid.parser import Parser, get_parser
from liquid.token import TOKEN_OUTPUT

from liquid_background.language.declared import Declared
from liquid_background.language.dry.context import DryContext
from liquid_background.language.dry.judging import is_known, node_declared
from liquid_background.language.syntax import line_of
from liquid_background.language.tags.background_node import BackgroundNode
from liquid_background.language.tags.try_catch import TryNode

_PASS_ON: Final = frozenset((
    "action", "assign", "background", "capture", "echo", "export", "function", "graphql", "hash_assign", "include",
    "log", "parse_json", "print", "render", "return", "trigger_event",
))  # fmt: skip
"""Tags of ours, and of python-liquid, that print what they read, or put it where marks are found again."""


def _watched(kind: type[Node]) -> dict[str, Any]:
    """Return the methods of nodes of a class that are rendered, and note what they read."""

    def render(self: Node, context: DryContext, buffer: TextIO) -> int:
        trace = context.trace
        before, left_out = len(trace.effects), trace.left_out
        with trace.inside(passes_on=_passes_on(self), place=_place(self, context)) as reads:
            written = kind.render(self, context, buffer)
            if isinstance(self, TryNode) and (len(trace.effects), trace.left_out) != (before, left_out):
                reads |= {each.number for each in trace.effects[min(before, len(trace.effects) - 1) :]}
        return written

    return {"render": render}


def _sending(kind: Any) -> dict[str, Any]:
    """Return the methods of background blocks: an option that depends on an effect is its default."""

    def read_options(self: Any, context: DryContext, values: list[object], partial: str | None) -> dict[str, Any]:
        trace, given = context.trace, self._given
        numbers = {place: trace.marks.numbers(values[place]) for _, _, place in given}
        self._given = [each for each in given if not numbers[each[2]]]
        try:
            read: dict[str, Any] = kind._read_options(self, context, values, partial)
        finally:
            self._given = given
        trace.options_depend = frozenset().union(*numbers.values())
        return read

    return {**_watched(kind), "_read_options": read_options}


def _listed(kind: type[Node]) -> dict[str, Any]:
    """Return the methods of nodes of the application's: each is listed, and a mark is printed in its place."""
    says_names = kind.template_scope is not Node.template_scope

    def render(self: Node, context: DryContext, buffer: TextIO) -> int:
        trace, name = context.trace, self.token.value
        env: Any = context.env
        declared: Declared = env.declared_node(self)
        with trace.inside(passes_on=True, place=_place(self, context)) as reads:
            arguments = _arguments(self, context)
            preview = None if reads else declared.preview
            listed = trace.left_out
            number = trace.effect("tag", name, arguments, previewed=preview is not None)
        text = _text(self, context, number, may_repeat=preview is None)
        if text and trace.left_out == listed:
            trace.tell_text(number, text)
        if preview is not None:
            return buffer.write(str(preview(arguments, text)))
        for each in self.template_scope():
            context.assign(each, trace.value_of(number, name))
        if not says_names:
            trace.decide((number,))  # it may set any variable
        return buffer.write(trace.marks.mark(name, (number,)))

    return {"render": render, "render_to_output": render}


def _passes_on(node: Any) -> bool:
    """Return whether what a node reads decides nothing."""
    if not is_known(type(node)) or not (node.token.kind == TOKEN_OUTPUT or node.token.value in _PASS_ON):
        return False
    repeats = getattr(node, "var", None) is not None  # a partial, for each of several values
    return not repeats and all(each.name != "env" for each in getattr(node, "arguments", ()))


def _place(node: Node, context: DryContext) -> tuple[str, int]:
    line = line_of(node.token) if node.token.start_index >= 0 else 0
    return getattr(context.template, "display_name", ""), line


def _arguments(node: Node, context: RenderContext) -> dict[str, Any]:
    """Return the values of a tag's arguments, by their names where it has them from `parse_arguments`."""
    names: dict[int, str] = {}
    for held in _held(node):
        for each in held if isinstance(held, list | tuple) else (held,):
            value, name = getattr(each, "value", None), getattr(each, "name", None)
            if is_known(type(each)) and isinstance(value, Expression) and isinstance(name, str):
                names[id(value)] = name
    made: dict[str, Any] = {}
    for at, expression in enumerate(node.expressions()):
        is_ours = is_known(type(expression))
        made[names.get(id(expression), str(at))] = expression.evaluate(context) if is_ours else str(expression)
    return made


def _held(node: Node) -> Iterator[object]:
    """Yield what the attributes of a node hold, without calling code of its class."""
    yield from getattr(node, "__dict__", {}).values()
    for kind in type(node).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            yield getattr(node, name, None)


def _text(node: Node, context: DryContext, number: int, *, may_repeat: bool) -> str:
    """Return what stands in a block, rendered once: nobody knows how often the tag does that."""
    children = [*node.children(context, include_partials=False)]
    if not children:
        return ""
    trace, mark = context.trace, context.trace.marks.mark(node.token.value, (number,))
    decided, outer = trace.decided, context.watch.text
    names = {str(each): mark for each in node.block_scope()}
    text = context.get_buffer()
    if may_repeat:
        trace.decide((number,))
    try:
        with context.extend(names):
            for child in children:
                child.render(context, text)
    finally:
        context.watch.text = outer
        if may_repeat and number not in decided:
            trace.decided -= {number}
    return text.getvalue()


def _dry(kind: type[Node], *, pure: bool) -> type[Node]:
    """Return the class of nodes of a class in a dry run. It adds no slots, so that a node can become one of it."""
    if kind in _dry_classes:
        return kind
    made = _made.get((kind, pure))
    if made is None:
        methods = _listed if not pure else _sending if issubclass(kind, BackgroundNode) else _watched
        names = {"__slots__": (), "__module__": kind.__module__, **methods(kind)}
        made = _made[kind, pure] = type(kind.__name__, (kind,), names)
        _dry_classes.add(made)
    return made


_made: dict[tuple[type[Node], bool], type[Node]] = {}
_dry_classes: set[type[Node]] = set()


def dry_tags(tags: Mapping[str, Tag], env: Any) -> dict[str, Tag]:
    """Return copies of tags that parse for a dry environment."""
    return {name: _dry_tag(tag, env) for name, tag in tags.items()}


def _dry_tag(tag: Tag, env: Any) -> Tag:
    made = copy(tag)
    for name, held in vars(made).items():
        if held is env.origin:
            setattr(made, name, env)
        elif isinstance(held, Parser):
            setattr(made, name, get_parser(env))
    parse = made.get_node

    def get_node(stream: TokenStream) -> Node:
        node = parse(stream)
        declared = node_declared(env.declared_tag(tag), node)
        node.__class__ = _dry(type(node), pure=declared.pure)
        return node

    made.origin = tag  # type: ignore[attr-defined]
    made.get_node = get_node  # type: ignore[method-assign]
    return made
