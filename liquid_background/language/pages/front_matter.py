"""Front matter: the `name: value` lines that a template may open with, read as text and within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn

import yaml
from liquid import Token

from liquid_background.errors import ArgumentError, TagSyntaxError
from liquid_background.language.pages.keys import KEYS, NUMBERS, TEXTS
from liquid_background.language.pages.unreadable import reason_against_block
from liquid_background.language.syntax import OPTIONS, Option

# PyYAML takes some 3 us for a character, 30 us for a line and 100 us for a value.
MAX_FRONT_MATTER: Final = 8 * 1024  # characters
MAX_FRONT_MATTER_LINES: Final = 1_000
MAX_DEPTH: Final = 20  # levels of lists and mappings
MAX_VALUES: Final = 200  # values in all, lists and mappings among them


class Room(NamedTuple):
    """How much front matter may hold."""

    characters: int = MAX_FRONT_MATTER
    values: int = MAX_VALUES


WHOLE: Final = Room()
OPTIONS_ONLY: Final = Room(2 * 1024, 50)
"""That of a consumer: who triggers an event reads that of each, and a hundred of the largest would take seconds."""

_FREE: Final = "metadata"

_BLOCK: Final = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_OPENED: Final = re.compile(r"\A---[ \t]*(?:\r\n?|\n)")
_LINE_END: Final = re.compile(r"\r\n?|\n")
_YAML_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_KEY_LINE: Final = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]|\Z)", re.ASCII)

NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NO_LAYOUT: Final = frozenset(("false", "no", "off"))
_INTEGER: Final = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?", re.ASCII)


def split_front_matter(text: str, name: str, room: Room = WHOLE) -> tuple[dict[str, Any], str, int]:
    """Return (front matter, body, line at which the body starts).

    A value is text as it is written, unless its key takes numbers. In `metadata`, and under a key that means nothing
    here, `true`, `false` and a number that prints as it is written are that.

    Raises:
        TagSyntaxError: when the front matter cannot be read, at its line.
    """
    match = _BLOCK.match(text)
    if match is None:
        _check_closed(text, name, room)
        return {}, text, 1
    node = compose(text, name, room)
    read = {key.value: _read_top(text, name, key.value, value) for key, value in node.value} if node else {}
    values = {key: value for key, value in read.items() if value is not None}
    return values, text[match.end() :], match.group().count("\n") + 1


def front_matter_part(text: str) -> str:
    """Return the beginning of a template's text by which its front matter is what it is, readable or not."""
    match = _BLOCK.match(text)
    if match is not None:
        return match.group()
    opened = _OPENED.match(text)
    return text[: opened.end() + MAX_FRONT_MATTER] if opened is not None else ""


def compose(text: str, name: str, room: Room = WHOLE) -> yaml.MappingNode | None:
    """Return the front matter of a template as YAML nodes, whose keys are scalars; None when it has none.

    Raises:
        TagSyntaxError: when it is no mapping, or too large.
    """
    match = _BLOCK.match(text)
    block = match["yaml"] if match is not None else None
    if match is None or not block:
        return None
    start = match.start("yaml")
    if len(block) > room.characters:
        whose = "" if room is WHOLE else ", the most for a consumer"
        _fail(f"takes over {room.characters // 1024} KB{whose}", text, name, start)
    if len(_YAML_LINE_END.findall(block)) > MAX_FRONT_MATTER_LINES:
        _fail(f"has over {MAX_FRONT_MATTER_LINES:,} lines", text, name, start)
    node = _single_node(block, text, name, room)
    if node is None or (isinstance(node, yaml.ScalarNode) and plain(node) in NULLS):
        return None
    if not isinstance(node, yaml.MappingNode):
        found = "a list" if isinstance(node, yaml.SequenceNode) else "text"
        _fail(f"is {found}; it must be `name: value` lines", text, name, start)
    _check_keys(node, text, name, start)
    return node


def offset_of(text: str, node: yaml.Node) -> int:
    """Return where in a template's text a node of its front matter stands."""
    match = _BLOCK.match(text)
    assert match is not None
    return match.start("yaml") + int(node.start_mark.index)


