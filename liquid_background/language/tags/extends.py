"""`{% extends %}` whose parents are only so many, and are loaded in the time of the render."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TextIO

from liquid import BoundTemplate, RenderContext
from liquid.exceptions import LiquidError, StopRender, TemplateInheritanceError, TemplateNotFoundError
from liquid.extra.tags import extends_tag

from liquid_background.errors import LimitReached
from liquid_background.language.context import Context
from liquid_background.language.limits import LIGHT, hold
from liquid_background.language.syntax import template_name


class _Chain:
    """The parents of a template, from the nearest on, whose blocks are put on python-liquid's stacks.

    They are held until the last one has been rendered: chains that are rendered in each other share one limit of their
    number, and one of what they take.
    """

    def __init__(self, node: extends_tag.ExtendsNode, context: RenderContext) -> None:
        self._node = node
        self._context = context
        self._names: set[str] = set()
        self._held = ExitStack()

    def __enter__(self) -> _Chain:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()
        if isinstance(self._context, Context):
            self._context.watch.parents -= len(self._names)

    def next_after(self, template: BoundTemplate) -> extends_tag.ExtendsNode | None:
        """Take the blocks of a template; return its own `extends`, if it has one."""
        try:
            weight = getattr(template, "weight", 0)  # templates of others have none
            if weight > LIGHT:
                self._held.enter_context(hold(self._context, _name(template), weight))
            extends, _ = extends_tag._stack_blocks(self._context, template)
            if extends is not None and extends.name in self._names:
                raise TemplateInheritanceError(f"circular extends {extends.name!r}", token=extends.token)
        except LiquidError as error:
            error.template_name = _name(template)  # which is not the one that is being rendered
            raise
        if extends is not None:
            self._names.add(extends.name)
            self._count()
        return extends

    def _count(self) -> None:
        context = self._context
        if not isinstance(context, Context):
            return
        context.watch.parents += 1
        most = context.env.context_depth_limit
        if context.watch.parents > most:
            message = f"over {most} templates are extended one behind the other (Environment.context_depth_limit)"
            raise LimitReached(message, token=self._node.token, template_name=_name(context.template))


class ExtendsNode(extends_tag.ExtendsNode):
    """An `extends` that loads parent after parent as `include` loads partials."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the last parent, with the blocks of all."""
        base = context.template
        with _Chain(self, context) as chain:
            while (extends := chain.next_after(base)) is not None:
                try:
                    base = context.env.get_template(extends.name, context=context, tag=self.tag)
                except TemplateNotFoundError as error:
                    error.token, error.template_name = extends.name.token, _name(base)
                    raise
            base.render_with_context(context, buffer)
        context.tag_namespace["extends"].clear()
        raise StopRender

    async def render_to_output_async(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the last parent, with the blocks of all."""
        base = context.template
        with _Chain(self, context) as chain:
            while (extends := chain.next_after(base)) is not None:
                try:
                    base = await context.env.get_template_async(extends.name, context=context, tag=self.tag)
                except TemplateNotFoundError as error:
                    error.token, error.template_name = extends.name.token, _name(base)
                    raise
            await base.render_with_context_async(context, buffer)
        context.tag_namespace["extends"].clear()
        raise StopRender


def _name(template: BoundTemplate) -> str:
    return template_name(template.path or template.name)


class ExtendsTag(extends_tag.ExtendsTag):
    """The `extends` tag."""

    node_class = ExtendsNode
