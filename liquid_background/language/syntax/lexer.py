"""The lexer: python-liquid's tokens, found in one pass over a template of any shape, with `<% background %>` as a tag.

python-liquid's own regular expression looks to the end of the template from each `{{`, `{%` or run of blanks that leads
nowhere: 16 KB of `{{` take it 20 s. This one remembers which delimiters occur no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Final, NamedTuple

from liquid import Token
from liquid.token import (
    TOKEN_COMMENT,
    TOKEN_CONTENT,
    TOKEN_DOC,
    TOKEN_EOF,
    TOKEN_EXPRESSION,
    TOKEN_OUTPUT,
    TOKEN_TAG,
)

from liquid_background.errors import LimitReached, TagSyntaxError
from liquid_background.language.syntax.lines import NoStatement, statements

_EJS_TAG: Final = re.compile(r"<%-?\s*(?P<name>(?:end)?background)(?![\w-])")
_NAMELESS: Final = re.compile(r"{%-?\s*-?%}")
_EJS_END: Final = "%>"
_BRACES: Final = "{" * 32  # no text that anyone means; a few before a tag may be
_COMMENT: Final = "COMMENT"  # python-liquid's kind of one in delimiters of its own
_STRING: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_LONG: Final = 500  # characters; what is shorter is quick, whatever it holds
_MOST_STEPS: Final = 50_000_000
"""Steps that python-liquid may take in the long expressions of one template: a bracket looks to the end of its own."""


class Delimiters(NamedTuple):
    """How markup is written; a comment's may be empty."""

    tag: tuple[str, str]
    output: tuple[str, str]
    comment: tuple[str, str]


class _Piece(NamedTuple):
    """A stretch of a template: text, or one markup with what is inside it."""

    kind: str
    start: int
    end: int
    inner: str = ""
    inner_at: int = 0
    name: str = ""
    name_at: int = 0
    trims: bool = False  # white space, before it for text and behind it for markup


@lru_cache(maxsize=16)
def lexer(delimiters: Delimiters, ejs_tags: bool) -> Callable[[str], Iterator[Token]]:
    """Return what makes a template's text tokens."""
    rules, in_comments = _Rules(delimiters, ejs_tags), _Rules(delimiters, ejs_tags=False)
    return lambda source: _Reading(rules, in_comments, source).tokens()


class _Rules:
    """The patterns of a set of delimiters; none of them looks further than the head of a markup."""

    def __init__(self, delimiters: Delimiters, ejs_tags: bool) -> None:
        tag, tag_end = map(re.escape, delimiters.tag)
        starts = [tag, re.escape(delimiters.output[0])]
        if delimiters.comment[0]:
            starts.append(re.escape(delimiters.comment[0]))
        if ejs_tags:
            starts.append(r"<%(?=-?\s*(?:end)?background(?![\w-]))")
        self.delimiters = delimiters
        self.ejs_tags = ejs_tags
        self.start = re.compile(rf"(?:{'|'.join(starts)})(?P<trims>-?)")
        # As python-liquid has it, whatever the delimiters are.
        self.starts_open = re.compile(rf"{{{{|{{%|{_EJS_TAG.pattern}" if ejs_tags else r"{{|{%")
        self.tag = re.compile(rf"{tag}-?\s*(?P<name>#|\w+)")
        self.verbatim = re.compile(rf"{tag}-?\s*(?P<name>raw|doc)\s*(?P<trims>-?){tag_end}")
        self.end_of = {name: re.compile(rf"{tag}-?\s*end{name}\s*(?P<trims>-?){tag_end}") for name in ("raw", "doc")}


