"""Which templates of a site take an event: their names, and the front matter of those that get it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, TypeAlias
from unicodedata import is_normalized

from liquid.exceptions import LiquidError

from liquid_background.errors import ArgumentError
from liquid_background.events import is_reserved
from liquid_background.job import plain_name
from liquid_background.jobs.log import printable
from liquid_background.language.limits import MAX_CONSUMERS, MAX_EVENTS, nobody_looks
from liquid_background.language.pages.files import (
    CONSUMERS,
    Signature,
    changed_at,
    is_settled,
    is_template_name,
    name_of,
    oddity,
    signature_of,
    walk,
)
from liquid_background.language.pages.front_matter import read_options
from liquid_background.language.pages.links import inside
from liquid_background.language.syntax import OPTIONS, Option, explain, show
from liquid_background.language.tags import Consumer

logger = logging.getLogger(__name__)

_EVENT: Final = re.compile(r"[\w.\-]+(/[\w.\-]+)*")
_UNSEEN: Final = re.compile("[\u115f\u1160]")  # letters that look like nothing; the others are no NFKC
_MOST_FILES: Final = 10_000  # in an event's folder that are looked at: whoever adds one has all of them listed anew
_LOOKS: Final = 500  # files between two looks at the clock
_MOST_LOGGED: Final = 20  # consumers of an event that cannot be read

Head: TypeAlias = Callable[[str], tuple[str, Callable[[], bool]]]
"""Reads the beginning of a template; with it comes what tells whether the file is still the same."""


def refuse(error: ArgumentError) -> None:
    """Raise an error: nothing is tolerated."""
    raise error


@dataclass(frozen=True, slots=True)
class Crowd:
    """An event that has more consumers than get it."""

    event: str
    folder: str
    count: int

    def __str__(self) -> str:
        return (
            f"the event {show(self.event)} has {self.count:,} consumers; the {MAX_CONSUMERS} that have stood there "
            f"longest get it, the other {self.count - MAX_CONSUMERS:,} do not; the limit is fixed"
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """A consumer as it was read."""

    is_unchanged: Callable[[], bool]
    consumer: Consumer | str  # why it cannot be one
    wrong: Sequence[ArgumentError] = ()  # options, of which the nearest right value counts where that is tolerated


@dataclass(frozen=True, slots=True)
class _Folder:
    """An event's folder as it was listed, with what was read there."""

    seen: Signature | None
    settled: bool
    files: Mapping[str, Sequence[str]]  # of the consumers that get the event, by their names in the site
    count: int  # of all
    is_full: bool = False  # of more files than are looked at
    known: dict[str, _Known] = field(default_factory=dict)


