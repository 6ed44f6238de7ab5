"""Words that python-liquid reserves (`limit`, `with`, `if`, …) as names, wherever its grammar has no such word.

python-liquid's own parsers see a plain word then. Where they would take the word itself, it stays what it is: what is
valid there means the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from liquid import Environment, Token
from liquid.builtin.expressions import tokenize
from liquid.token import (
    TOKEN_AND,
    TOKEN_AS,
    TOKEN_ASSIGN,
    TOKEN_BLANK,
    TOKEN_COLON,
    TOKEN_COLS,
    TOKEN_COMMA,
    TOKEN_CONTAINS,
    TOKEN_CONTINUE,
    TOKEN_DOT,
    TOKEN_ELSE,
    TOKEN_EMPTY,
    TOKEN_EOF,
    TOKEN_FALSE,
    TOKEN_FLOAT,
    TOKEN_FOR,
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_IF,
    TOKEN_IN,
    TOKEN_INTEGER,
    TOKEN_LBRACKET,
    TOKEN_LIMIT,
    TOKEN_LPAREN,
    TOKEN_NIL,
    TOKEN_NOT,
    TOKEN_NULL,
    TOKEN_OFFSET,
    TOKEN_OR,
    TOKEN_RANGE_LITERAL,
    TOKEN_RBRACKET,
    TOKEN_REQUIRED,
    TOKEN_REVERSED,
    TOKEN_RPAREN,
    TOKEN_STRING,
    TOKEN_TRUE,
    TOKEN_WITH,
    TOKEN_WORD,
)

from liquid_background.language.syntax.lines import without_comments
from liquid_background.language.syntax.location import in_liquid_tag
from liquid_background.lazy import kept

_OPTIONS: Final = frozenset((TOKEN_LIMIT, TOKEN_OFFSET, TOKEN_COLS, TOKEN_REVERSED))
_BEFORE_OPTION: Final = frozenset((TOKEN_COMMA, TOKEN_REVERSED, TOKEN_CONTINUE))  # beside a value
_WORDS: Final = _OPTIONS | frozenset(
    (
        TOKEN_AND,
        TOKEN_AS,
        TOKEN_CONTAINS,
        TOKEN_CONTINUE,
        TOKEN_ELSE,
        TOKEN_FOR,
        TOKEN_IF,
        TOKEN_IN,
        TOKEN_NOT,
        TOKEN_OR,
        TOKEN_REQUIRED,
        TOKEN_WITH,
    )
)
_LITERALS: Final = frozenset((TOKEN_TRUE, TOKEN_FALSE, TOKEN_NIL, TOKEN_NULL, TOKEN_EMPTY, TOKEN_BLANK))
_RESERVED: Final = _WORDS | _LITERALS
_BRACKETS: Final = frozenset((TOKEN_LBRACKET, TOKEN_IDENTSTRING, TOKEN_IDENTINDEX))
_VALUES: Final = _LITERALS | frozenset((TOKEN_WORD, TOKEN_STRING, TOKEN_INTEGER, TOKEN_FLOAT))
_STARTS: Final = _VALUES | frozenset((TOKEN_LPAREN, TOKEN_RANGE_LITERAL))
_ENDS: Final = _VALUES | frozenset((TOKEN_RBRACKET, TOKEN_RPAREN, TOKEN_IDENTSTRING, TOKEN_IDENTINDEX))

_CONDITIONS: Final = frozenset(("if", "elsif", "unless"))
_LOOPS: Final = frozenset(("for", "tablerow"))
_NAME_FIRST: Final = _LOOPS | frozenset(("block",))
_LITERAL_FIRST: Final = frozenset(("cycle", "assign"))
_ONLY_NAMES: Final = frozenset(("macro", "call"))  # nothing but names and values, and no comma behind the first


def expression_tokens(env: Environment, expression: Token, tag: str, *, own: bool = True) -> list[Token]:
    """Return the tokens of an expression, with reserved words as names where they are names.

    Args:
        env: says which of the words' uses are on.
        expression: as the lexer found it.
        tag: whose it is; "" for that of an output statement.
        own: whether we know the grammar of the tag; an application's may look for any word anywhere.
    """
    text = without_comments(expression.value) if in_liquid_tag.get() else expression.value
    return with_names(env, list(tokenize(text, expression)), tag, own=own)


def with_names(env: Environment, tokens: list[Token], tag: str, *, own: bool = True) -> list[Token]:
    """Return the tokens of an expression, or of a value in one, with reserved words as names where they are names."""
    if not _RESERVED.isdisjoint([token.kind for token in tokens]):
        _Names(env, tokens, tag, own=own).find()
    return tokens


class _Names:
    """Makes names of the reserved words in one expression."""

    def __init__(self, env: Environment, tokens: list[Token], tag: str, *, own: bool) -> None:
        self._env = env
        self._tokens = tokens
        self._tag = tag
        self._own = own
        self._separators = (TOKEN_COLON, TOKEN_ASSIGN) if env.keyword_assignment else (TOKEN_COLON,)
        kinds = [token.kind for token in tokens]
        self._loops_from = self._place_of_in(kinds)
        self._kinds = kinds
        self._has_if = False  # before the word that is looked at

    def find(self) -> None:
        """Replace each word that is a name, from the first on: what a word is hangs on those before it."""
        for at, token in enumerate(self._tokens):
            if token.kind in _RESERVED and self._is_name(at, token.kind):
                self._tokens[at] = token._replace(kind=TOKEN_WORD)
            elif token.kind == TOKEN_IF:
                self._has_if = True

    def _kind(self, at: int) -> str:
        return self._tokens[at].kind if 0 <= at < len(self._tokens) else TOKEN_EOF

    def _place_of_in(self, kinds: Sequence[str]) -> int:
        """Return where a loop's `in` is; for an expression that is no loop its end."""
        if (self._tag in _LOOPS or not self._own) and TOKEN_IN in kinds[1:]:
            return kinds.index(TOKEN_IN, 1)
        return len(kinds)

    @kept
    def _starts(self) -> list[bool]:
        """For each token whether a value may start with it, if none has started before; by the kinds as they were.

        Of two words in a row one is a name and the other is not: which one, the end of the row tells.
        """
        kinds = self._kinds
        starts = [False] * (len(kinds) + 1)
        for at in range(len(kinds) - 1, -1, -1):
            kind = kinds[at]
            if at + 1 < len(kinds) and kinds[at + 1] in self._separators:
                starts[at] = False  # the name of an argument
            elif kind in _WORDS:
                starts[at] = kind == TOKEN_NOT or not starts[at + 1]
            else:
                starts[at] = kind in _STARTS
        return starts

    def _is_name(self, at: int, kind: str) -> bool:
        before = self._kind(at - 1)
        if before == TOKEN_DOT or self._is_behind_index(at):
            return True
        is_labelled = self._kind(at + 1) in self._separators
        if kind in _LITERALS:
            return is_labelled and (at > 0 or (self._own and self._tag not in _LITERAL_FIRST))
        if at >= self._loops_from:
            return self._is_name_in_loop(at, kind, before)
        if not self._own and (not at or before in _ENDS or before == TOKEN_COMMA):
            return is_labelled
        if is_labelled or self._tag in _ONLY_NAMES or (not at and self._tag in _NAME_FIRST):
            return True
        return before not in _ENDS and not self._is_followed_by_value(at, kind)

    def _is_behind_index(self, at: int) -> bool:
        """Return whether a word is the member in `items.0.limit`, whose middle is read as the number `0.`."""
        before = self._tokens[at - 1] if at else None
        return (
            self._env.shorthand_indexes
            and before is not None
            and before.kind == TOKEN_FLOAT
            and before.value.endswith(".")
            and self._kind(at - 2) == TOKEN_DOT
        )

    def _is_name_in_loop(self, at: int, kind: str, before: str) -> bool:
        if at == self._loops_from:
            return False
        is_value = at == self._loops_from + 1 or not (before in _ENDS or before in _BEFORE_OPTION)
        if kind == TOKEN_CONTINUE and self._kind(at - 2) == TOKEN_OFFSET:
            return False
        return is_value

    def _is_followed_by_value(self, at: int, kind: str) -> bool:
        """Return whether the word stands before a value as an operator does, or as one that misses its comma."""
        if self._kind(at + 1) in _BRACKETS and kind in (TOKEN_NOT, TOKEN_IF):
            word, bracket = self._tokens[at], self._tokens[at + 1]
            return self._may_be_operator(at, kind) or bracket.start_index > word.start_index + len(word.value)
        return self._starts[at + 1]

    def _may_be_operator(self, at: int, kind: str) -> bool:
        """Return whether python-liquid would take `not` or `if` for one here, before a value in brackets."""
        if kind == TOKEN_IF:  # behind a filter's arguments, which may end in a comma or be none
            return self._env.ternary_expressions and self._kind(at - 1) in (TOKEN_COLON, TOKEN_COMMA)
        return self._env.logical_not_operator and (self._tag in _CONDITIONS or self._has_if)
