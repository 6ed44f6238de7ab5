"""The loader: finds the templates of a site by the names that tags, jobs and people use."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

from liquid import Environment as LiquidEnvironment
from liquid import RenderContext, exceptions
from liquid.builtin import CachingLoaderMixin
from liquid.loader import BaseLoader, TemplateSource

from liquid_background.errors import ArgumentError
from liquid_background.language.dialect import STANDARD, Dialect
from liquid_background.language.environment import Environment
from liquid_background.language.kept import MAX_TEMPLATE_WEIGHT, MAX_TEMPLATES, KeptSources
from liquid_background.language.limits import nobody_looks
from liquid_background.language.pages.consumers import Consumers, Crowd, refuse
from liquid_background.language.pages.files import (
    CONSUMERS,
    ENDINGS,
    LAYOUTS,
    PAGES,
    PARTIALS,
    Signature,
    changed_at,
    is_regular,
    is_settled,
    is_template_name,
    name_of,
    signature_of,
    unusable_folders,
    walk,
)
from liquid_background.language.pages.front_matter import split_front_matter
from liquid_background.language.pages.links import Place, inside
from liquid_background.language.pages.reading import read_head, read_text
from liquid_background.language.pages.routing import Routes
from liquid_background.language.pages.starting import front_matters
from liquid_background.language.syntax import seen
from liquid_background.language.tags import Consumer
from liquid_background.language.template import Template
from liquid_background.nearest import nearest

logger = logging.getLogger(__name__)

_FOLDERS: Final = {
    "include": (PARTIALS,),
    "render": (PARTIALS,),
    "function": (PARTIALS,),
    "background": (PARTIALS,),
    "layout": (LAYOUTS,),
    "extends": (LAYOUTS, PAGES, PARTIALS),
}
"""Where a tag looks for the template that it names; without a tag: pages, then the site's folder itself."""

_TRIES: Final = 4  # looks at a file that is switched between each look and the reading
_OF_FRONT_MATTER: Final = 20  # bytes that a character of front matter takes, read
_MOST_NEARS: Final = 100  # wrong names whose near ones are kept
_LONGEST_SHOWN: Final = 200  # characters of a name in an error


