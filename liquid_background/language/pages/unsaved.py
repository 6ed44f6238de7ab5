"""A site some of whose templates have a text that is not in their files yet, as an editor has it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeAlias

from liquid_background.language.environment import Environment
from liquid_background.language.kept import MAX_TEMPLATE_WEIGHT, MAX_TEMPLATES, KeptSources
from liquid_background.language.pages.consumers import is_event_name
from liquid_background.language.pages.files import CONSUMERS, PAGES, is_template_name, name_of, signature_of
from liquid_background.language.pages.links import Place, inside
from liquid_background.language.pages.loader import Sight, SiteLoader, sites_of
from liquid_background.language.pages.reading import text_of
from liquid_background.language.pages.routing import Routes, SeenFile

_ENDING: Final = ".liquid"

Texts: TypeAlias = Mapping[str, bytes]
"""What templates hold that are not saved, by `key_of` their paths: bytes as a file would have them, in UTF-8."""


def key_of(path: str | Path) -> str:
    """Return the path by which a file is known, whichever links lead to it."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # a link that is switched meanwhile; what can be no path
        return os.path.abspath(path)


@contextmanager
def unsaved(environment: Environment, texts: Texts) -> Iterator[None]:
    """Have an environment find templates as they would be if texts were saved; nobody else may use it meanwhile.

    Args:
        environment: one whose loader is that of a site, or chooses from sites.
        texts: may change meanwhile.
    """
    loader = environment.loader
    sites = {id(site): _Site(site, texts) for site in sites_of(loader)}
    chooser: Any = copy.copy(loader)
    if hasattr(loader, "loaders"):
        chooser.loaders = [sites.get(id(each), each) for each in loader.loaders]
        if hasattr(loader, "cache"):
            chooser.cache = KeptSources(MAX_TEMPLATES, MAX_TEMPLATE_WEIGHT)
    environment.loader = sites.get(id(loader), chooser)
    try:
        yield
    finally:
        environment.loader = loader


class _Site(SiteLoader):
    """A site with unsaved texts; it caches for itself.

    Args:
        site: as it is saved.
        texts: of its files, and of those that are not there yet.
    """

    def __init__(self, site: SiteLoader, texts: Texts) -> None:
        super().__init__(site.root)
        self.speak(site.dialect)
        self._real = os.path.realpath(self._top)
        self._texts = texts
        self.routes = _Routes(Path(self._top), self._real, texts)

    def names(self, folder: str) -> list[str]:
        start = f"{folder}/"
        new = {place.removeprefix(start) for place in self._places() if place.startswith(start)}
        return sorted({*super().names(folder), *map(name_of, new)})

    def consumer_names(self, event: str) -> list[str]:
        folder = PurePosixPath(CONSUMERS, event)
        new = {name_of(place) for place in self._places() if PurePosixPath(place).parent == folder}
        return sorted({*super().consumer_names(event), *(new if is_event_name(event) else ())})

    def _places(self) -> Iterator[str]:
        """Yield the places in the site that have an unsaved text and can be templates."""
        return _places(self._texts, self._real)

    def _sight(self, name: str, tag: str) -> Sight | None:
        if is_template_name(name):
            for path in self._candidates(PurePosixPath(name), tag):
                place = _place(key_of(path), self._texts, self._real)
                if place is not None:
                    return _Sight(place, path, self._texts)
                if inside(path, self._top) is not None:
                    break
        return super()._sight(name, tag)

    def _read(self, name: str, tag: str, read: Callable[[Place, str], str]) -> tuple[str, Sight]:
        def read_unsaved(place: Place, called: str) -> str:
            text = self._texts.get(place.real)
            return text_of(text, called) if text is not None else read(place, called)

        return super()._read(name, tag, read_unsaved)


class _Sight(Sight):
    """Where a template is that has an unsaved text."""

    __slots__ = ("_text", "_texts")

    def __init__(self, place: Place, path: str, texts: Texts) -> None:
        super().__init__(place, [(path, signature_of(path))])
        self._texts = texts
        self._text = texts[place.real]

    def is_unchanged(self) -> bool:
        return self._texts.get(self.place.real) is self._text


class _Routes(Routes):
    """The pages of a site, some of them by their unsaved texts."""

    def __init__(self, root: Path, real: str, texts: Texts) -> None:
        super().__init__(root)
        self._real = real
        self._texts = texts

    def conflicts(self) -> list[Any]:
        for place in _places(self._texts, self._real):
            if place.startswith(f"{PAGES}/"):
                self._to_see[os.path.join(self._root, place)] = None
        return super().conflicts()

    def _see(self, path: str) -> bool:
        place = _place(key_of(path), self._texts, self._real)
        if place is None:
            return super()._see(path)
        known = self._files.get(path)
        old = known.page if known is not None else None
        page = self._page(path, place, old)
        self._files[path] = SeenFile(None, settled=False, page=page)
        if page is not old:
            self._slugs.replace(old, page)
        return True

    def _head(self, place: Place, name: str) -> str:
        text = self._texts.get(place.real)
        return text_of(text, name) if text is not None else super()._head(place, name)


def _place(key: str, texts: Texts, real: str) -> Place | None:
    """Return where in a site a file is that has an unsaved text; None when it has none, or is no file of the site."""
    start = real.rstrip("/") + "/"
    return Place(key, key[len(start) :]) if key in texts and key.startswith(start) else None


def _places(texts: Texts, real: str) -> Iterator[str]:
    for key in texts:
        place = _place(key, texts, real)
        if place is not None and place.within.endswith(_ENDING) and is_template_name(place.within):
            yield place.within
