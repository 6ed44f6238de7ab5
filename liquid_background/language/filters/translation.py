"""Translated messages, of which each is measured before its variables are put into it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from liquid import Environment, RenderContext
from liquid.extra import GetText, NGetText, NPGetText, PGetText, Translate
from liquid.extra.filters.translate import BaseTranslateFilter
from liquid.extra.tags.translate_tag import TranslateNode, TranslateTag

from liquid_background.jobs.sizes import text_size
from liquid_background.language.filters.result import MAX_VALUE, check_size, check_text, refuse

MAX_MESSAGE: Final = 256 * 1024
"""Characters of a message, before its variables are put into it."""

_WIDE: Final = re.compile(r"%(?:\(\w*\))?[-#0 +]*(?:\*|\d{3,}|\d*\.(?:\*|\d{3,}))")
_NAMES: Final = BaseTranslateFilter.re_vars


def _check_message(context: RenderContext, what: str, text: str) -> None:
    """Accept a message with the variables that are to be put into it, which are in the context's scope.

    Raises:
        LimitReached: when it is too large, or would be.
    """
    if len(text) > MAX_MESSAGE:
        refuse(f"{what} is given a message of {len(text):,} characters; it takes at most {MAX_MESSAGE:,}")
    if _WIDE.search(text):
        refuse(f"{what} is given a message that asks for text of a width, such as %100s; at most 99 are allowed")
    size = len(text)
    for name, count in Counter(_NAMES.findall(text)).items():
        value = context.resolve(name, default=None)
        check_text(context.env, what, value)
        size += count * (len(value) if isinstance(value, str) else text_size(value, MAX_VALUE))
    check_size(context.env, what, size)


class _Measured(BaseTranslateFilter):
    """A filter that translates."""

    def format_message(self, context: RenderContext, message_text: str, message_vars: dict[str, Any]) -> str:
        """Return a message with its variables."""
        with context.extend(message_vars):
            _check_message(context, self.name, message_text)
        return super().format_message(context, message_text, message_vars)


class _Translate(_Measured, Translate):
    pass


class _GetText(_Measured, GetText):
    pass


class _NGetText(_Measured, NGetText):
    pass


class _PGetText(_Measured, PGetText):
    pass


class _NPGetText(_Measured, NPGetText):
    pass


class BoundedTranslateNode(TranslateNode):
    """A translated block."""

    def _format_message(self, context: RenderContext, message_text: str) -> str:
        _check_message(context, "translate", message_text)
        return super()._format_message(context, message_text)


class BoundedTranslateTag(TranslateTag):
    """`{% translate name: value %} … {% endtranslate %}`."""

    node_class = BoundedTranslateNode


def add_translations(env: Environment) -> None:
    """Put our own filters in the places of python-liquid's."""
    for made in (_Translate, _GetText, _NGetText, _PGetText, _NPGetText):
        if made.name in env.filters:
            env.filters[made.name] = made(autoescape_message=env.autoescape)
