"""Templates drawn at random are rendered the same by their nodes and as Python functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from tests.campaigns import TIMES, fuzz
from tests.language.compiled.application import install
from tests.language.compiled.differ import WAYS, Way, differences
from tests.language.compiled.drawn import Drawing, Piece
from tests.language.compiled.given import given

EACH = 40 * TIMES
"""Templates of a test."""
SHOWN = 3


def _way(seed: int) -> Way:
    return Random(seed).choice(WAYS)


def _smallest(piece: Piece, differs: Callable[[Piece], Any]) -> Piece:
    """Return a piece that still differs, of which nothing can be left out."""
    while True:
        for less in piece.smaller():
            if differs(less):
                piece = less
                break
        else:
            return piece


def check(seed: int) -> str:
    """Return what differs of a template; nothing, as a rule."""
    drawing = Drawing(seed)
    piece, partials, way = drawing.template(), drawing.partials(), _way(seed)

    def differs(piece: Piece) -> Mapping[str, Any]:
        return differences(str(piece), given, way, partials, install)

    if not differs(piece):
        return ""
    piece = _smallest(piece, differs)
    parts = {name: text for name, text in partials.items() if name.startswith("drawn") and name in str(piece)}
    lines = [f"{key}:\n  walked   {old}\n  compiled {new}" for key, (old, new) in differs(piece).items()]
    return "\n".join((f"seed {seed} ({way}): {str(piece)!r} {parts}", *lines))


@fuzz
@pytest.mark.parametrize("part", range(10))
def test_a_drawn_template_is_rendered_the_same(part: int) -> None:
    told: list[str] = []
    for seed in range(part * 1_000_000, part * 1_000_000 + EACH):
        if difference := check(seed):
            told.append(difference)
            if len(told) == SHOWN:
                break
    assert not told, "\n\n".join(told)
