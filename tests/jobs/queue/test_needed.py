"""The list of the commands that jobs need is the one of the scripts."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from liquid_background.jobs.queue.needed import NEEDED
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
