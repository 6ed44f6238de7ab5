"""Front matter that is no YAML: the error says why in plain words, at the line where it begins."""

from __future__ import annotations

import re

import pytest

from liquid_background.errors import TagSyntaxError
from liquid_background.language.pages import split_front_matter
from liquid_background.language.syntax import column_of, explain

JARGON = re.compile(
    r"<\w+ \w+>|node|token|scalar|sequence|mapping (value|key)|stream|document|expected|simple key|flow|indicator"
)
BROKEN = [
    # front matter, what is said, and the line and column of it
    ("a: [", "`[` is not closed: `]` is missing", 2, 4),
    ("a: [1, 2\nslug: x", "`[` is not closed", 2, 4),
    ("slug: x\na: {b: 1\nc: [1]", "`{` is not closed: `}` is missing", 3, 4),
    ("a: [1, 2}", "`[` is not closed", 2, 4),
    ("a: {b: [1, 2}", "`[` is not closed", 2, 8),
    ("a: [[1]", "`[` is not closed", 2, 4),
    ("a: [x, 'y]", "the quote ' is not closed", 2, 8),
    ('slug: x\na: "y\n\nb: z', 'the quote " is not closed', 3, 4),
    ("title: 'Bob's car'", "text stands behind the closing quote of this value", 2, 8),
    ('a: "x\nb: "y"', "text stands behind the closing quote of this value", 2, 4),
    ("a: [1] x", "text stands behind the end of a value", 2, 8),
    ("a: [1], b", "text stands behind the end of a value", 2, 7),
    ("a: [1]]", "`]` closes nothing", 2, 7),
    ("\ta: 1", "the line is indented by a tab: use spaces", 2, 1),
    ("a:\n\tb: 1", "the line is indented by a tab: use spaces", 3, 1),
    ("a: 1\n \tb: 2", "the line is indented by a tab: use spaces", 3, 2),
    ("a: [\n\t1]", "the line is indented by a tab: use spaces", 3, 1),
    ("a:\t1", "a tab cannot stand before a value", 2, 3),
    ("title: He said: hi", "the value holds a `: ` of its own: put the value in quotes", 2, 15),
    ("slug x\nmethod: GET", "a line without `: ` is no `name: value`", 2, 1),
    ("slug: x\nfoo", "a line without `: ` is no `name: value`", 3, 1),
    ("slug: x\nfoo\nbar: y", "a line without `: ` is no `name: value`", 3, 1),
    ("a: 1\n  b: 2", "the line is indented otherwise", 3, 3),
    (" a: 1\nb: 2", "the line is indented otherwise", 3, 1),
    ("a:\n  - x\n y: 2", "the line is indented otherwise", 4, 2),
    ("a: - b", "a list cannot start behind a name", 2, 4),
    ("a: ? b", "`?` cannot stand here", 2, 4),
    ("a: @x", "a value cannot start with '@': put it in quotes", 2, 4),
    ("a: %x", "a value cannot start with '%': put it in quotes", 2, 4),
    ("a: , b", "a value cannot start with ',': put it in quotes", 2, 4),
    ("a: ]", "a value cannot start with ']': put it in quotes", 2, 4),
    ("a: [b: c: d]", "a `,` is missing here", 2, 9),
    ('a: "\\q"', "a backslash in double quotes starts no escape here", 2, 6),
    ("a: |x\n  y", "behind `|` or `>` nothing else may stand in the line", 2, 5),
    ("%TAG x\na: 1", "a line cannot start with `%`", 2, 1),
    ("%YAML 9.9", "a line cannot start with `%`", 2, 1),
    ("a: 1\n...\nb: 2", "text stands behind `...`", 4, 1),
    ("x: {{ page.title }}", "put text that starts with `{` or `[` in quotes", 2, 5),
]


@pytest.mark.parametrize(("matter", "said", "line", "column"), BROKEN)
def test_what_is_no_yaml_is_told_in_plain_words_where_it_begins(matter: str, said: str, line: int, column: int) -> None:
    with pytest.raises(TagSyntaxError) as raised:
        split_front_matter(f"---\n{matter}\n---\nbody", "pages/x")
    error = raised.value
    assert said in str(error.message)
    assert not JARGON.search(str(error.message))
    assert explain(error).endswith(f"(pages/x:{line})")
    assert error.token is not None
    assert column_of(error.token) + 1 == column