class SiteLoader(CachingLoaderMixin, BaseLoader):
    """Loads templates from a site's folder; caches them parsed until another file, or other text, stands there.

    Args:
        root: the folder that holds pages/, partials/, layouts/ and consumers/.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(auto_reload=True)
        self.cache: KeptSources[str, Any] = KeptSources(MAX_TEMPLATES, MAX_TEMPLATE_WEIGHT)
        self.root = Path(root)
        self._top = str(self.root.absolute())  # whatever folder the program changes to later
        self.routes = Routes(Path(self._top))
        self._nears: dict[tuple[str, str], str] = {}
        self._consumers = Consumers(self._top, self._consumer_head)
        self._dialect = STANDARD

    @property
    def dialect(self) -> Dialect:
        """The dialect that it looks for templates by."""
        return self._dialect

    def speak(self, dialect: Dialect) -> None:
        """Look for templates where a dialect has them, too; read options as it does."""
        if dialect is not self._dialect:
            self._dialect = dialect
            self._consumers = Consumers(self._top, self._consumer_head, dialect.options)
            self.cache = KeptSources(MAX_TEMPLATES, MAX_TEMPLATE_WEIGHT)

    def cache_key(self, name: str, context: RenderContext | None, args: Mapping[str, object]) -> str:
        """Return the key of a parsed template: the same name may be a page and a partial."""
        return f"{args.get('tag', '')}:{name}"

    def get_source(
        self,
        env: LiquidEnvironment,
        template_name: str,
        *,
        context: RenderContext | None = None,
        **kwargs: object,
    ) -> TemplateSource:
        """Return a template's text with its name, such as `partials/emails/welcome`.

        Raises:
            TemplateNotFoundError: when there is none, or the name leads out of the site.
            TagSyntaxError: when the file cannot be read.
        """
        text, sight = self._read(template_name, str(kwargs.get("tag") or ""), read_text)
        return TemplateSource(text, sight.name, sight.is_unchanged)

    def text(self, name: str, tag: str = "") -> str:
        """Return a template's text as it stands in its file.

        Raises:
            TemplateNotFoundError: when there is none inside the site.
            TagSyntaxError: when the file cannot be read.
        """
        return self._read(name, tag, read_text)[0]

    def _read(self, name: str, tag: str, read: Callable[[Place, str], str]) -> tuple[str, Sight]:
        """Return what is read of a template, and where: the file that is read is the one that was looked at."""
        for _ in range(_TRIES):
            sight = self._sight(name, tag)
            if sight is None:
                break
            with suppress(exceptions.TemplateNotFoundError):  # another stands there by now, or a link
                return read(sight.place, sight.name), sight
        raise TemplateNotFoundError(_shown(name), partial(self._near, name, tag))

    def _near(self, name: str, tag: str) -> str:
        """Return the partial or layout that a wrong name is near; a loop may ask for it in each turn."""
        key = (name, tag)
        if key not in self._nears:
            if len(self._nears) >= _MOST_NEARS:
                self._nears.clear()
            folders = _FOLDERS.get(tag, ())
            self._nears[key] = nearest(name, self.names(folders[0])) if folders else ""
        return self._nears[key]

    def find(self, name: str, tag: str = "") -> Path | None:
        """Return the file of a template, its links followed; None when there is none inside the site."""
        sight = self._sight(name, tag)
        return Path(sight.place.real) if sight is not None else None

    def _sight(self, name: str, tag: str) -> Sight | None:
        if not is_template_name(name):
            return None
        seen: list[tuple[str, Signature | None]] = []
        for path in self._candidates(PurePosixPath(name), tag):
            seen.append((path, signature_of(path)))
            place = inside(path, self._top) if is_regular(seen[-1][1]) else None
            if place is not None:
                return Sight(place, seen)
        return None

    def _candidates(self, name: PurePosixPath, tag: str) -> Iterator[str]:
        folders: tuple[str, ...] = _FOLDERS.get(tag, (PAGES, ""))
        if name.parts[0] == CONSUMERS or (
            name.parts[0] == PAGES and tag == "background"
        ):  # a page that a schedule names
            folders = (*folders, "")
        for folder in folders:
            for ending in ENDINGS:
                yield os.path.join(self._top, folder, f"{name}{ending}")
        for place in self._dialect.lookup(str(name), tag):
            for ending in ENDINGS:
                yield os.path.join(self._top, f"{place}{ending}")

    def load(
        self,
        env: LiquidEnvironment,
        name: str,
        *,
        globals: Mapping[str, object] | None = None,
        context: RenderContext | None = None,
        **kwargs: object,
    ) -> Template:
        """Return a template, parsed, from the cache when its file has not changed."""

        def load() -> Template:
            return self._parse(env, self.get_source(env, name, context=context, **kwargs), globals)

        # A tolerant environment drops what it cannot parse; a job, which is strict, must not get that template.
        key = f"{env.mode.name}:{self.cache_key(name, context, kwargs)}"
        found = self._check_cache(env, key, globals, load)
        assert isinstance(found, Template)
        return found

    async def load_async(self, env: LiquidEnvironment, name: str, **options: Any) -> Template:
        """Return a template; reading a small local file is not worth a thread."""
        return self.load(env, name, **options)

    def _parse(self, env: LiquidEnvironment, source: TemplateSource, globals: Mapping[str, object] | None) -> Template:
        assert isinstance(env, Environment)
        matter, body, line = split_front_matter(source.text, source.name)
        name = PurePosixPath(source.name).name
        template = env.parse_at(body, line=line, name=name, path=source.name, globals=globals, front_matter=matter)
        template.uptodate = source.uptodate
        template.weight += _OF_FRONT_MATTER * (len(source.text) - len(body))
        return template

    def unusable_folders(self) -> dict[str, str]:
        """Return which folders of the site hold no templates for anybody, by path, and why."""
        return unusable_folders(self._top)

    def warnings(self) -> list[str]:
        """Return what to warn of where nobody finds templates, as in a mount that is not there."""
        unusable = self.unusable_folders().items()
        return [f"templates: {path} {reason}; nothing in it is found: see 'poscli doctor'" for path, reason in unusable]

    def names(self, folder: str) -> list[str]:
        """Return the names of the templates in a folder of the site, without the folder: for listings and hints."""
        found = walk(os.path.join(self._top, folder), self._top)
        return sorted({name_of(each.name) for each in found.templates})

    def front_matters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the front matter of the pages and partials that may have a schedule, by path; of too many the oldest.

        Each comes under the name that jobs know it by. One that cannot be read is logged and left out.
        """
        return front_matters(self._top, self._head)

    def changed_at(self, name: str) -> int:
        """Return when the file of a page or partial, by the name that jobs know, last changed its state."""
        sight = self._sight(name, "background")
        return changed_at(sight.path if sight is not None else "")

    def _head(self, name: str, called: str) -> str:
        return self._read(name, "background", lambda place, _: read_head(place, called))[0]

    def consumers(
        self, event: str, look: Callable[[], None] = nobody_looks, tolerate: Callable[[ArgumentError], None] = refuse
    ) -> Sequence[Consumer]:
        """Return the consumers of an event, by their front matter: of too many those that have
        stood there longest.

        One that cannot be read is left out: it costs neither the page nor the event's other consumers anything. The
        first few are logged, and that there are too many.

        Args:
            event: its name.
            look: is called before each file that may be read.
            tolerate: raises what is wrong with an option, unless the nearest right value is to count.
        """
        return self._consumers.find(event, look, tolerate)

    def consumer_names(self, event: str) -> list[str]:
        """Return the names of the templates that get an event, whatever their front matter says."""
        return self._consumers.names(event)

    def crowds(self) -> list[Crowd]:
        """Return the events that have more consumers than get them."""
        return [*self._consumers.crowds()]

    def _consumer_head(self, name: str) -> tuple[str, Callable[[], bool]]:
        text, sight = self._read(name, "background", read_head)
        return text, sight.is_unchanged


