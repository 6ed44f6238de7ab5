"""The lines of `{% liquid %}`: blank ones, arguments that go on over lines, comments, and what is none of these."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from liquid import DictLoader
from liquid.exceptions import LiquidError

from liquid_background import Environment
from liquid_background.language.syntax import locate

PARTIALS = {"p": "[{{ a }}|{{ b }}|{{ c }}]"}
PRINTED = [
    ("blank lines", "echo 1\n   \n\t\n\r\n\u00a0\n  echo 2", "12"),
    ("arguments over lines", "include 'p',\n    a: 1,\n    b: 2,\n    c: x\n  echo 9", "[1|2|1]9"),
    (
        "blanks and comments between them",
        "include 'p', # so\n\n  a: 1, # it's one\n  # b: 3,\n   \n  b: 2 # two",
        "[1|2|]",
    ),
    ("windows", "include 'p',\r\n  a: 1,\r\n\r\n  b: 2\r\necho 3\r\n", "[1|2|]3"),
    ("filters and commas in them", "echo 'a' | default: 1,\n  allow_false: true | append: 'b'\necho 2", "ab2"),
    ("no name behind the comma", "include 'p', a: 1,\n  echo 2", "[1||]2"),
    ("a comma that ends all", "include 'p', a: 1,", "[1||]"),
    ("a comma before the end of a block", "if x\n  include 'p', a: 1,\nelse\n  echo 2\nendif", "[1||]"),
    ("names of tags and reserved words", "include 'p', a: 1,\n  if: 2,\n  echo: 3,\n  b: 4", "[1|4|]"),
    ("comments", "echo 'a # b' # c\necho \"it's # x\" # don't\n# x: 1,\n#no\necho x #TODO", "a # bit's # x1"),
    ("comments behind all tags", "if x # a\n echo 1 # b\nelse # c\nendif # d\nbreak # e", "1"),
    ("comments behind try", "try # a\n include 'none' # b\ncatch e # c\n echo e.line # d\nendtry # e", "3"),
    ("prose in a comment", "comment\n - don't: {a}, %\n  b: 1,\nendcomment\necho 1", "1"),
    ("comments in comments", "comment\n a\n comment\n b\n endcomment\n - c\nendcomment\necho 1", "1"),
    ("the word in a comment", "comment\n a\n comment\nendcomment\necho 1\ncomment\n b\nendcomment\necho 2", "12"),
    ("prose in a doc", "doc\n  @param {object} x - it's, a\nendcomment\nenddoc\necho 1", "1"),
    ("a value over lines in a case", "case x\nwhen 3,\nendcase\ncase x # a\nwhen 1 # b\n echo 'w'\nendcase", "w"),
    ("assigns", "assign y = 'a,b' | split: ',' # c\nfor i in y # each\n  echo i\nendfor # done", "ab"),
]


@pytest.fixture(scope="module")
def env() -> Environment:
    return Environment(loader=DictLoader(PARTIALS))


@pytest.mark.parametrize(("lines", "printed"), [pytest.param(*rest, id=name) for name, *rest in PRINTED])
def test_lines_are_statements(lines: str, printed: str, env: Environment) -> None:
    around = "{% for i in (1..1) %}{% liquid\n" + lines + "\n%}{% endfor %}"
    assert env.from_string(around).render(x=1) == printed


WRONG = [
    ("echo 1\n   \n\n  echo x | nothing", 6, "unknown filter"),
    ("echo 1\n\n  {{ x }}", 5, "each line of {% liquid %} must start with the name of a tag, found '{'"),
    ("  \t- x", 3, "found '-'"),
    ("include 'p',\n  a: 1,\n  # c\n  b: (1\n", 6, ""),
    ("include 'p',\n  a: 1\n\n  b: 2", 6, "unexpected tag 'b'"),
    ("case x\n when 1,\n 2\nendcase", 5, "unexpected tag '2'"),
    ("echo x#y", 3, "unexpected `#`"),
    ("echo 'x\n  # it's", 3, "unexpected `'`"),
    ("comment\n x", 3, "never closed"),
]


@pytest.mark.parametrize(("lines", "line", "message"), WRONG)
def test_an_error_names_its_own_line(lines: str, line: int, message: str, env: Environment) -> None:
    with pytest.raises(LiquidError) as raised:
        env.from_string("\n{% liquid\n" + lines + "\n%}").render(x=1)
    assert message in str(raised.value.message)
    assert locate(raised.value)[1] == line


def test_a_job_has_the_arguments_and_the_lines_of_its_block(site: Any) -> None:
    source = (
        "{% liquid\n  background source_name: 's', # why\n    limit: 20,\n\n    q: 'x' # it's q\n"
        "   \n    echo limit # a\n    echo q\n    echo nowhere | upcase: 1\n  endbackground # done\n%}"
    )
    site.render(source)
    assert site.job.parameters == {"limit": 20, "q": "x"}
    outcome = site.perform(site.job)
    assert outcome.error is not None
    assert "pages/page:9" in outcome.error
    assert site.run(source.replace("| upcase: 1", "# | upcase: 1")) == "20x"


def test_the_partial_form_goes_on_over_lines(site: Any) -> None:
    site.write({"partials/p": "{{ limit }}{{ with }}"})
    assert site.run("{% liquid\n  background _ = 'p',\n    limit: 20, # many\n    with: 'w'\n  echo 1\n%}") == "20w"


def test_long_lines_are_read_in_one_pass() -> None:
    for lines in (
        "echo x,\n" * 3_000,
        "#\n" * 3_000,
        " \n" * 30_000,
        "echo 'x" * 9_000,
        "echo " + "# " * 30_000,
        "comment\n" * 8_000,
        "comment\ncomment\nendcomment\n" * 3_000,
    ):
        started = time.process_time()
        with suppress(LiquidError):
            Environment().from_string("{% liquid\n" + lines + "%}")
        assert time.process_time() - started < 1
