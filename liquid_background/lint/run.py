"""What one check of many files looks up once, whatever stands in them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from liquid.exceptions import LiquidError

from liquid_background.job import MAX_TIMEOUT
from liquid_background.language.environment import Environment
from liquid_background.language.pages import LAYOUTS, PARTIALS, Texts, key_of, sites_of, walk
from liquid_background.language.tags import BackgroundNode
from liquid_background.lazy import kept
from liquid_background.lint.members import members_in
from liquid_background.lint.partials import Partials
from liquid_background.lint.values import slug_conflicts
from liquid_background.nearest import Suggestions

_GIVEN: Final = re.compile(r"([\w-]+)\s*(?::|=(?!=))|\b(?:capture|for|as|catch)\s+['\"]?([\w-]+)")

FirstUses: TypeAlias = dict[str, tuple[str, BackgroundNode]]
"""For each source name the file and tag that use it first, over all files of one check."""


def any_time(priority: str) -> float:
    """Return the seconds that an attempt may take where no setting says it."""
    return MAX_TIMEOUT


def _names_given(text: bytes) -> Iterator[str]:
    return (name for pair in _GIVEN.findall(text.decode("utf-8", "replace")) for name in pair)


class Run:
    """One check.

    Args:
        environment: with the tags and filters of the application, and its loader.
        job_timeout: returns the setting for a priority.
        unsaved: texts that are not in their files yet; the environment finds them already.
    """

    def __init__(
        self,
        environment: Environment,
        job_timeout: Callable[[str], float] = any_time,
        unsaved: Texts = MappingProxyType({}),
    ) -> None:
        self.environment = environment
        self.job_timeout = job_timeout
        self.unsaved = unsaved
        self.sites = sites_of(environment.loader)
        self.names: FirstUses = {}
        self.scheduled = 0  # pages and partials with a schedule
        self.partials = Partials(environment)
        self.suggestions = Suggestions()
        self.conflicts = slug_conflicts(environment)
        self._members: tuple[str, frozenset[str]] = ("", frozenset())
        self._found: dict[tuple[str, str], bool] = {}
        self._consumed: dict[str, bool] = {}

    @kept
    def partial_names(self) -> list[str]:
        """The partials of the loader's sites."""
        return [name for site in self.sites for name in site.names(PARTIALS)]

    @kept
    def layout_names(self) -> list[str]:
        """The layouts of the loader's sites."""
        return [name for site in self.sites for name in site.names(LAYOUTS)]

    @kept
    def names_given(self) -> frozenset[str]:
        """The names that templates of the loader's sites give a value, by their text: in an argument or an assign."""
        names: set[str] = set()
        for site in self.sites:
            for file in walk(str(site.root), str(site.root)).templates:
                if not self.unsaved or key_of(file.path) not in self.unsaved:
                    with suppress(OSError):
                        names.update(_names_given(Path(file.path).read_bytes()))
        for text in self.unsaved.values():
            names.update(_names_given(text))
        return frozenset(names)

    def members_of(self, source: str) -> frozenset[str]:
        """Return the paths of a template that have members there, each file's looked for once."""
        if self._members[0] is not source:
            self._members = source, members_in(source)
        return self._members[1]

    def folder_of(self, path: str) -> str:
        """Return which folder of its site a file is in, such as `partials`; "" for a file of no site."""
        whole = os.path.abspath(path)
        for site in self.sites:
            within = os.path.relpath(whole, os.path.abspath(site.root)).split(os.sep)
            if within[0] != os.pardir:
                return within[0]
        return ""

    def exists(self, name: str, tag: str) -> bool:
        """Return whether a tag finds the template that it names."""
        if (tag, name) not in self._found:
            loader = self.environment.loader
            find = getattr(loader, "find", None) if self.sites else None  # of a site, or of several
            self._found[tag, name] = find is None or find(name, tag) is not None
        return self._found[tag, name]

    def has_consumers(self, event: str) -> bool:
        """Return whether a template takes an event; the check of its own file says what is wrong in front matter."""
        if event not in self._consumed:
            self._consumed[event] = self._has_consumers(event)
        return self._consumed[event]

    def _has_consumers(self, event: str) -> bool:
        if self.sites:
            return any(site.consumer_names(event) for site in self.sites)
        try:
            return bool(self.environment.consumers(event))
        except LiquidError:
            return True
