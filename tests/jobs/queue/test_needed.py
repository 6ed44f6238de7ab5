"""The list of the commands that jobs need is the one of the scripts."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path

import pytest

from liquid_background.jobs.queue.needed import NEEDED, kinds_of_keys, needed
from liquid_background.jobs.queue.protocol import names_of
from liquid_background.jobs.store import Store, asked


def _words() -> set[str]:
    """Return the quoted words of all scripts: the names of commands are among them."""
    root = Path(str(files("liquid_background.jobs")))
    scripts = [script.read_text("ascii") for script in root.rglob("*.lua")]
    assert len(scripts) > 20
    return {word for script in scripts for word in re.findall(r"'([A-Z]{3,})'", script)}


def test_every_command_of_the_scripts_is_listed(store: Store) -> None:
    words = sorted(_words())
    with asked(store) as ask:
        [facts] = ask.ask(("COMMAND", "INFO", *words))
    known = {word for word, each in zip(words, facts, strict=True) if each}
    assert len(known) > 30
    assert known - {"READONLY"} <= NEEDED.keys()  # which the scripts write as an error's code


def test_every_listed_command_is_one_and_has_arguments_that_it_takes(store: Store) -> None:
    with asked(store) as ask:
        assert ask.ask(("MULTI",)) == [b"OK"]
        commands = [(name, *arguments) for name, arguments in NEEDED.items()]
        replies = ask.ask(*commands, ("DISCARD",))
    assert replies == [b"QUEUED"] * len(NEEDED) + [b"OK"]


@pytest.mark.parametrize("site", ["", "shop"])
def test_every_name_of_the_scripts_is_among_the_kinds_of_keys(site: str) -> None:
    kinds = kinds_of_keys(site)
    names = [name for name in names_of(site).values() if name.startswith(("rq:", "liquid_background:"))]
    assert len(names) > 15
    assert [name for name in names if not any(kind.startswith(name) for kind in kinds)] == []


@pytest.mark.parametrize("site", ["", "shop"])
def test_every_key_that_a_command_is_tried_on_is_among_the_kinds_of_keys(site: str) -> None:
    words = {str(word) for words in needed(site).values() for word in words}
    tried = [word for word in words if word.startswith(("rq:", "liquid_background:"))]
    assert [word for word in tried if not any(fnmatchcase(word, kind) for kind in kinds_of_keys(site))] == []
