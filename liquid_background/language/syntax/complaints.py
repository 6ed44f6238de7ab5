"""What python-liquid says of an expression that it cannot parse, in words of the template and not of its parser.

Its messages name kinds of tokens, such as "expected word, found end of expression". An author is told
what is missing behind which word, or which word stands where it cannot, and how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from liquid import Token
from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_EOF, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_TAG, operators

from liquid_background.errors import TagSyntaxError
from liquid_background.language.syntax.location import in_liquid_tag, line_of
from liquid_background.language.syntax.options import OPTIONS
from liquid_background.language.syntax.shown import seen
from liquid_background.language.syntax.tagforms import OUTPUT, form_of

_NOTHING: Final = re.compile(r"missing expression|expected expression, found .*|expected at least one argument")
_EXPECTED: Final = re.compile(r"expected (?:one of \((?P<kinds>.*)\)|(?P<kind>.+?))(?:, found .*)?", re.DOTALL)
_NOT_READ: Final = re.compile(r"unexpected token .*|unknown operator .*", re.DOTALL)
_STRING: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_OPENING: Final = re.compile(r"\{[{%]")
_WRITTEN: Final = re.compile(
    r"'[^'\n]*'|\"[^\"\n]*\"|\w[\w-]*\??|\.\.|[!=<>]+|\|\||&&|\S",  # and so what stands for one thing
)
_PATH: Final = re.compile(r"[\w-]+(?:\.[\w-]+|\[[^\]\n]*\])+")
_QUOTED: Final = re.compile(r"'([a-z]+)'")
_VALUE_LIKE: Final = re.compile(r"['\"\w]")
_NAMED_BEFORE: Final = re.compile(r"(?:\A|=)\s*([\w-]+)\Z")
_PATH_BEHIND: Final = re.compile(r"(?:/[\w-]+)+")
_ASSIGNED: Final = re.compile(r"\s*[\w-]+\s*=(?!=)")
_LONGEST: Final = 40  # characters of a word
_LOOKED_AT: Final = 1_000  # characters before a place, for the word there

_END: Final = "end of expression"
_VALUE: Final = "a value"
_NAME: Final = "a name"
_IN_WORDS: Final[Mapping[str, str]] = {
    "a dot or bracket notation": "`.name` or `[…]`",
    "a comma separated list of arguments": "`,`",
    "a name": _NAME,
    "a parameter list": "names, each with a value behind `:` where it has one",
    "a primitive expression": _VALUE,
    "a string or identifier": "text in quotes or a name",
    "an argument name": "an argument, `name: value`",
    "an identifier": _NAME,
    "an infix expression": "an operator such as `==`, `contains` or `and`",
    "an string or variable": "text in quotes or a variable",
    "blank": "`blank`",
    "colon": "`:`",
    "comma": "`,`",
    "dot": "`.`",
    "dpipe": "`||`",
    "expression": _VALUE,
    "float": "a number",
    "identindex": "`[0]`",
    "identstring": "`['name']`",
    "integer": "a number",
    "lbracket": "`[`",
    "lparen": "`(`",
    "pipe": "`|`",
    "range": "`..`",
    "rangeexpression": "a range, `(1..3)`",
    "rbracket": "`]`",
    "rparen": "`)`",
    "string": "text in quotes",
    "word": _NAME,
    "reversed', 'offset' or 'limit": "`limit:`, `offset:` or `reversed`",
    _END: _END,
    **{word: f"`{word}`" for word in ("as", "by", "cols", "for", "in", "limit", "offset", "with")},
    **{kind: f"`{sign}`" for sign, kind in operators.items()},
    **{sign: f"`{sign}`" for sign in operators},
}
"""What an author would write for each thing that python-liquid may expect, by python-liquid's name for it."""

_TAKES_NOTHING: Final = ("expected content, found expression", "unexpected expression")
_REFUSED: Final[Mapping[str, str]] = {
    "disallowed ternary expression": "a value has no condition behind it here",
    "disallowed parentheses in logical expression": "brackets do not group conditions here",
    "unbalanced parentheses": "a bracket of this condition has no other one",
    "disallowed not operator in logical expression": "there is no `not` here, but `!=` and {% unless %}",
}

