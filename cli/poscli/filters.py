"""Options that say which jobs are meant, the same for each command, and the filter that they give."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import click

from liquid_background.job import JobStatus, Priority
from liquid_background.jobs.filter import Filter
from poscli.completing import source_names
from poscli.times import since as time_of

_TEXTS: Final = {  # what a condition asks of a job, by its option
    "template": ("NAME", "Of this template, such as pages/checkout."),
    "group": ("NAME", "In this group."),
    "failure": ("ID", "In this failure group."),
    "error": ("TEXT", "Whose error holds this text, in any case."),
    "parent": ("ID", "Made by this job or page render."),
}
_NAMES: Final = (
    "status",
    "source_name",
    "template",
    "queue",
    "group",
    "failure",
    "error",
    "value",
    "since",
    "until",
    "parent",
)
"""The arguments that a command has for these options."""


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a filter; `filter_of` makes one of them."""
    options = [
        click.option("--status", type=click.Choice([str(each) for each in JobStatus]), help="Only jobs in this state."),
        click.option(
            "--source-name",
            metavar="NAME",
            shell_complete=source_names,
            help="Of this source name, taken literally; one that ends in * is what names begin with.",
        ),
        click.option("--queue", type=click.Choice([str(each) for each in Priority]), help="In this queue."),
        *(click.option(f"--{name}", metavar=word, help=text) for name, (word, text) in _TEXTS.items()),
        click.option(
            "--value",
            metavar="NAME=TEXT",
            multiple=True,
            help="With this parameter or handed-over value, such as customer_id=42; may be given several times.",
        ),
        click.option(
            "--since", metavar="TIME", help="That came to where they are 10m, 2h30m or 1d ago or later, or at a date."
        ),
        click.option("--until", metavar="TIME", help="That came to where they are before then."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def filter_of(**options: Any) -> Filter:
    """Return the filter that a command's options give; those of the command that are not about it are passed over.

    Raises:
        BadParameter: when a time or a value is none.
    """
    given = {name: options[name] for name in _NAMES if options.get(name)}
    values = dict(map(_named, given.pop("value", ())))
    given |= {name: time_of(given[name]) for name in ("since", "until") if name in given}
    return Filter(**given, values=values)


def has_filter(options: Mapping[str, Any]) -> bool:
    """Return whether a command was given any of these options."""
    return any(options.get(name) for name in _NAMES)


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"'{text}' is not of the form NAME=TEXT, such as customer_id=42", param_hint="--value")
    return name, value


def as_options(wanted: Filter) -> str:
    """Return a filter as the options that give it."""
    return shlex.join(_words(wanted))


def _words(wanted: Filter) -> Iterator[str]:
    for name in _NAMES:
        if name == "value":
            for key, value in wanted.values.items():
                yield from ("--value", f"{key}={value}")
        elif given := getattr(wanted, name):
            yield f"--{name.replace('_', '-')}"
            yield given.isoformat() if isinstance(given, datetime) else str(given)


def asked_ids(job_ids: Sequence[str], options: Mapping[str, Any], advice: str) -> bool:
    """Return whether a command is about jobs by their ids, and not all that match a filter.

    Raises:
        UsageError: when it is about neither, or both.
    """
    if bool(job_ids) == has_filter(options):
        raise click.UsageError(f"name the jobs, or give {advice}")
    return bool(job_ids)
