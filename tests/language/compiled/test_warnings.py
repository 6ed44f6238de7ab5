"""What is generated says nothing when Python compiles it, whatever literals a template gives to filters."""

from __future__ import annotations

from itertools import product

from liquid import Mode

from liquid_background import Environment
from liquid_background.language.compiled.filters import _IN_PLACE
from tests.campaigns import fuzz, pairs
from tests.language.compiled.differ import Pair, Way

LITERALS = ("1", "-1", "0", "1.5", "'x'", "''", "true", "nil", "empty", "(1..3)", "9223372036854775808")
ARGUMENTS = (
    "",
    ": 1",
    ": 'x'",
    ": ''",
    ": 1.5",
    ": true",
    ": 0, 1",
    ": 'x', 1",
    ": 1, 'x'",
    ": 1, 1.5",
    ": -1",
    ": 2",
    ": 2, 'abc'",
)


@fuzz
def test_a_literal_of_any_kind_is_given_to_each_filter_that_is_written_in_place() -> None:
    assert Environment().filters.keys() >= _IN_PLACE.keys()
    escaping = [Pair(Way(Mode.WARN, autoescape=escapes)) for escapes in (False, True)]
    told = {}
    for (name, literal), pair in pairs(product(_IN_PLACE, LITERALS), escaping, few=1):
        source = "".join(f"{{{{ {literal} | {name}{each} }}}}\n" for each in ARGUMENTS)
        if found := pair.differences(source, dict):
            told[name, literal, pair.way.autoescape] = found
    assert not told, told
