"""The lines of a `{% liquid %}` tag as statements: which lines belong together, and what of them is a comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_HEAD: Final = re.compile(r"[ \t\r]*(?P<name>#|\w+)[ \t]*")
_CODE: Final = re.compile(r"(?:[^'\"#\n]+|'[^'\n]*'|\"[^\"\n]*\"|(?<=\S)#|['\"])*")
_OUTSIDE_TEXT: Final = r"'[^'\n]*'|(?<=\s)#[^\n]*|[\[\]{}]"
_BRACKET: Final = re.compile(rf"\"(?:[^\"\\\n]|\\.)*(?P<closed>\")?|{_OUTSIDE_TEXT}")
_BRACKET_ALONE: Final = re.compile(_OUTSIDE_TEXT)
_LABEL: Final = re.compile(r"[ \t]*(?P<name>\w[\w-]*)\??[ \t]*:")
_COMMENT_LINE: Final = re.compile(r"^[ \t\r]*(?:(?P<end>endcomment\b)|comment[ \t\r]*$)", re.MULTILINE)
_BLANKS: Final = " \t\r"
_COMMENT: Final = "#"
_VERBATIM: Final = frozenset(("comment", "doc"))
_WITHOUT_VALUES: Final = _VERBATIM | frozenset(("else", "break", "continue"))  # what is behind them is not read


class Statement(NamedTuple):
    """A tag without its delimiters, or the text between `comment` or `doc` and its end."""

    name: str  # "" for such text
    name_at: int
    expression: str  # with blanks for its comments, so that each place in it is that of the text
    expression_at: int


class NoStatement(Exception):
    """Raised for a line that does not start with the name of a tag."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def statements(text: str, is_foreign: Callable[[str], bool], comment: str = _COMMENT) -> Iterator[Statement]:
    """Yield the statements of the text inside a `{% liquid %}` tag.

    A statement ends with its line, but for a comma at its end behind which `name:` follows. From a `#` that stands
    behind white space, and in no string, the rest of a line is a comment.

    Args:
        text: as it is written.
        is_foreign: whether a name is that of an application's tag, which may read its text as it likes.
        comment: what a line of comment starts with.

    Raises:
        NoStatement: for a line that is none.
    """
    head = _HEAD if comment == _COMMENT else re.compile(rf"[ \t\r]*(?P<name>{re.escape(comment)}|\w+)[ \t]*")
    brackets, ends = _Brackets(text), _Ends(text)
    at = 0
    while at < len(text):
        end = _end_of_line(text, at)
        if text[at:end].isspace() or at == end:
            at = end + 1
            continue
        found = head.match(text, at, end)
        if found is None:
            if brackets.never_closed:
                return
            raise NoStatement(at + len(text[at:end]) - len(text[at:end].lstrip()))
        name = found["name"]
        if name == comment:
            if comment == _COMMENT:
                yield Statement(name, found.start("name"), text[found.end() : end].rstrip(_BLANKS), found.end())
            at = end + 1
            continue
        expression, end = _expression(text, found.end(), end, name, is_foreign, brackets=brackets)
        yield Statement(name, found.start("name"), expression, found.end())
        at = end + 1
        if name in _VERBATIM:
            closed = ends.of(at, name)
            if closed > at:
                yield Statement("", at, text[at:closed], at)
            at = closed


def without_comments(text: str) -> str:
    """Return the text of an expression in a `{% liquid %}` tag with blanks for its comments."""
    if _COMMENT not in text:
        return text
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return "\n".join(_code(text, at, at + len(line)).ljust(len(line)) for at, line in zip(starts, lines, strict=False))


def _expression(
    text: str, at: int, end: int, name: str, is_foreign: Callable[[str], bool], *, brackets: _Brackets
) -> tuple[str, int]:
    """Return the expression of a statement, and the end of its last line."""
    is_raw = is_foreign(name)
    has_values = not is_raw and name not in _WITHOUT_VALUES and not name.startswith("end")
    end = brackets.end_of(at, end) if has_values else end
    code = _code(text, at, end)
    parts = [text[at:end] if is_raw else code]
    while code.rstrip(_BLANKS).endswith(","):
        following = _labelled_line(text, end + 1, is_foreign)
        if following is None:
            break
        parts[-1] = parts[-1].ljust(following - at - 1) + "\n"
        at, end = following, _end_of_line(text, following)
        end = brackets.end_of(at, end) if has_values else end
        code = _code(text, at, end)
        parts.append(text[at:end] if is_raw else code)
    return "".join(parts).rstrip(_BLANKS), end


class _Brackets:
    """The lists and objects that go on over lines.

    Attributes:
        never_closed: whether one was met that has no end: no other is looked for then, and its own error tells.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.never_closed = False

    def end_of(self, at: int, end: int) -> int:
        """Return the end of the line in which all of them are closed that are open at the end of this one."""
        text = self._text
        if self.never_closed or ("{" not in text[at:end] and "[" not in text[at:end]):
            return end
        depth = 0
        for found in _brackets(text, at):
            if found.start() >= end and depth <= 0:
                return end
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found.group(), 0)
            if depth == 0 and found.start() >= end and found.group() in ("]", "}"):
                end = _end_of_line(text, found.end())
        self.never_closed = depth > 0
        return end


def _brackets(text: str, at: int) -> Iterator[re.Match[str]]:
    """Yield brackets, and the texts and comments between them; quotes that nothing closes are no text's."""
    for found in _BRACKET.finditer(text, at):
        if found.group().startswith('"') and not found["closed"]:  # nor does any behind it in this line
            yield from _BRACKET_ALONE.finditer(text, found.start() + 1, found.end())
        else:
            yield found


def _labelled_line(text: str, at: int, is_foreign: Callable[[str], bool]) -> int | None:
    """Return the start of the next line that is neither blank nor comment, if it starts with an argument's name."""
    while at < len(text):
        end = _end_of_line(text, at)
        line = text[at:end].strip()
        if line and not line.startswith(_COMMENT):
            label = _LABEL.match(text, at, end)
            return at if label is not None and not is_foreign(label["name"]) else None
        at = end + 1
    return None


def _code(text: str, at: int, end: int) -> str:
    """Return a part of a line up to its comment; of several lines, blanks for the comments."""
    part = text[at:end]
    if _COMMENT not in part:
        return part.rstrip() if "\n" in part else part
    if "\n" in part:
        return without_comments(part).rstrip()
    found = _CODE.match(text, at, end)
    assert found is not None  # it may be empty
    return found.group()


class _Ends:
    """The ends of `comment` and `doc`, whose lines are no statements."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nests = True

    def of(self, at: int, name: str) -> int:
        """Return the start of the line with the end tag of a block; the text's end without one.

        A comment may hold others. Where their ends are too few, a line in it that says `comment` is text, as it is for
        python-liquid, which knows no others.
        """
        if name == "comment" and self._nests:
            depth = 1
            for line in _COMMENT_LINE.finditer(self._text, at):
                depth += -1 if line["end"] else 1
                if not depth:
                    return line.start()
            self._nests = False
        found = re.compile(rf"^[ \t\r]*end{name}\b", re.MULTILINE).search(self._text, at)
        return found.start() if found else len(self._text)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)
