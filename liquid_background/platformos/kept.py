"""What one render keeps for all its templates, the layout included: contents for `yield`, and exports."""

from __future__ import annotations

from math import inf
from typing import Any, Final

from liquid import Environment, RenderContext

from liquid_background.errors import LimitReached
from liquid_background.jobs.sizes import MadeDict, megabytes, weigh_whole
from liquid_background.language.context import Context
from liquid_background.language.filters import made
from liquid_background.language.limits import MAX_OUTPUT

_MOST_NAMES: Final = 1_000
_KEY: Final = "platformos"


class Contents:
    """Texts by their names."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._size = 0  # characters of all
        self._count = 0

    def add(self, env: Environment, name: str, text: str) -> None:
        """Keep a text behind those of its name.

        Raises:
            LimitReached: when all those that are kept are too many, or take too much.
        """
        self._size += len(text)
        self._count += 1
        most = env.output_stream_limit or MAX_OUTPUT
        if self._size > most:
            message = f"what content_for keeps is over {megabytes(most)} (Environment.output_stream_limit)"
            raise LimitReached(message, token=None)
        if self._count > _MOST_NAMES:
            message = f"over {_MOST_NAMES:,} blocks of content_for in one render; the limit is fixed"
            raise LimitReached(message, token=None)
        self._texts.setdefault(name, []).append(text)

    def text(self, name: str) -> str:
        """Return the text that is kept under a name."""
        return "".join(self._texts.get(name, ()))


def contents_of(context: RenderContext) -> Contents:
    """Return what a render keeps for `yield`."""
    if not isinstance(context, Context):  # of others, each of which keeps its own
        own: Contents = context.tag_namespace.setdefault(_KEY, Contents())
        return own
    watch = context.watch
    if not isinstance(watch.shared, Contents):
        watch.shared = Contents()
    return watch.shared


def export(context: RenderContext, namespace: str, values: dict[str, Any]) -> None:
    """Put values where `context.exports` shows them: to all templates of a page; in a job, where there is no `context`
    of the page, to those that share the variables of this one.

    Args:
        context: of the tag.
        namespace: that they stand in; "" for none.
        values: by their names.

    Raises:
        LimitReached: when all exports take too much, or are nested too deep.
    """
    found = context.resolve("context", default=None)
    around: dict[str, Any] = found if isinstance(found, dict) else {}
    exports = around.get("exports")
    old: dict[str, Any] = exports if isinstance(exports, dict) else {}
    inner = old.get(namespace)
    new = {namespace: {**(inner if isinstance(inner, dict) else {}), **values}} if namespace else values
    whole = made(context.env, {**old, **new})
    if type(exports) is MadeDict:  # the page's own, made for this render: one of the application stays as it is
        exports.update(new)
        exports.weight, exports.levels = weigh_whole(exports, inf)
    else:
        context.assign("context", {**around, "exports": whole})
