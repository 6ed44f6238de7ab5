"""What the messages of one failure have in common: a message without the parts that change from job to job."""

from __future__ import annotations

import re
from typing import Final

MAX_LIKENESS: Final = 200
"""Characters that are kept of it."""
GAP: Final = "*"
"""Stands for a part that changes."""

_LOOKED_AT: Final = 600  # characters of a message: what tells failures apart stands in front
_LONGEST_PLACE: Final = 1000
# Where it was raised, as `explain` writes it: (pages/signup:7), (line 7), (a:1, run from b:2). It does not change.
_PLACE: Final = re.compile(r" \((?:[^()\s]+:\d+|line \d+)(?:, [^()]*)?\)$")
# Each begins where a word can begin, so that no text takes a time that grows with the square of its length.
_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]{1,20}):/{2}(?:[^\s/@'\"]*@)?([^\s/?#'\"<>()]*)[^\s'\"<>)]*", re.IGNORECASE
)
_MAIL: Final = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
# Of a quotation that the end of the message cuts off, too. An apostrophe in a word begins none.
_QUOTED: Final = re.compile(
    r"(?<!\w)'[^']*(?:'(?!\w)|$)|\"[^\"]*(?:\"|$)|`[^`]*(?:`|$)|“[^”]*(?:”|$)|\u2018[^\u2019]*(?:\u2019|$)|«[^»]*(?:»|$)"
)
_QUERY: Final = re.compile(r"\?[\w.%+-]+=\S*")
_PATH: Final = re.compile(r"(?<![\w.~%+-])(?:[A-Za-z]:)?[\w.~%+-]*(?:[/\\][\w.~%+@=&?*-]+)+[/\\]?")
_WORD: Final = re.compile(r"\w+")
_DIGIT: Final = re.compile(r"\d")
_GAPS: Final = re.compile(r"(?<![*\-+#])[-+#]?\*(?:(?:, ?|[-.:+/_])*\*)*")
_SLASH: Final = "\0"  # of a URL, whose scheme and host stay

_LEFT_OUT: Final = (
    (_URL, rf"\1:{_SLASH}{_SLASH}\2{_SLASH}{GAP}"),
    (_MAIL, GAP),
    (_QUOTED, f"'{GAP}'"),
    (_QUERY, f"?{GAP}"),
    (_PATH, GAP),
    (_WORD, lambda word: GAP if _DIGIT.search(word[0]) else word[0]),
    (_GAPS, GAP),
)


def likeness(message: str) -> str:
    """Return a message without numbers, ids, quoted values, paths, mail addresses and queries; it keeps its place."""
    place = _PLACE.search(message, max(0, len(message) - _LONGEST_PLACE))
    text = (message[: place.start()] if place else message)[:_LOOKED_AT].replace(_SLASH, " ")
    for pattern, kept in _LEFT_OUT:
        text = pattern.sub(kept, text)
    text = " ".join(text.replace(_SLASH, "/").split())[:MAX_LIKENESS]
    return text + place[0][:MAX_LIKENESS] if place else text
