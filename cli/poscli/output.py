"""The standard streams as the program uses them: sent line by line, and output that is lost is an error."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputLost(click.ClickException):
    """Raised when standard output cannot be written: what a command says must not be lost without a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot write to standard output: {reason}; send it where there is room, or to /dev/null")


class ClosedInput(io.TextIOWrapper):
    """What stands for a standard input that was closed: it is empty."""


class _Output(io.FileIO):
    """Standard output itself. A reader that has left is still a BrokenPipeError."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(str(error.strerror)) from error


def prepare() -> None:
    """Take over the standard streams: each line is sent at once, and what a terminal cannot write is shown escaped.

    Raises:
        OutputLost: when standard output is closed.
    """
    closed = [number for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)) if stream is None]
    for number in closed:
        _lead_nowhere(number)
    if 0 in closed:
        sys.stdin = ClosedInput(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    if 2 in closed:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if 1 in closed:
        raise OutputLost("it is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        buffer = io.BufferedWriter(_Output(sys.stdout.fileno(), "w", closefd=False))
        sys.stdout = io.TextIOWrapper(buffer, sys.stdout.encoding, "backslashreplace", line_buffering=True)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace", line_buffering=True)


def dump(values: Mapping[str, Any]) -> str:
    """Return one line of JSON in which every character that a terminal might act on is escaped."""
    return json.dumps(values).replace("\x7f", "\\u007f")


def give_up() -> None:
    """Have what is still held back go nowhere: it must not fail once more when Python ends."""
    _lead_nowhere(1)


def _lead_nowhere(number: int) -> None:
    """Open a descriptor on nothing. One that stays closed would become the next file's, and take what is printed."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