def sites_of(loader: object) -> list[SiteLoader]:
    """Return the sites that a loader loads from: itself, or those that it chooses from."""
    return [each for each in getattr(loader, "loaders", [loader]) if isinstance(each, SiteLoader)]


class TemplateNotFoundError(exceptions.TemplateNotFoundError):
    """No template of a site has that name. It is called as the error of python-liquid's, which people are shown.

    Args:
        name: what was looked for.
        find_near: returns the one that may be meant; "" when none is near.
    """

    def __init__(self, name: str, find_near: Callable[[], str]) -> None:
        super().__init__(name)
        self._find_near = find_near

    @property
    def near(self) -> str:
        """The name that may be meant, looked for when somebody is told: another site may have the template."""
        return self._find_near()


class Sight:
    """Where a template was found, and what stood at each place that was looked at up to there.

    So a file that comes to stand before it, and a link on the way that leads elsewhere, are seen as changes.
    """

    __slots__ = ("_seen", "_settled", "name", "place")

    def __init__(self, place: Place, seen: list[tuple[str, Signature | None]]) -> None:
        self.place = place
        self.name = name_of(place.within)
        self._seen = seen
        self._settled = is_settled(seen[-1][1])

    @property
    def path(self) -> str:
        """Where it was looked for, links not followed."""
        return self._seen[-1][0]

    def is_unchanged(self) -> bool:
        """Return whether a look would find the same file, with the same text."""
        return self._settled and all(signature_of(path) == signature for path, signature in self._seen)


def _shown(name: str) -> str:
    return seen(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…")
