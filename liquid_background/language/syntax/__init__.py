"""How tags are written: their arguments, their options, and the source between them."""

from liquid_background.language.syntax.arguments import (
    Argument,
    Arguments,
    expression_stream,
    is_partial_form,
    literal_stream,
    parse_arguments,
    starts_assignment,
)
from liquid_background.language.syntax.code import raised_at
from liquid_background.language.syntax.complaints import reworded, unclosed
from liquid_background.language.syntax.excerpt import cut
from liquid_background.language.syntax.lexer import Delimiters, lexer
from liquid_background.language.syntax.lines import NoStatement, statements
from liquid_background.language.syntax.literals import (
    KeyName,
    ListLiteral,
    LonePath,
    ObjectLiteral,
    is_written_list,
    parse_expression,
    settle,
)
from liquid_background.language.syntax.location import (
    column_of,
    explain,
    in_liquid_tag,
    is_of,
    line_of,
    locate,
    parsing,
    template_name,
    text_of,
    token_in,
    what_was_wrong,
)
from liquid_background.language.syntax.names import REFUSALS, is_impossible
from liquid_background.language.syntax.nesting import nested_too_deep
from liquid_background.language.syntax.options import (
    OPTIONS,
    Option,
    bare_name,
    default_source_name,
    minutes_of,
    partial_source_name,
    unfiltered,
    written_text,
)
from liquid_background.language.syntax.raised import class_of, code_error, error_of_template
from liquid_background.language.syntax.scanning import TOKEN_APPEND
from liquid_background.language.syntax.shown import seen, show, unescaped, without_paths
from liquid_background.language.syntax.source import BodySource, slice_body
from liquid_background.language.syntax.trace import Place, trace
from liquid_background.language.syntax.words import expression_tokens

__all__ = [
    "KeyName",
    "ListLiteral",
    "LonePath",
    "ObjectLiteral",
    "OPTIONS",
    "REFUSALS",
    "Argument",
    "Arguments",
    "BodySource",
    "Delimiters",
    "NoStatement",
    "Option",
    "Place",
    "TOKEN_APPEND",
    "bare_name",
    "code_error",
    "column_of",
    "cut",
    "default_source_name",
    "class_of",
    "error_of_template",
    "explain",
    "expression_stream",
    "expression_tokens",
    "literal_stream",
    "minutes_of",
    "in_liquid_tag",
    "is_impossible",
    "is_of",
    "is_partial_form",
    "is_written_list",
    "lexer",
    "line_of",
    "locate",
    "nested_too_deep",
    "parse_arguments",
    "parse_expression",
    "parsing",
    "partial_source_name",
    "raised_at",
    "reworded",
    "seen",
    "settle",
    "show",
    "slice_body",
    "starts_assignment",
    "statements",
    "template_name",
    "text_of",
    "token_in",
    "trace",
    "unclosed",
    "unescaped",
    "unfiltered",
    "written_text",
    "what_was_wrong",
    "without_paths",
]
