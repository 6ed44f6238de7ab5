"""The golden cases are rendered the same by their nodes and as Python functions, in every mode and way."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns import fuzz, pairs
from tests.language.compiled.differ import WAYS, Way, differences

GOLDEN = next(
    (path for each in Path(__file__).parents if (path := each / "shared/data/golden_liquid.json").is_file()), None
)
PARTS = 6

pytestmark = pytest.mark.skipif(GOLDEN is None, reason="the golden cases are not beside the checkout")


def _cases(part: int) -> list[tuple[dict[str, Any], Way]]:
    assert GOLDEN is not None
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))["tests"]
    return pairs(cases[part::PARTS], WAYS, few=1)


@fuzz
@pytest.mark.parametrize("part", range(PARTS))
def test_a_golden_case_is_rendered_the_same(part: int) -> None:
    told = []
    for case, way in _cases(part):
        data, partials = case.get("data", {}), case.get("templates", {})
        found = differences(case["template"], lambda data=data: copy.deepcopy(data), way, partials)
        if found:
            told.append(f"{case['name']} ({way}): {found}")
    assert not told, "\n\n".join(told)
