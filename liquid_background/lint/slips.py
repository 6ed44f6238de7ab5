"""What to write instead of what cannot be parsed, where the error says it word for word.

The error of a tag that cannot be parsed is all that is left of it, so its message is read: it has what is wrong as the
template has it, and what to write as the template is to have it. An edit is made only where the former stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from liquid import Token

from liquid_background.lint.edits import Edit, instead, replaced

_MISSPELT_END: Final = re.compile(r"unexpected tag '(\w+)': write (?:\{% )?(end\w+)(?: %\})? for the '\w+' of line \d+")
_OTHER_ELSIF: Final = re.compile(r"unexpected tag '(elif|elseif)': .*write \{% elsif condition %\}")
_OTHER_WORD: Final = re.compile(r"unexpected `([^`]+)` behind `[^`]+`: write `([^`]+)`")
_NO_QUOTES: Final = re.compile(r"unexpected `/` behind `([\w-]+)`: quote the name: '([\w/-]+)'")
_NO_COLON: Final = re.compile(
    r"unexpected `[^`]+` behind `(\w+)`: a colon stands before .*|expected `:` behind `(\w+)`, found `[^`]+`: write .*"
)


def edits_of(token: Token, message: str, is_partial: Callable[[str], bool]) -> tuple[Edit, ...]:
    """Return the edits that mend a syntax error; none where what is meant is not certain.

    Args:
        token: where it is.
        message: what it says.
        is_partial: returns whether there is a partial of a name.
    """
    source, start = token.source, token.start_index
    if found := _MISSPELT_END.fullmatch(message):
        return instead(token, found[1], found[2])
    if found := _OTHER_ELSIF.fullmatch(message):
        return instead(token, found[1], "elsif")
    if found := _OTHER_WORD.fullmatch(message):
        return instead(token, found[1], found[2])
    if (found := _NO_QUOTES.fullmatch(message)) and is_partial(found[2]):
        return replaced(source, start - len(found[1]), found[2], f"'{found[2]}'")
    if found := _NO_COLON.fullmatch(message):
        word = found[1] or found[2]
        return replaced(source, len(source[:start].rstrip()) - len(word), word, f"{word}:")
    return ()
