"""The options that say which jobs are meant, for every command that takes a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

import click

from liquid_background import Engine
from liquid_background.errors import FilterError
from liquid_background.job import JobStatus, Priority
from liquid_background.jobs.filter import Filter
from poscli.completing import source_names
from poscli.times import since as moment

_UNTIL: Final = click.option(
    "--until", type=moment, metavar="TIME", help="Only jobs that came where they are before that time."
)
_OPTIONS: Final = (
    click.option("--status", type=click.Choice([str(status) for status in JobStatus]), help="Only jobs in this state."),
    click.option(
        "--source-name",
        metavar="NAME",
        default="",
        shell_complete=source_names,
        help="Only jobs of this source name; NAME* stands for all names that begin so.",
    ),
    click.option("--template", metavar="NAME", default="", help="Only jobs of this template, such as pages/checkout."),
    click.option(
        "--queue", type=click.Choice([str(priority) for priority in Priority]), help="Only jobs of this queue."
    ),
    click.option("--group", metavar="NAME", default="", help="Only jobs of this group."),
    click.option("--failure", metavar="ID", default="", help="Only jobs of this failure group."),
    click.option("--error", metavar="TEXT", default="", help="Only jobs whose error holds this text, in any case."),
    click.option(
        "--value",
        "values",
        metavar="NAME=VALUE",
        multiple=True,
        help="Only jobs with this parameter or handed-over value; user.id=7 looks into objects. Several: all of them.",
    ),
    click.option(
        "--since",
        type=moment,
        metavar="TIME",
        help="Only jobs that came where they are in the last 10m, 2h30m, 1d, or since 14:00 or 2024-01-15T14:32 (UTC).",
    ),
    _UNTIL,
    click.option(
        "--parent",
        metavar="ID",
        default="",
        help="Only jobs that this job, or this page render, made; of a job, what its id begins with is enough.",
    ),
)


def filter_options(command: Callable[..., Any], *, has_until: bool = True) -> Callable[..., Any]:
    """Give a command the options of a filter, which it gets as its argument `wanted`.

    Args:
        command: which gets them.
        has_until: whether `--until` is one of them, which a command may have under another name.
    """

    @wraps(command)
    def filtered(*, values: Sequence[str], queue: str | None, **given: Any) -> Any:
        own = {name: given.pop(name) for name in _FIELDS if name in given}
        try:
            wanted = Filter(**own, queue=queue or "", values=dict(map(_pair, values)))
        except FilterError as error:
            raise click.UsageError(str(error)) from error
        return command(wanted=wanted, **given)

    for option in reversed(_OPTIONS):
        filtered = filtered if option is _UNTIL and not has_until else option(filtered)
    return filtered


_FIELDS: Final = ("status", "source_name", "template", "group", "failure", "error", "since", "until", "parent")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise FilterError(f"--value {text[:80]!r} is not NAME=VALUE, such as customer_id=42")
    return name, value


def whole(engine: Engine, wanted: Filter) -> Filter:
    """Return a filter with the ids whole that were given by their beginnings.

    Raises:
        FailureNotFound: when no failure group's id begins so, or several do.
        UsageError: when several jobs' ids begin as the parent's is given.
    """
    try:
        return engine.whole_filter(wanted)
    except FilterError as error:
        raise click.UsageError(str(error)) from error


def described(wanted: Filter) -> str:
    """Return what jobs a filter means, in words: `failed jobs of the source name 'mail'`."""
    words = [str(wanted.status)] if wanted.status else []
    words.append("jobs")
    if wanted.source_name:
        words.append(f"of the source name '{wanted.source_name}'")
    if wanted != Filter(status=wanted.status, source_name=wanted.source_name):
        words.append("that fit")
    return " ".join(words)
