"""Checks of front matter: names that mean nothing, values that cannot be, and pages that answer one request."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePath
from typing import Final
from unicodedata import category
from urllib.parse import unquote

import yaml
from liquid.exceptions import LiquidError

from liquid_background.language.environment import Environment
from liquid_background.language.pages import (
    CONSUMERS,
    KEYS,
    LONGEST_NAME,
    NO_HEADERS,
    NULLS,
    NUMBERS,
    ONE_OF,
    PAGES,
    TEXTS,
    Conflict,
    compose,
    is_canonical,
    offset_of,
    plain,
    reason_against,
    reason_against_choice,
    sites_of,
)
from liquid_background.language.syntax import OPTIONS, show
from liquid_background.lint.edits import Edit, place_of, replaced
from liquid_background.lint.finding import RULES, Finding
from liquid_background.nearest import Suggestions, is_slip, nearest

_KINDS: Final = {
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
}
"""What YAML takes some text without quotes for, though its author may not."""

_MEANT: Final[Mapping[str, tuple[str, ...]]] = {"metadata": ("true", "false"), "layout": ("false", "no", "off")}
_CRONS: Final = frozenset(("schedule", "cron"))  # of these, the check of schedules says what is wrong
_LONGEST_FIX: Final = 60  # characters of a value that is worth writing out

_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|//")
_UNSEEN: Final = {"Cs": "half of a surrogate pair, which is no character", "Cc": "a control character"}
_ENDS_PATH: Final[Mapping[str, str]] = {
    "?": "starts the query of a URL",
    "#": "starts what a browser keeps for itself",
    "\\": "is a slash to browsers",
}


def slug_conflicts(environment: Environment) -> dict[str, Conflict]:
    """Return the pages that others of the site answer before, by the absolute paths of their files."""
    return {
        os.path.abspath(conflict.page.path): conflict
        for site in sites_of(environment.loader)
        for conflict in site.routes.conflicts()
    }


def check_values(path: str, source: str, conflict: Conflict | None, suggestions: Suggestions) -> Iterator[Finding]:
    """Yield what is doubtful or wrong in front matter that can be read.

    Args:
        path: the file.
        source: its text.
        conflict: what its slug collides with.
        suggestions: of this check.
    """
    yield from _Values(path, source, suggestions).findings(conflict)


class _Values:
    """The check of one file's front matter."""

    def __init__(self, path: str, source: str, suggestions: Suggestions) -> None:
        self._path = path
        self._source = source
        self._suggestions = suggestions

    def findings(self, conflict: Conflict | None) -> Iterator[Finding]:
        node = compose(self._source, self._path)
        keys: dict[str, yaml.Node] = {}
        values: dict[str, yaml.Node] = {}
        pairs = node.value if node is not None else ()
        given = {str(key.value) for key, _ in pairs}
        for key, value in pairs:
            name = str(key.value)
            if name in keys:
                shown = name if name in KEYS else show(name)
                yield self._at(key, "front-matter", f"{shown} is given twice; the last one counts")
            keys[name] = key
            values[name] = value
            yield from self._key(key, given) if name not in KEYS else self._value(name, value)
        if CONSUMERS in PurePath(self._path).parts and "metadata" in values:
            yield from self._options(values["metadata"], keys)
        if conflict is not None:
            yield self._conflict(keys.get("slug"), conflict)
        yield from self._late()

    def _options(self, metadata: yaml.Node, keys: Mapping[str, yaml.Node]) -> Iterator[Finding]:
        """Yield options of a consumer, under `metadata`, that do not count."""
        items = metadata.value if isinstance(metadata, yaml.SequenceNode) else ()
        if any(
            str(key.value) in OPTIONS for item in items if isinstance(item, yaml.MappingNode) for key, _ in item.value
        ):
            message = "metadata is a list, so no option in it counts"
            yield self._at(metadata, "misspelt-option", message, "write `name: value` lines without `-`")
        for key, _ in metadata.value if isinstance(metadata, yaml.MappingNode) else ():
            name = str(key.value)
            if name in OPTIONS:
                if name in keys:
                    message = f"{name} stands beside metadata too, and that one counts"
                    yield self._at(key, "front-matter", message, "remove one of the two")
                continue
            near = self._suggestions.of("option", name.lower().replace("-", "_"), OPTIONS, cutoff=0.75)
            if near:
                message = f"{show(name)} is a value of your own"
                given = {str(other.value) for other, _ in metadata.value} | {*keys}
                edits = self._instead(key, near) if near not in given else ()
                yield self._at(key, "misspelt-option", message, f"did you mean the option '{near}'?", edits)

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

    def _at(
        self, node: yaml.Node | None, rule: str, message: str, fix: str = "", edits: tuple[Edit, ...] = ()
    ) -> Finding:
        offset = offset_of(self._source, node) if node is not None else 0
        line, column = place_of(self._source, offset)
        written = plain(node) if node is not None else None
        width = len(written) if written and self._source.startswith(written, offset) else 0
        return Finding(self._path, line, column, RULES[rule], message, fix, width, edits)

    def _instead(self, node: yaml.Node, text: str) -> tuple[Edit, ...]:
        """Return the edit that writes other text instead of a value without quotes."""
        written = plain(node)
        return replaced(self._source, offset_of(self._source, node), written, text) if written else ()

    def _key(self, key: yaml.Node, given: Collection[str]) -> Iterator[Finding]:
        name = key.value.lower().replace("-", "_")
        near = self._suggestions.of("key", name, sorted(KEYS))
        fix = f"did you mean '{near}'?" if near else "put values of your own under `metadata`"
        edits = self._instead(key, near) if near and near not in given and is_slip(name, near) else ()
        yield self._at(key, "unknown-key", f"{show(key.value)} means nothing in front matter", fix, edits)

    def _value(self, name: str, value: yaml.Node) -> Iterator[Finding]:
        wrong: list[Finding] = []
        if plain(value) not in NULLS:
            if name in ONE_OF:
                wrong += self._one_of(name, value)
            if name == "response_headers":
                wrong += self._headers(value)
            if name == "slug":
                wrong += self._slug(value)
        yield from wrong or self._plain(name, value)  # quotes would not help

    def _one_of(self, name: str, value: yaml.Node) -> Iterator[Finding]:
        reason = reason_against_choice(name, value.value)
        if reason:
            given = value.value.upper() if name == "method" else value.value.lower()
            near = nearest(given, ONE_OF[name])
            edits = self._instead(value, near) if near and near == given else ()
            yield self._at(value, "front-matter", reason, f"did you mean '{near}'?" if near else "", edits)

    def _slug(self, value: yaml.Node) -> Iterator[Finding]:
        if isinstance(value, yaml.ScalarNode):
            reason, fix = _reason_against_slug(value.value)
            if reason:
                yield self._at(value, "front-matter", f"no request reaches the slug {show(value.value)}: {reason}", fix)

    def _headers(self, value: yaml.Node) -> Iterator[Finding]:
        if not isinstance(value, yaml.MappingNode):
            yield self._at(value, "front-matter", NO_HEADERS)
            return
        for name, header in value.value:
            reason = reason_against(str(name.value), header.value)
            if reason:
                yield self._at(header, "front-matter", f"the header {show(str(name.value))} {reason}")

    def _plain(self, name: str, node: yaml.Node) -> Iterator[Finding]:
        """Yield the unquoted values that are text here, and that YAML elsewhere takes for something else."""
        if isinstance(node, yaml.MappingNode):
            for key, inner in node.value:
                inner_name = str(key.value)
                yield from self._plain(name if name == "metadata" and inner_name not in NUMBERS else inner_name, inner)
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
        elif name not in _CRONS and _kind(written) and written.lower() not in _MEANT.get(name, ()):
            message = f"{show(written)} is text here, where YAML often takes it for {_kind(written)}"
            edits = self._instead(node, f"'{written}'") if "\n" not in written else ()
            yield self._at(node, "doubtful-value", message, fix, edits)

    def _conflict(self, node: yaml.Node | None, conflict: Conflict) -> Finding:
        first, page = conflict.first, conflict.page
        if conflict.is_hidden:
            message = f"this file is never read: {os.path.basename(first.path)} beside it has the same name"
            return self._at(None, "same-slug", message, "remove one of the two")
        method = page.method or first.method
        request = f"{method} /{page.slug}" if method else f"/{page.slug}"
        message = f"{PAGES}/{first.name} answers {request} before this page"
        if conflict.more:
            message += f", and so {'does' if conflict.more == 1 else 'do'} {conflict.more:,} more"
            return self._at(node, "same-slug", message, "give each of them a slug or method of its own")
        return self._at(node, "same-slug", message, "give one of the two another slug or method")


