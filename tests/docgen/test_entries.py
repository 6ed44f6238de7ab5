"""One name of the API, as its source has it."""

from __future__ import annotations

from pathlib import Path

import griffe
import pytest

from docgen.entries import entry

SOURCE = '''
from contextlib import contextmanager

MOST = 5
"""How many."""

class Shop:
    """A shop.

    Args:
        name: what it is called.
    """

    def __init__(self, name: str, most: int = MOST) -> None:
        self.name = name
        self._till = 0

    @property
    def open(self) -> bool:
        """Whether it is open."""

    async def sell(self, *, item: str, **more: object) -> str:
        """Sell one thing.

        Args:
            item: what is sold,
                in one line.

        Raises:
            KeyError: when there is none.
        """

    def bare(self): ...

@contextmanager
def closed():
    """Close it for a while."""
'''


@pytest.fixture
def module(tmp_path: Path) -> griffe.Module:
    (tmp_path / "shop.py").write_text(SOURCE)
    module = griffe.load("shop", search_paths=[tmp_path], docstring_parser=griffe.Parser.google)
    assert isinstance(module, griffe.Module)
    return module


def test_a_public_member_needs_a_docstring(module: griffe.Module) -> None:
    with pytest.raises(LookupError, match=r"shop\.Shop\.bare is public and has no docstring"):
        list(entry(module["Shop"]))


def test_a_class_shows_how_it_is_made_and_what_it_does(module: griffe.Module) -> None:
    module["Shop"].del_member("bare")
    text = "\n".join(entry(module["Shop"]))
    assert "class Shop(name: str, most: int = 5)\n" in text
    assert "- `name`: what it is called.\n" in text
    assert "| `name` | `str` |\n" in text
    assert "`open: bool`\n" in text
    assert "async def sell(*, item: str, **more: object) -> str\n" in text
    assert "- `item`: what is sold, in one line.\n" in text
    assert "Raises:\n\n- `KeyError`: when there is none.\n" in text
    assert "_till" not in text


def test_a_class_that_applications_are_given_does_not_show_how_it_is_made(
    module: griffe.Module, tmp_path: Path
) -> None:
    module["Shop"].del_member("bare")
    text = "\n".join(entry(module["Shop"], made_by_applications=False))
    assert "class Shop(" not in text
    assert "what it is called" not in text


def test_a_constant_and_a_context_manager(module: griffe.Module) -> None:
    assert list(entry(module["MOST"])) == ["### MOST\n", "```python\nMOST = 5\n```\n", "How many.\n"]
    assert "```python\n@contextmanager\ndef closed()\n```\n" in list(entry(module["closed"]))
