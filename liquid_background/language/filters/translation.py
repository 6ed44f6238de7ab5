"""Translated messages, of which each is measured before its variables are put into it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from liquid import Environment, RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.extra import GetText, NGetText, NPGetText, PGetText, Translate
from liquid.extra.filters.translate import BaseTranslateFilter
from liquid.extra.tags.translate_tag import TranslateNode, TranslateTag
from liquid.messages import Translations

from liquid_background.jobs.sizes import text_size
from liquid_background.language.filters.result import MAX_VALUE, check_size, check_text, refuse
from liquid_background.wording import a

MAX_MESSAGE: Final = 256 * 1024
"""Characters of a message, before its variables are put into it."""

_WIDE: Final = re.compile(r"%(?:\(\w*\))?[-#0 +]*(?:\*|\d{3,}|\d*\.(?:\*|\d{3,}))")
_NAMES: Final = BaseTranslateFilter.re_vars


def _variables(context: RenderContext, what: str, text: str) -> dict[str, Any]:
    """Return the variables of a message that are in the context's scope, as what is to be put into it for them.

    Raises:
        LimitReached: when it is too large, or would be.
        NotExposed: when one is an object whose text is not exposed.
    """
    if len(text) > MAX_MESSAGE:
        refuse(f"{what} is given a message of {len(text):,} characters; it takes at most {MAX_MESSAGE:,}")
    if _WIDE.search(text):
        refuse(f"{what} is given a message that asks for text of a width, such as %100s; at most 99 are allowed")
    size = len(text)
    found: dict[str, Any] = {}
    for name, count in Counter(_NAMES.findall(text)).items():
        value = context.resolve(name)
        value = check_text(context.env, what, value, joined=True, html=context.autoescape)
        size += count * (len(value) if isinstance(value, str) else text_size(value, MAX_VALUE))
        found[name] = value
    check_size(context.env, what, size)
    return found


def _checked(translations: Any, what: str) -> Any:
    """Return what a template's variable says to translate with; a template can put anything there.

    Raises:
        FilterArgumentError: when it is nothing of the kind.
    """
    if not hasattr(translations, "npgettext"):
        raise FilterArgumentError(f"{what}: the variable translations is {a(type(translations).__name__)}", token=None)
    return translations


class _Measured(BaseTranslateFilter):
    """A filter that translates."""

    def format_message(self, context: RenderContext, message_text: str, message_vars: dict[str, Any]) -> str:
        """Return a message with its variables."""
        with context.extend(message_vars):
            found = _variables(context, self.name, message_text)
        return super().format_message(context, message_text, found)

    def _resolve_translations(self, context: RenderContext) -> Translations:
        found: Translations = _checked(super()._resolve_translations(context), self.name)
        return found


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

    def resolve_translations(self, context: RenderContext) -> Translations:
        """Return what translates here."""
        found: Translations = _checked(super().resolve_translations(context), "translate")
        return found

    def resolve_count(self, context: RenderContext, block_scope: dict[str, object]) -> int | None:
        """Return the number that chooses between singular and plural: 1 where none is given."""
        try:
            return super().resolve_count(context, block_scope)
        except (TypeError, OverflowError):  # of a list, or infinity
            return 1

    def resolve_message_context(self, context: RenderContext, block_scope: dict[str, object]) -> str | None:
        """Return what the message is about, as text."""
        about = check_text(context.env, "translate", block_scope.pop("context", None))
        found: str | None = super().resolve_message_context(context, {"context": about})
        return found

    def _format_message(self, context: RenderContext, message_text: str) -> str:
        with context.extend(_variables(context, "translate", message_text)):
            return super()._format_message(context, message_text)


class BoundedTranslateTag(TranslateTag):
    """`{% translate name: value %} … {% endtranslate %}`."""

    node_class = BoundedTranslateNode
    # With python-liquid's matches, which looks to the end of a run of blanks from each of them: 250 KB take it minutes.
    re_whitespace = re.compile(r"(?<!\s)\s*\n\s*")


def add_translations(env: Environment) -> None:
    """Put our own filters in the places of python-liquid's."""
    for made in (_Translate, _GetText, _NGetText, _PGetText, _NPGetText):
        if made.name in env.filters:
            env.filters[made.name] = made(autoescape_message=env.autoescape)
