"""How tags are written: their arguments, their options, and the source between them."""

from liquid_background.language.syntax.arguments import Argument, Arguments, parse_arguments, starts_assignment
from liquid_background.language.syntax.lexer import Delimiters, lexer
from liquid_background.language.syntax.location import (
    column_of,
    explain,
    in_liquid_tag,
    line_of,
    locate,
    parsing,
    template_name,
    text_of,
    token_in,
    what_was_wrong,
)
from liquid_background.language.syntax.names import REFUSALS, is_impossible
from liquid_background.language.syntax.nesting import nested_too_deep, too_deep
from liquid_background.language.syntax.options import OPTIONS, Option, default_source_name, show
from liquid_background.language.syntax.source import BodySource, slice_body
from liquid_background.language.syntax.trace import Place, trace

__all__ = [
    "OPTIONS",
    "REFUSALS",
    "Argument",
    "Arguments",
    "BodySource",
    "Delimiters",
    "Option",
    "Place",
    "column_of",
    "default_source_name",
    "explain",
    "in_liquid_tag",
    "is_impossible",
    "lexer",
    "line_of",
    "locate",
    "nested_too_deep",
    "parse_arguments",
    "parsing",
    "show",
    "slice_body",
    "starts_assignment",
    "template_name",
    "text_of",
    "token_in",
    "too_deep",
    "trace",
    "what_was_wrong",
]