class _Reading:
    """One pass over one template."""

    def __init__(self, rules: _Rules, in_comments: _Rules, source: str) -> None:
        self._rules = rules
        self._in_comments = in_comments
        self._source = source
        self._gone: set[object] = set()  # closing delimiters that occur no more
        self._steps = 0

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens; blocks of comments are one each."""
        at, depth, comment_at, trims = 0, 0, 0, False
        while at < len(self._source):
            piece = self._next(self._in_comments if depth else self._rules, at)
            at = piece.end
            if depth:
                depth += {"comment": 1, "endcomment": -1}.get(piece.name, 0) if piece.kind == TOKEN_TAG else 0
                if not depth:
                    yield Token(TOKEN_COMMENT, self._source[comment_at : piece.start], comment_at, self._source)
                    yield Token(TOKEN_TAG, piece.name, piece.name_at, self._source)
                    trims = piece.trims
            elif piece.kind == TOKEN_CONTENT:
                yield from self._content(piece, trims)
            else:
                yield from self._markup(piece)
                trims = piece.trims
                if piece.kind == TOKEN_TAG and piece.name == "comment":
                    depth, comment_at = 1, at

    def _content(self, piece: _Piece, trims: bool) -> Iterator[Token]:
        text = self._source[piece.start : piece.end]
        if trims:
            text = text.lstrip()
        if piece.trims:
            text = text.rstrip()
        if not text:
            return
        if self._rules.starts_open.match(text) or self._source.startswith(_BRACES, piece.start):
            raise self._never_closed(piece, text)
        yield Token(TOKEN_CONTENT, text, piece.start, self._source)

    def _never_closed(self, piece: _Piece, text: str) -> TagSyntaxError:
        token = Token(TOKEN_EOF, self._source[piece.start : piece.end], piece.start, self._source)
        if _EJS_TAG.match(text):
            return TagSyntaxError("this tag is never closed: add %>", token=token._replace(value="<%"))
        if text.startswith("{%"):
            if _NAMELESS.match(text):
                return TagSyntaxError("this tag has no name: write {% name %}, or leave it out", token=token)
            return TagSyntaxError("this tag is never closed: add %}", token=token)
        return TagSyntaxError("this output is never closed: add }}", token=token)

    def _markup(self, piece: _Piece) -> Iterator[Token]:
        source = self._source
        if piece.kind == TOKEN_TAG:
            yield Token(TOKEN_TAG, piece.name, piece.name_at, source)
        elif piece.kind == TOKEN_OUTPUT:
            yield Token(TOKEN_OUTPUT, source[piece.start : piece.end], piece.start, source)
        else:
            yield Token(TOKEN_CONTENT if piece.kind == "RAW" else piece.kind, piece.inner, piece.start, source)
            return
        if piece.inner or piece.kind == TOKEN_OUTPUT:
            token = Token(TOKEN_EXPRESSION, piece.inner, piece.inner_at, source)
            if len(piece.inner) > _LONG:
                self._count_steps(token, piece.name)
            yield token

    def _next(self, rules: _Rules, at: int) -> _Piece:
        """Return the piece at a place: a markup where one starts and is closed, else the text up to the next start."""
        source = self._source
        start = rules.start.match(source, at)
        found = self._at_start(rules, at, start.group()) if start else None
        if found:
            return found
        following = rules.start.search(source, at + 1)
        if following:
            return _Piece(TOKEN_CONTENT, at, following.start(), trims=bool(following["trims"]))
        end = len(source)
        # A line end that closes the template is a text of its own, as it is for python-liquid.
        return _Piece(TOKEN_CONTENT, at, end - 1 if source[-1] == "\n" and end - 1 > at else end)

    def _at_start(self, rules: _Rules, at: int, start: str) -> _Piece | None:
        source = self._source
        tag, output, comment = rules.delimiters
        if start.startswith(tag[0]):
            verbatim = rules.verbatim.match(source, at)
            found = self._verbatim(at, verbatim) if verbatim else None
            if found:
                return found
        if comment[0] and start.startswith(comment[0]):
            found = self._closed(_COMMENT, at, at + len(comment[0]), comment[1])
            if found:
                return found
        if start.startswith(output[0]):
            found = self._closed(TOKEN_OUTPUT, at, at + len(start), output[1])
            if found:
                return found
        if start.startswith(tag[0]) and (head := rules.tag.match(source, at)):
            return self._closed(TOKEN_TAG, at, head.end(), tag[1], head)
        if rules.ejs_tags and (head := _EJS_TAG.match(source, at)):
            return self._closed(TOKEN_TAG, at, head.end(), _EJS_END, head)
        return None

    def _verbatim(self, at: int, head: re.Match[str]) -> _Piece | None:
        name = head["name"]
        if name in self._gone:
            return None
        end = self._rules.end_of[name].search(self._source, head.end())
        if end is None:
            self._gone.add(name)
            return None
        # As for python-liquid, the opening tag says what is trimmed behind a raw block.
        kind, trims = ("RAW", head["trims"]) if name == "raw" else (TOKEN_DOC, end["trims"])
        inner = self._source[head.end() : end.start()]
        return _Piece(kind, at, end.end(), inner, head.end(), trims=bool(trims))

    def _closed(
        self, kind: str, at: int, inner_at: int, closing: str, head: re.Match[str] | None = None
    ) -> _Piece | None:
        """Return the markup whose inside begins at a place; None when nothing closes it."""
        end = -1 if closing in self._gone else self._source.find(closing, inner_at)
        if end < 0:
            self._gone.add(closing)
            return None
        trims = end > inner_at and self._source[end - 1] == "-"
        inner = self._source[inner_at : end - trims]
        if kind != _COMMENT:
            stripped = inner.lstrip()
            inner_at += len(inner) - len(stripped) if stripped else 0
            inner = stripped.rstrip()
        name, name_at = (head["name"], head.start("name")) if head else ("", 0)
        return _Piece(kind, at, end + len(closing), inner, inner_at, name, name_at, trims)

    def _count_steps(self, token: Token, tag: str) -> None:
        """Refuse what python-liquid's expressions would take long for.

        Raises:
            LimitReached: naming the place.
        """
        if tag in ("comment", "#"):
            return
        parts = [token.value] if tag != "liquid" else _expressions(token.value)
        for part in parts:
            if len(part) > _LONG:
                bare = _STRING.sub("", part)
                self._steps += (bare.count("(") + bare.count("[")) * len(part)
        if self._steps > _MOST_STEPS:
            message = "this expression is nested too deep, or too long for the brackets in it"
            raise LimitReached(message, token=token)


def _expressions(lines: str) -> list[str]:
    """Return the expressions in a `{% liquid %}` tag, up to a line that is no statement: nothing is read then."""
    found: list[str] = []
    with suppress(NoStatement):
        found.extend(each.expression for each in statements(lines, lambda name: False))
    return found