_CONDITIONS: Final = frozenset(("if", "elsif", "unless"))
_LOOPS: Final = frozenset(("for", "tablerow"))
_OF_NAMES: Final = frozenset(("action", "background", "function", "graphql", "include", "render", "theme_render_rc"))
_BY_FILTER: Final[Mapping[str, str]] = {"+": "plus", "-": "minus", "*": "times", "/": "divided_by", "%": "modulo"}
_SLIPS: Final[Mapping[str, str]] = {
    "!": "write `!=` to compare, and {% unless %} for what must not be",
    "&": "write `and`",
    "&&": "write `and`",
    "(": "nothing is called by brackets here: a filter's arguments stand behind a colon, `| filter: value`",
    "===": "write `==`",
    "!==": "write `!=`",
    "=>": "write `>=` to compare, and `name: value` for an argument",
    "=<": "write `<=`",
    "?": "there is no `? :` here: write {% if condition %} … {% else %} … {% endif %}",
    ";": "leave it out: a tag ends with its own end",
    "`": "text stands in ' or \" quotes",
    **dict.fromkeys(("\u2018", "\u2019", "\u201c", "\u201d"), "write straight quotes, ' or \""),
    "{": "an output is written {{ value }}, and not inside another tag",
    "}": "an output is written {{ value }}, and not inside another tag",
    "'": "the quote is never closed; a text with a ' in it stands in double quotes",
    '"': 'the quote is never closed; a text with a " in it stands in single quotes',
    "||": "write `or` in a condition, and one `|` before a filter",
    "..": "a range stands in brackets, `(1..3)`",
    "is": "write `==`",
    "eq": "write `==`",
    "equals": "write `==`",
    "not": "write `!=` to compare, and {% unless %} for what must not be",
}


def reworded(error: LiquidSyntaxError, tag: Token | None) -> str:
    """Return what an error of python-liquid's parser says to the author of the template; its own text if that will do.

    Args:
        error: with its place.
        tag: the tag or output that it is in, as far as that is known.
    """
    message, token = str(error.message), error.token
    if _NOTHING.fullmatch(message):
        return _says_nothing(tag)
    if token is None or token.start_index < 0:
        wanted = _wanted(message)
        return f"expected {wanted}" if wanted else message
    return _Place(token, tag).told(message)


def unclosed(tag: Token) -> TagSyntaxError | None:
    """Return the error for a tag or output that goes on to the end of another one; None when it does not."""
    source, at = tag.source, tag.start_index
    is_output = tag.kind == TOKEN_OUTPUT
    start = at + 2 if is_output else at
    if in_liquid_tag.get() or not source[:start].rstrip(" \t\r\n-").endswith(("{{", "{%")):
        return None
    closing = "}}" if is_output else "%}"
    end = source.find(closing, start)
    text = _STRING.sub(lambda found: " " * len(found.group()), source[start : end if end >= 0 else None])
    following = _OPENING.search(text)
    if following is None:
        return None
    line = line_of(tag._replace(start_index=start + following.start()))
    what = "output" if is_output else f"'{tag.value}'"
    return TagSyntaxError(
        f"this {what} is not closed: add {closing} before the {following.group()} of line {line}", token=tag
    )


def _says_nothing(tag: Token | None) -> str:
    if tag is None or tag.kind != TOKEN_TAG:
        return f"nothing is to be printed here: write {OUTPUT}"
    form = form_of(tag.value)
    return f"this '{tag.value}' does not say what it needs" + (f": write {form}" if form else "")


def _wanted(message: str) -> str:
    """Return what is expected by a message that names kinds of tokens, "" for any other."""
    expected = _EXPECTED.fullmatch(message)
    if expected is None:
        return ""
    kinds = _QUOTED.findall(expected["kinds"]) if expected["kinds"] else [expected["kind"].strip("'")]
    return " or ".join(_IN_WORDS[kind] for kind in kinds) if all(kind in _IN_WORDS for kind in kinds) else ""