def key_token(text: str, name: str, key: str, inner: str | None = None) -> Token | None:
    """Return where the front matter of a template gives a key, or a name under it; None when it does not.

    Raises:
        TagSyntaxError: when it cannot be read.
    """
    node = compose(text, name)
    given = [pair for pair in node.value if pair[0].value == key] if node is not None else []
    if given and inner is not None:
        under = given[-1][1]
        given = [pair for pair in under.value if pair[0].value == inner] if isinstance(under, yaml.MappingNode) else []
    return Token("", inner or key, offset_of(text, given[-1][0]), text) if given else None


def is_canonical(text: str) -> bool:
    """Return whether a plain value is a number that prints as it is written."""
    if _INTEGER.fullmatch(text):
        return str(int(text)) == text
    return bool(_DECIMAL.fullmatch(text)) and repr(float(text)) == text


def read_options(
    text: str, name: str, wrong: Callable[[ArgumentError], None], options: Mapping[str, Option] = OPTIONS
) -> dict[str, Any]:
    """Return the options of a job that a consumer's front matter sets, in it or under `metadata`.

    Args:
        text: of the consumer.
        name: its name.
        wrong: is told of each that is out of range, at its line; the nearest right value counts then.
        options: that its environment knows.

    Raises:
        TagSyntaxError: when the front matter cannot be read.
    """
    matter, _, _ = split_front_matter(text, name, OPTIONS_ONLY)
    metadata = matter.get(_FREE)
    under = metadata if isinstance(metadata, dict) else {}
    values: dict[str, Any] = {}
    for option in options.values():
        given = matter.get(option.name)
        inner = option.name if given is None else None
        given = under.get(option.name) if given is None else given
        if given is None:
            continue
        try:
            values[option.name] = option.read(given)
        except ValueError:
            message = f"the front matter's {f'{_FREE}: ' if inner else ''}{option.complaint(given)}"
            token = key_token(text, name, _FREE if inner else option.name, inner)
            wrong(ArgumentError(message, token=token, template_name=name))
            nearest = option.nearest(given)
            values |= {option.name: nearest} if nearest is not None else {}
    return values


class _Loader(yaml.BaseLoader):
    """PyYAML's loader that resolves no scalar, with the parts of YAML refused by which a few lines take all memory."""

    def __init__(self, stream: str, most: int) -> None:
        super().__init__(stream)
        self._values = 0
        self._most = most

    def fetch_alias(self) -> None:
        self._refuse('a `*` begins an alias, which is not taken: put the value in quotes, as in "* * * * *"')

    def fetch_anchor(self) -> None:
        self._refuse("an anchor (`&name`) is not taken: put the value in quotes")

    def fetch_tag(self) -> None:
        self._refuse("a type (`!name`) is not taken: put the value in quotes")

    def fetch_key(self) -> None:
        self._refuse("`?` cannot stand here: put the value in quotes")

    def fetch_directive(self) -> None:
        self._refuse("a line cannot start with `%`")

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803  PyYAML's name
        # The scanner looks ahead before anything is composed, and slowly so in deep nesting.
        if self.flow_level >= MAX_DEPTH:
            self._refuse(f"lists and mappings are nested over {MAX_DEPTH} deep")
        super().fetch_flow_collection_start(TokenClass)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) > MAX_DEPTH:
            self._refuse(f"lists and mappings are nested over {MAX_DEPTH} deep")
        return super().add_indent(column)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._values += index is not None  # as PyYAML gives for the whole and for a name
        if self._values > self._most:
            self._refuse(f"there are over {self._most} values")
        return super().compose_node(parent, index)

    def _refuse(self, problem: str) -> NoReturn:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())


def _single_node(block: str, text: str, name: str, room: Room) -> yaml.Node | None:
    start = text.index("\n") + 1
    try:
        loader = _Loader(block, room.values)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        reason, at = reason_against_block(error, block)
        _fail(f"is not YAML: {reason}", text, name, start + at, error)
    except yaml.reader.ReaderError as error:
        problem = f"is not YAML: a character that it may not hold (U+{int(error.character):04X})"
        _fail(problem, text, name, start + int(error.position), error)
    except (ValueError, OverflowError, RecursionError) as error:
        # PyYAML takes escapes such as "\U00110000", and the numbers of a directive, to be in range.
        _fail("is not YAML: an escape or a number in it is out of range", text, name, start, error)