def _reason_against_slug(slug: str) -> tuple[str, str]:
    """Return why no request asks for a path as it is written, and what to write; ("", "") when one does."""
    if len(slug) > LONGEST_NAME:
        return f"it has over {LONGEST_NAME:,} characters", "shorten it"
    if _ENCODED.search(slug):
        return "paths are compared decoded", f"write {show(unquote(slug))}"
    if _ADDRESS.match(slug):
        return "it is an address, and a slug is a path in this site", "leave out what stands before the path"
    if set(slug.split("/")) & {".", ".."}:
        return "browsers take dots out of a path", "write the path that is meant"
    for character, why in _ENDS_PATH.items():
        if character in slug:
            return f"`{character}` {why}", f"leave out `{character}`"
    kinds = {category(character) for character in slug} if not slug.isprintable() else set()
    unseen = next((what for kind, what in _UNSEEN.items() if kind in kinds), "")
    return (f"it holds {unseen}", "leave it out") if unseen else ("", "")


def _kind(written: str) -> str:
    """Return what YAML takes unquoted text for, if that is not what its letters say."""
    if is_canonical(written):
        return ""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    candidates = (*resolvers.get(written[:1], ()), *resolvers.get(None, ()))
    return next((_KINDS.get(tag, "") for tag, pattern in candidates if pattern.match(written)), "")
