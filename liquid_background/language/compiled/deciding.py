"""When a template is compiled: once walking over its nodes has taken longer than compiling them takes."""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from time import perf_counter
from typing import Any, Final, TextIO

from liquid import BoundTemplate, Token, __version__

from liquid_background.language.compiled.renderer import Renderer
from liquid_background.language.compiled.room import Room
from liquid_background.language.compiled.running import into_template, walk, walk_async
from liquid_background.language.compiled.source import TooMuch
from liquid_background.language.compiled.tracebacks import name_lines

TESTED: Final = ("2.3.6",)
"""The versions of python-liquid whose nodes are known to do what is written for them; with others all is walked."""
patience = 1.0
"""How many times the time of compiling has to be spent walking first; tests have none."""
_COST: Final = 80e-9  # seconds that compiling takes for each byte that a template takes when it is parsed
_LEAST: Final = 0.2e-3  # seconds that it takes in any case

logger = getLogger("liquid_background")
_told: set[str] = set()
_room: Final = Room()


class Compiled:
    """What a template has become: a function for its renders, one for its async renders, or neither.

    Attributes:
        why_walked: why it is not compiled, where that is for good.
    """

    __slots__ = ("__weakref__", "_async", "_spent", "_sync", "_took", "why_walked")

    def __init__(self) -> None:  # without the template: the two would wait for the garbage collector
        self._sync: Renderer | None = None
        self._async: Renderer | None = None
        self._spent = 0.0
        self._took = 0.0  # seconds of compiling, once that is known
        self.why_walked = ""

    def render(
        self, template: BoundTemplate, context: Any, buffer: TextIO, names: Mapping[str, object], *, leaves: bool
    ) -> None:
        """Render the template.

        Args:
            template: whose it is.
            context: of the render.
            buffer: what it prints to.
            names: that it sees before all others.
            leaves: whether a `break` may leave it, for a loop around it.
        """
        renderer = self._sync or (self._made(template, awaits=False) if self._is_time(template) else None)
        if renderer is not None and renderer.fits(context, names):
            into_template(context, names)
            try:
                renderer.render(context, buffer, template.env, leaves)
            except RecursionError:
                raise  # there is no room for anything
            except Exception as error:
                name_lines(error)
                raise
            finally:
                context.scope._maps.popleft()
        else:
            started = perf_counter()
            with context.extend(namespace=names):
                walk(template.nodes, context, buffer, template.env, leaves=leaves)
            self._spent += perf_counter() - started

    async def render_async(
        self, template: BoundTemplate, context: Any, buffer: TextIO, names: Mapping[str, object], *, leaves: bool
    ) -> None:
        """Do what `render` does, awaiting what can be awaited."""
        renderer = self._async or (self._made(template, awaits=True) if self._is_time(template) else None)
        if renderer is not None and renderer.fits(context, names):
            into_template(context, names)
            try:
                await renderer.render(context, buffer, template.env, leaves)
            except RecursionError:
                raise  # there is no room for anything
            except Exception as error:
                name_lines(error)
                raise
            finally:
                context.scope._maps.popleft()
        else:
            started = perf_counter()
            with context.extend(namespace=names):
                await walk_async(template.nodes, context, buffer, template.env, leaves=leaves)
            self._spent += perf_counter() - started

    def explain(self, template: BoundTemplate) -> tuple[str, Mapping[str, Token]]:
        """Return why the template is walked over, "" when it is compiled; and the tags that are called as they are."""
        env: Any = template.env
        if env.compile is False:
            return "compiling is off (COMPILE)", {}
        found = self._sync or self._async or (None if self.why_walked else self._made(template, awaits=False))
        return self.why_walked, found.called if found is not None else {}

    def _is_time(self, template: Any) -> bool:
        if self.why_walked or template.env.compile is False:
            return False
        cost: float = _LEAST + _COST * template.weight
        return self._spent >= patience * max(cost, self._took)

    def forget(self) -> None:
        """Let go of what was compiled, for others; a render that uses it goes on."""
        self._sync = self._async = None

    def _made(self, template: BoundTemplate, *, awaits: bool) -> Renderer | None:
        if __version__ not in TESTED:
            self.why_walked = f"python-liquid {__version__} is none of the tested versions ({', '.join(TESTED)})"
            _tell_once(self.why_walked)
            return None
        started = perf_counter()
        try:
            made = Renderer(template, awaits=awaits)
        except TooMuch as reason:
            self.why_walked = str(reason)
        except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
            self.why_walked = f"Python cannot compile it: {type(error).__name__}: {error}"
        else:
            if awaits:
                self._async = made
            else:
                self._sync = made
            self._spent, self._took = 0.0, perf_counter() - started
            _room.take(self, made.lines)
            return made
        return None


def _tell_once(what: str) -> None:
    if what not in _told:
        _told.add(what)
        logger.warning("templates are not compiled: %s", what)
