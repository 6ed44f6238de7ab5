"""Checks of front matter: names that mean nothing, values that cannot be, and pages that answer one request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from unicodedata import category
from urllib.parse import unquote

import yaml
from liquid.exceptions import LiquidError

from liquid_background.language.environment import Environment
from liquid_background.language.pages import (
    KEYS,
    MEDIA_TYPES,
    METHODS,
    NULLS,
    NUMBERS,
    PAGES,
    TEXTS,
    Page,
    compose,
    is_canonical,
    offset_of,
    plain,
    reason_against,
    sites_of,
)
from liquid_background.language.syntax import show
from liquid_background.lint.finding import RULES, Finding

_KINDS: Final = {
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
}
"""What YAML takes some text without quotes for, though its author may not."""

_MEANT: Final[Mapping[str, tuple[str, ...]]] = {"metadata": ("true", "false"), "layout": ("false", "no", "off")}
_LONGEST_FIX: Final = 60  # characters of a value that is worth writing out

_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|//")
_ENDS_PATH: Final[Mapping[str, str]] = {
    "?": "starts the query of a URL",
    "#": "starts what a browser keeps for itself",
    "\\": "is a slash to browsers",
}

_ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {"method": METHODS, "format": tuple(MEDIA_TYPES)}


@dataclass(frozen=True, slots=True)
class SlugConflict:
    """A page, and the one that answers before it."""

    page: Page
    first: Page


def slug_conflicts(environment: Environment) -> dict[str, SlugConflict]:
    """Return the pages that another one of the site answers before, by the absolute paths of their files."""
    found: dict[str, SlugConflict] = {}
    for site in sites_of(environment.loader):
        for first, page in site.routes.conflicts():
            found.setdefault(os.path.abspath(page.path), SlugConflict(page, first))
    return found


def check_values(path: str, source: str, conflict: SlugConflict | None) -> Iterator[Finding]:
    """Yield what is doubtful or wrong in front matter that can be read.

    Args:
        path: the file.
        source: its text.
        conflict: what its slug collides with.
    """
    yield from _Values(path, source).findings(conflict)


class _Values:
    """The check of one file's front matter."""

    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._source = source

    def findings(self, conflict: SlugConflict | None) -> Iterator[Finding]:
        node = compose(self._source, self._path)
        keys: dict[str, yaml.Node] = {}
        for key, value in node.value if node is not None else ():
            name = str(key.value)
            if name in keys:
                shown = name if name in KEYS else show(name)
                yield self._at(key, "front-matter", f"{shown} is given twice; the last one counts")
            keys[name] = key
            yield from self._key(key) if name not in KEYS else self._value(name, value)
        if conflict is not None:
            yield self._conflict(keys.get("slug"), conflict)
        yield from self._late()

    def _late(self) -> Iterator[Finding]:
        """Yield front matter that stands behind white space, and so is text."""
        stripped = self._source.lstrip()
        if stripped == self._source:
            return
        try:
            node = compose(stripped, self._path)
        except LiquidError:
            return
        if node is not None and any(key.value in KEYS for key, _ in node.value):
            line = self._source.count("\n", 0, len(self._source) - len(stripped)) + 1
            message = "this is printed: front matter starts with the first character of the file"
            yield Finding(self._path, line, 0, RULES["front-matter"], message, "remove what stands before it")

    def _at(self, node: yaml.Node | None, rule: str, message: str, fix: str = "") -> Finding:
        offset = offset_of(self._source, node) if node is not None else 0
        column = offset - (self._source.rfind("\n", 0, offset) + 1)
        return Finding(self._path, self._source.count("\n", 0, offset) + 1, column, RULES[rule], message, fix)

    def _key(self, key: yaml.Node) -> Iterator[Finding]:
        near = get_close_matches(key.value.lower().replace("-", "_"), sorted(KEYS), n=1)
        fix = f"did you mean '{near[0]}'?" if near else "put values of your own under `metadata`"
        yield self._at(key, "unknown-key", f"{show(key.value)} means nothing in front matter", fix)

    def _value(self, name: str, value: yaml.Node) -> Iterator[Finding]:
        if plain(value) not in NULLS:
            if name in _ONE_OF:
                yield from self._one_of(name, value)
            if name == "response_headers":
                yield from self._headers(value)
            if name == "slug":
                yield from self._slug(value)
        yield from self._plain(name, value)

    def _one_of(self, name: str, value: yaml.Node) -> Iterator[Finding]:
        given = value.value.upper() if name == "method" else value.value
        if given not in _ONE_OF[name]:
            near = get_close_matches(given if name == "method" else given.lower(), _ONE_OF[name], n=1)
            fix = f"did you mean '{near[0]}'?" if near else ""
            message = f"{name} is {show(value.value)}; it must be one of {', '.join(_ONE_OF[name])}"
            yield self._at(value, "front-matter", message, fix)

    def _slug(self, value: yaml.Node) -> Iterator[Finding]:
        if isinstance(value, yaml.ScalarNode):
            reason, fix = _reason_against_slug(value.value)
            if reason:
                yield self._at(value, "front-matter", f"no request reaches the slug {show(value.value)}: {reason}", fix)

    def _headers(self, value: yaml.Node) -> Iterator[Finding]:
        if not isinstance(value, yaml.MappingNode):
            yield self._at(value, "front-matter", "response_headers must be `name: value` lines of its own")
            return
        for name, header in value.value:
            if not isinstance(header, yaml.ScalarNode):
                reason: str | None = "must be one line of Latin-1 text"
            else:
                reason = reason_against(str(name.value), header.value)
            if reason:
                yield self._at(header, "front-matter", f"the header {show(str(name.value))} {reason}")

    def _plain(self, name: str, node: yaml.Node) -> Iterator[Finding]:
        """Yield the unquoted values that are text here, and that YAML elsewhere takes for something else."""
        if isinstance(node, yaml.MappingNode):
            for key, inner in node.value:
                yield from self._plain(name if name == "metadata" else str(key.value), inner)
        elif isinstance(node, yaml.SequenceNode):
            for inner in node.value:
                yield from self._plain(name, inner)
        written = plain(node)
        if written is None or name in NUMBERS:
            return
        fix = f"put it in quotes: '{written}'" if len(written) < _LONGEST_FIX else "put it in quotes"
        if written in NULLS:
            if written and name in TEXTS:
                yield self._at(node, "doubtful-value", f"{name}: {written} says that there is none", fix)
        elif _kind(written) and written.lower() not in _MEANT.get(name, ()):
            message = f"{show(written)} is text here, where YAML often takes it for {_kind(written)}"
            yield self._at(node, "doubtful-value", message, fix)

    def _conflict(self, node: yaml.Node | None, conflict: SlugConflict) -> Finding:
        first, page = conflict.first, conflict.page
        if first.name == page.name:
            message = f"this file is never read: {os.path.basename(first.path)} beside it has the same name"
            return self._at(None, "same-slug", message, "remove one of the two")
        method = page.method or first.method
        request = f"{method} /{page.slug}" if method else f"/{page.slug}"
        message = f"{PAGES}/{first.name} answers {request} before this page"
        return self._at(node, "same-slug", message, "give one of the two another slug or method")


def _reason_against_slug(slug: str) -> tuple[str, str]:
    """Return why no request asks for a path as it is written, and what to write; ("", "") when one does."""
    if _ENCODED.search(slug):
        return "paths are compared decoded", f"write {show(unquote(slug))}"
    if _ADDRESS.match(slug):
        return "it is an address, and a slug is a path in this site", "leave out what stands before the path"
    if set(slug.split("/")) & {".", ".."}:
        return "browsers take dots out of a path", "write the path that is meant"
    for character, why in _ENDS_PATH.items():
        if character in slug:
            return f"`{character}` {why}", f"leave out `{character}`"
    if not slug.isprintable() and any(category(character) in ("Cc", "Cs") for character in slug):
        return "it holds a control character", "leave it out"
    return "", ""


def _kind(written: str) -> str:
    """Return what YAML takes unquoted text for, if that is not what its letters say."""
    if is_canonical(written):
        return ""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    candidates = (*resolvers.get(written[:1], ()), *resolvers.get(None, ()))
    return next((_KINDS.get(tag, "") for tag, pattern in candidates if pattern.match(written)), "")
