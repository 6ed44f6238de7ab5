"""`{% # … %}` and the blanks of `{% translate %}`, which are looked at in one pass: with python-liquid's results."""

from __future__ import annotations

import random

import pytest
from liquid import Environment as LiquidEnvironment
from liquid.exceptions import LiquidSyntaxError

from liquid_background import Environment


@pytest.mark.parametrize("text", ["# a", "#", "# a\n# b", "# a\n\n \t\r\n # b\n", "# a\n\x85\u2028\n#"])
def test_a_comment_of_several_lines_prints_nothing(text: str) -> None:
    assert Environment().from_string(f"a{{% {text} %}}b").render() == "ab"


@pytest.mark.parametrize("text", ["# a\nb", "# a\n\n  b", "# a\n \n# b\n\tc # d"])
def test_a_line_of_a_comment_without_its_sign_is_an_error_at_its_tag(text: str) -> None:
    with pytest.raises(LiquidSyntaxError, match=r"must start with a '#'(?s:.*)page:2:"):
        Environment().from_string(f"\n{{% {text} %}}", name="page")


def test_translated_blanks_are_pythons_own() -> None:
    plain, ours = LiquidEnvironment(extra=True), Environment()
    chance = random.Random(12)
    for _ in range(300):
        text = "".join(chance.choice(" \n\t\r\x0b\x85\u2028ab") for _ in range(12))
        source = f"{{% translate %}}{text}{{% endtranslate %}}"
        assert ours.from_string(source).render() == plain.from_string(source).render()