def _check_keys(node: yaml.MappingNode, text: str, name: str, start: int) -> None:
    """Refuse, at any level, keys that are no text and the key that merges another mapping in."""
    pending: list[yaml.Node] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, yaml.MappingNode):
            for key, value in current.value:
                if not isinstance(key, yaml.ScalarNode):
                    problem = "has a list or mapping for a name: put text that starts with `{` or `[` in quotes"
                    _fail(problem, text, name, start + int(key.start_mark.index))
                if key.value == "<<" and key.style is None:
                    _fail("merges mappings (`<<`): write them out", text, name, start + int(key.start_mark.index))
                pending.append(value)
        elif isinstance(current, yaml.SequenceNode):
            pending.extend(current.value)


def _read_top(text: str, name: str, key: str, node: yaml.Node) -> Any:
    if key == "response_headers" and isinstance(node, yaml.MappingNode):
        pairs = ((inner.value, value) for inner, value in node.value)
        return {
            inner: value.value if isinstance(value, yaml.ScalarNode) else _read(key, value, free=False)
            for inner, value in pairs
        }
    if key not in TEXTS:
        return _read(key, node, free=key == _FREE or key not in KEYS)
    if not isinstance(node, yaml.ScalarNode):
        found = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        _fail(f"gives {key} {found}; it must be text", text, name, offset_of(text, node))
    if key == "layout" and (plain(node) or "").lower() in _NO_LAYOUT:
        return None
    return _read(key, node, free=False)


def _read(key: str, node: yaml.Node, *, free: bool) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {inner.value: _read(inner.value, value, free=free) for inner, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_read(key, value, free=free) for value in node.value]
    written = plain(node)
    return node.value if written is None else _scalar(key, written, free=free)


def _scalar(key: str, written: str, *, free: bool) -> str | float | bool | None:
    if written in NULLS:
        return None
    if free and written in _BOOLEANS:
        return _BOOLEANS[written]
    if (free and is_canonical(written)) or (key in NUMBERS and _DECIMAL.fullmatch(written)):
        return int(written) if _INTEGER.fullmatch(written) else float(written)
    return written


def plain(node: yaml.Node) -> str | None:
    """Return the text of a scalar that stands without quotes, None of another node."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) and node.style is None else None


def _check_closed(text: str, name: str, room: Room) -> None:
    """Refuse text that opens as front matter does and is none: it would be printed to visitors.

    A line of dashes may open a text, too: what tells are a name that front matter takes, or `name: value` lines before
    YAML's own end of a document, in the first lines up to a blank one.

    Raises:
        TagSyntaxError: at the line where the block opens, or where `...` stands.
    """
    opened = _OPENED.match(text)
    if opened is None:
        return
    keys, end, offset = _unclosed_keys(text, opened.end(), room.characters)
    if end == "..." and keys:
        _fail("ends with `...`; it must end with a line `---`", text, name, offset)
    if keys & KEYS.keys():
        _fail("has no end: close it with a line `---`", text, name, 0)


def _unclosed_keys(text: str, start: int, most: int) -> tuple[set[str], str, int]:
    """Return the names in the lines of an open block, its last line, and where that starts."""
    keys: set[str] = set()
    head = text[start : start + most]
    offset = start
    while offset < start + len(head):
        ending = _LINE_END.search(text, offset)
        line = text[offset : ending.start() if ending else len(text)]
        if line.rstrip(" \t") == "..." or (keys and not line.strip()):
            return keys, line.rstrip(" \t"), offset
        match = _KEY_LINE.match(line)
        if match is not None:
            keys.add(match[1])
        offset = ending.end() if ending else len(text)
    return keys, "", offset


def _fail(what: str, text: str, name: str, index: int, cause: Exception | None = None) -> NoReturn:
    token = Token("", "", min(index, max(len(text) - 1, 0)), text)
    raise TagSyntaxError(f"the front matter {what[:300]}", token=token, template_name=name) from cause