class _Place:
    """Where an expression cannot be parsed.

    Args:
        token: the first one that does not fit; that of the end where there is none.
        tag: what it is in.
    """

    def __init__(self, token: Token, tag: Token | None) -> None:
        self._tag = tag.value if tag is not None and tag.kind == TOKEN_TAG else ""
        self._is_output = tag is not None and tag.kind == TOKEN_OUTPUT
        self._is_end = token.kind == TOKEN_EOF
        self._is_illegal = token.kind == TOKEN_ILLEGAL
        source, at = token.source, token.start_index
        found = _WRITTEN.match(source, at)
        self.path = _PATH.match(source, at)
        self.written = "" if self._is_end else _short(found.group() if found else token.value)
        start = 0 if tag is None else tag.start_index + (2 if self._is_output else len(tag.value))
        self._is_assigned = self._tag == "background" and _ASSIGNED.match(source, start) is not None
        text = source[max(start, at - _LOOKED_AT) : at]
        self._unquoted = self._unquoted_name(text, source, at) if self._tag in _OF_NAMES else ""
        before = _WRITTEN.findall(text + source[at : at + 1] if self._is_end else text)
        self._is_filtered = "|" in before
        self.is_in_brackets = "[" in (self.written, *before)
        self.before, self.before_that = map(_short, ["", "", *before][:-3:-1])

    @staticmethod
    def _unquoted_name(before: str, source: str, at: int) -> str:
        """Return the whole of a partial's name that stands without quotes, as `mails/welcome`, "" when none does."""
        first, rest = _NAMED_BEFORE.search(before), _PATH_BEHIND.match(source, at)
        return _short(first[1] + rest.group()) if first and rest else ""

    def told(self, message: str) -> str:
        """Return the message in words."""
        if self._is_illegal or _NOT_READ.fullmatch(message):
            return self._unexpected()
        if message in _TAKES_NOTHING:
            return f"nothing is read behind the name of '{self._tag}': leave `{self.written}` out"
        if message in _REFUSED:
            return f"{_REFUSED[message]}: {self._if}"
        if message == "missing or unexpected path segment" and not self.is_in_brackets:
            return self._missing(_NAME)
        if message == "missing or unexpected path segment":
            return f"what is in brackets{self._behind} cannot be read: write name[0], name['key'] or name[other]"
        wanted = _wanted(message)
        return self._missing(wanted) if wanted else message

    @property
    def _if(self) -> str:
        written = "{% if condition %} … {% endif %}"
        return (
            f"write {written}" if self._is_output or self._tag not in _CONDITIONS else f"put one {written} in another"
        )

    @property
    def _behind(self) -> str:
        return f" behind `{self.before}`" if self.before else ""

    def _unexpected(self) -> str:
        return f"unexpected `{self.written}`{self._behind}{self._advice()}"

    def _missing(self, wanted: str) -> str:
        if wanted == _END:
            return self._unexpected()
        if wanted == _NAME and self.before == "|":
            wanted = "the name of a filter"
        if self._is_end:
            return f"expected {wanted}{self._behind}, and {self._what} ends{self._advice()}"
        written = _short(self.path.group()) if self.path and wanted == _NAME else self.written
        return f"expected {wanted}{self._behind}, found `{written}`{self._advice(wanted)}"

    @property
    def _what(self) -> str:
        return "the output" if self._is_output else "the line" if in_liquid_tag.get() else "the tag"

    def _advice(self, wanted: str = "") -> str:
        advice = self._of_name_or_literal() or self._of_word() or self._of_neighbours(wanted) or self._of_tag()
        return f": {advice}" if advice else ""

    def _of_name_or_literal(self) -> str:
        """Return what to write for a partial's name without quotes, and for a list or object that stands badly."""
        if self._unquoted:
            return f"quote the name: '{self._unquoted}'"
        if self.written not in ("{", "["):
            return ""
        if self.before_that == "|":
            return f"a colon stands before the arguments of a filter, `{self.before}: value`"
        is_argument = self._is_output and self.written == "{" and self.before in (":", ",")
        return "no object is written out in an output: {% assign %} it first" if is_argument else ""

    def _of_word(self) -> str:
        """Return what to write for a word that stands for something in another language, or elsewhere in this one."""
        word = self.written
        if word == "=":
            return self._of_equals_sign()
        if word == "|" and not self.before:
            return "write the value before its filter"
        if word == "|" and self._tag in _CONDITIONS | _LOOPS:
            return "no filter stands here: {% assign %} the filtered value first"
        if word in _BY_FILTER and self._tag not in _LOOPS:
            return f"there is no `{word}` here: write `| {_BY_FILTER[word]}: value`"
        return _SLIPS.get(word, "")

    def _of_equals_sign(self) -> str:
        if self._tag in _CONDITIONS:
            return f"write `{self.before if self.before in ('==', '!=') else '=='}`"
        return "an output assigns nothing: write {% assign name = value %} before it" if self._is_output else ""

    def _of_neighbours(self, wanted: str) -> str:
        """Return what to write between two words that nothing stands between."""
        if self._is_end or not self.before or not _VALUE_LIKE.match(self.written):
            return ""
        pair = f"{self.before}: {self.written}"
        if self.before_that == "|":
            return f"a colon stands before the arguments of a filter, `{pair}`"
        if wanted == "`:`" or self.before in OPTIONS or (wanted == "`,`" and not self._is_filtered):
            return f"write `{pair}`"
        if wanted == "`,`":
            return "a comma stands between the arguments of a filter"
        if self._is_output:
            return "print each in an output of its own, or join them, `| append: value`"
        return "an operator stands between two values, such as `==` or `and`" if self._tag in _CONDITIONS else ""

    def _of_tag(self) -> str:
        form = OUTPUT if self._is_output else form_of(f"{self._tag}=") if self._is_assigned else form_of(self._tag)
        return f"write {form}" if form else ""


def _short(word: str) -> str:
    return seen(word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…")