class Consumers:
    """The consumers of a site's events. Each is read again when its file, or what stands before it, has changed.

    Args:
        top: the site's folder.
        head: reads a template.
        options: of their jobs.
    """

    def __init__(self, top: str, head: Head, options: Mapping[str, Option] = OPTIONS) -> None:
        self._options = options
        self._top = top
        self._head = head
        self._folders: dict[str, _Folder] = {}

    def names(self, event: str) -> list[str]:
        """Return the names of the templates that get an event, whatever their front matter says."""
        return [*self._usable(self._listed(event))]

    def crowds(self) -> Iterator[Crowd]:
        """Yield the events that have more consumers than get them."""
        top = os.path.join(self._top, CONSUMERS)
        for path, _ in walk(top, self._top).folders:
            event = path[len(top) + 1 :]
            folder = self._listed(event)
            if folder.count > MAX_CONSUMERS:
                yield self._crowd(event, folder)

    def find(
        self, event: str, look: Callable[[], None], tolerate: Callable[[ArgumentError], None] = refuse
    ) -> list[Consumer]:
        """Return the consumers of an event; what is wrong with others is logged.

        Args:
            event: its name.
            look: is called before each file that may be read.
            tolerate: raises what is wrong with an option, unless the nearest right value is to count.
        """
        found: list[Consumer] = []
        wrong: list[str] = []
        folder = self._listed(event, look)
        for name in self._usable(folder):
            look()
            each = self._consumer(folder, event, name, tolerate)
            if isinstance(each, Consumer):
                found.append(each)
            else:
                wrong.append(each)
        takers = "its other consumers" if found else "nobody"
        for reason in wrong[:_MOST_LOGGED]:
            logger.error("event %s goes to %s: %s", event, takers, printable(reason))
        if wrong[_MOST_LOGGED:]:
            logger.error("event %s: %d more consumers cannot be read", event, len(wrong) - _MOST_LOGGED)
        if folder.count > MAX_CONSUMERS:
            logger.error("%s", self._crowd(event, folder))
        if folder.is_full:
            logger.error(
                "event %s: what stands behind the first %d files of its folder is not looked at", event, _MOST_FILES
            )
        return found

    def _crowd(self, event: str, folder: _Folder) -> Crowd:
        return Crowd(event, os.path.join(self._top, CONSUMERS, event), folder.count)

    def _listed(self, event: str, look: Callable[[], None] = nobody_looks) -> _Folder:
        """Return an event's folder as it is now; it is listed again when a file in it is new or gone."""
        path = os.path.join(self._top, CONSUMERS, event)
        seen = signature_of(path) if is_event_name(event) and inside(path, self._top) else None
        if seen is None:
            self._folders.pop(event, None)
            return _Folder(None, settled=True, files={}, count=0)
        known = self._folders.get(event)
        if known is not None and known.settled and known.seen == seen:
            return known
        there, is_full = _files_in(path, look)
        files: dict[str, Sequence[str]] = {f"{CONSUMERS}/{event}/{name}": paths for name, paths in there.items()}
        if is_full and known is not None:  # whoever fills the folder takes nobody's place
            files |= {name: paths for name, paths in known.files.items() if all(map(os.path.lexists, paths))}
        first = {name: files[name] for name in _longest_there(files, known.files if known is not None else ())}
        kept = {name: read for name, read in known.known.items() if name in first} if known is not None else {}
        if event not in self._folders and len(self._folders) >= MAX_EVENTS:
            self._folders.clear()
        listed = self._folders[event] = _Folder(seen, is_settled(seen), first, len(files), is_full, kept)
        return listed

    def _usable(self, folder: _Folder) -> Iterator[str]:
        for name, paths in folder.files.items():
            if not all(oddity(path, self._top) for path in paths):
                yield name

    def _consumer(
        self, folder: _Folder, event: str, name: str, tolerate: Callable[[ArgumentError], None]
    ) -> Consumer | str:
        """Return a consumer, or why it cannot be read."""
        try:
            known = folder.known.get(name)
            if known is None or not known.is_unchanged():
                known = folder.known[name] = self._read(event, name)
            for error in known.wrong:
                tolerate(ArgumentError(error.message, token=error.token, template_name=error.template_name))
        except LiquidError as error:
            return explain(error)
        return known.consumer

    def _read(self, event: str, name: str) -> _Known:
        text, is_unchanged = self._head(name)
        wrong: list[ArgumentError] = []
        try:
            values = read_options(text, name, wrong.append, self._options)
        except LiquidError as error:
            return _Known(is_unchanged, explain(error))
        source_name = plain_name(f"{event}_{PurePosixPath(name).name}")[:100]
        return _Known(is_unchanged, Consumer(name, {"source_name": source_name, **values}), wrong)


def is_event_name(event: str) -> bool:
    """Return whether templates can take an event of that name, as files in a folder that is called so.

    The system's own events go to no template of a site: see `liquid_background.events`.

    A name has one spelling: some file systems have one folder for all that Unicode normalises to the same.
    """
    if is_reserved(event) or not (is_template_name(event) and _EVENT.fullmatch(event)):  # a long one is none at once
        return False
    return event.isascii() or (is_normalized("NFKC", event) and not _UNSEEN.search(event))


def _longest_there(files: Mapping[str, Sequence[str]], before: Collection[str]) -> list[str]:
    """Return the names that get an event: of too many those that got it before, and then the files that changed first.

    Nobody can set the time at which a file has changed its state, so no file that is added takes another one's place.
    """
    if len(files) <= MAX_CONSUMERS:
        return sorted(files)
    ages = {name: min(map(changed_at, paths)) for name, paths in files.items()}
    return sorted(sorted(files, key=lambda name: (name not in before, ages[name], name))[:MAX_CONSUMERS])


def _files_in(folder: str, look: Callable[[], None]) -> tuple[dict[str, list[str]], bool]:
    """Return the files of a folder that may be templates, by their names, and whether there are more than are listed.

    None of them is looked at.
    """
    found: dict[str, list[str]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count % _LOOKS == 0:
                look()
            if count == _MOST_FILES:
                return found, True
            is_one = entry.name.endswith(".liquid") and is_template_name(entry.name)
            if is_one and (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                found.setdefault(name_of(entry.name), []).append(entry.path)
    return found, False
