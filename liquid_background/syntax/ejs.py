"""`<% background %>` read as `{% background %}`; every other `<%` is the page's own text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from liquid import Token
from liquid.token import TOKEN_EOF

from liquid_background.errors import TagSyntaxError


def ejs_tokenizer(
    tokenizer: Callable[[str], Iterator[Token]], tag_start: str, tag_end: str, output_start: str, output_end: str
) -> Callable[[str], Iterator[Token]]:
    """Return a tokenizer that takes `<% background … %>` and `<% endbackground %>` for tags.

    The two characters of a delimiter are swapped for those of a Liquid tag before tokenizing, so that every
    position stays; tokens carry the source as it was written. Only for two-character delimiters.
    """
    scanner = _scanner(tag_start, tag_end, output_start, output_end)

    def tokenize(source: str) -> Iterator[Token]:
        if "<%" not in source:
            yield from tokenizer(source)
            return
        swapped = _swap(source, scanner, tag_start, tag_end)
        for token in tokenizer(swapped):
            yield token._replace(source=source)

    return tokenize


@lru_cache(maxsize=16)
def _scanner(tag_start: str, tag_end: str, output_start: str, output_end: str) -> re.Pattern[str]:
    """Match, in this order: what Liquid leaves alone, Liquid's own markup, and the tags that are meant."""
    start, end = re.escape(tag_start), re.escape(tag_end)
    return re.compile(
        rf"(?P<verbatim>{start}-?\s*(?P<name>raw|doc|comment)\s*-?{end})"
        rf"|{start}.*?{end}"
        rf"|{re.escape(output_start)}.*?{re.escape(output_end)}"
        r"|(?P<ejs><%-?\s*(?:end)?background(?![\w-]))(?:(?P<close>.*?-?%>)|)",
        re.DOTALL,
    )


def _swap(source: str, scanner: re.Pattern[str], tag_start: str, tag_end: str) -> str:
    pieces: list[str] = []
    done = position = 0
    while match := scanner.search(source, position):
        position = match.end()
        if match["verbatim"]:
            position = _end_of_verbatim(source, match["name"], tag_start, tag_end, position)
        elif match["ejs"]:
            if match["close"] is None:
                token = Token(TOKEN_EOF, "<%", match.start(), source)
                raise TagSyntaxError("this tag is never closed: add %>", token=token)
            pieces += (source[done : match.start()], tag_start, source[match.start() + 2 : match.end() - 2], tag_end)
            done = match.end()
    pieces.append(source[done:])
    return "".join(pieces)


def _end_of_verbatim(source: str, name: str, tag_start: str, tag_end: str, position: int) -> int:
    """Return where a raw, doc or comment block ends; comments nest."""
    start, end = re.escape(tag_start), re.escape(tag_end)
    pattern = re.compile(rf"{start}-?\s*(?P<end>end)?{name}\b.*?{end}", re.DOTALL)
    depth = 1
    while match := pattern.search(source, position):
        position = match.end()
        depth += -1 if match["end"] else (1 if name == "comment" else 0)
        if not depth:
            return position
    return position
