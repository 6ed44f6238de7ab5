"""How tags are written: their arguments, their options, and the source between them."""

from liquid_background.syntax.arguments import Argument, Arguments, parse_arguments, starts_assignment
from liquid_background.syntax.lexer import Delimiters, lexer
from liquid_background.syntax.location import (
    column_of,
    explain,
    in_liquid_tag,
    line_of,
    locate,
    parsing,
    template_name,
    token_in,
)
from liquid_background.syntax.options import OPTIONS, Option, default_source_name, show
from liquid_background.syntax.source import BodySource, slice_body

__all__ = [
    "OPTIONS",
    "Argument",
    "Arguments",
    "BodySource",
    "Delimiters",
    "Option",
    "column_of",
    "default_source_name",
    "explain",
    "in_liquid_tag",
    "lexer",
    "line_of",
    "locate",
    "parse_arguments",
    "parsing",
    "show",
    "slice_body",
    "starts_assignment",
    "template_name",
    "token_in",
]
