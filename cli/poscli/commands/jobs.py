"""`poscli jobs`: list, show, retry, cancel and delete jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import click

from liquid_background import Engine, JobRecord, JobStatus
from liquid_background.errors import FilterError, JobError
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log import printable
from liquid_background.jobs.operating.operation import Kind
from liquid_background.jobs.queue.editing import value_of
from poscli.application import app_option, needed_engine, stored_engine
from poscli.completing import job_ids as stored_ids
from poscli.filtering import filter_options
from poscli.forgetting import forget
from poscli.group import Group
from poscli.joblist import print_jobs
from poscli.jobview import describe, story_as_json
from poscli.operating import check_asked, operate, operating_options
from poscli.output import dump
from poscli.saving import command as save_test
from poscli.tables import confirm
from poscli.terminal import fitted, note, told_first
from poscli.times import since as moment
from poscli.who import operator

_WHICH = "options that say which, such as --source-name"


@click.group("jobs", cls=Group)
def command() -> None:
    """List, show, retry, cancel and delete jobs; save one as a test.

    \b
    Examples:
      poscli jobs list --status failed
      poscli jobs show 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs retry --all-failed --yes
    """


command.add_command(forget)
command.add_command(save_test)


@command.command("list")
@filter_options
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
@click.option("--after", metavar="CURSOR", help="Go on behind a list that ended with this cursor.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line.",
)
@app_option
def list_jobs(wanted: Filter, limit: int, after: str | None, style: str, app: str | None) -> None:
    """List jobs, newest first.

    Every job is looked at that may fit, however many there are. On a narrow terminal ids are cut to beginnings that
    the other commands take, too.

    \b
    Examples:
      poscli jobs list --status failed --limit 10
      poscli jobs list --value customer_id=42 --since 2h
      poscli jobs list --source-name 'sync_*' --error 503
      poscli jobs list --format json | jq -r .id
    """
    engine = stored_engine(app)
    if engine is None:
        return
    try:
        print_jobs(engine, wanted, limit, after, style)
    except FilterError as error:
        raise click.UsageError(str(error)) from error


@command.command("show")
@click.argument("job_id", metavar="ID", shell_complete=stored_ids)
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How it is shown."
)
@app_option
def show(job_id: str, style: str, app: str | None) -> None:
    """Show one job: source, values, attempts, traceback, log lines, result, and what made it and what it made.

    Values whose names look secret are masked; the setting SECRET_NAMES lists the names.

    \b
    Example:
      poscli jobs show 3fa94c07d0b4407f8a56ad7ce7f0e0a1
    """
    engine = needed_engine(app)
    story = engine.story(engine.jobs.resolve(job_id))
    print(fitted(describe(story)) if style == "text" else dump(story_as_json(story)))


@command.command("retry")
@click.argument("job_ids", metavar="[ID]...", nargs=-1, shell_complete=stored_ids)
@click.option(
    "--set",
    "changes",
    metavar="NAME=VALUE",
    multiple=True,
    help="Run a copy of one job with another value, JSON or else text; user.id=7 sets what is inside.",
)
@click.option("--all-failed", is_flag=True, help="Every failed job that the other options mean; asks first.")
@filter_options
@operating_options
@app_option
def retry(job_ids: tuple[str, ...], changes: tuple[str, ...], all_failed: bool, wanted: Filter, **options: Any) -> None:
    """Start a new run of failed or cancelled jobs, at attempt 1, now.

    With the options of a filter the workers do it, with the failed jobs that match unless --status says otherwise. With
    --set a new job is run, with the other values as they were; the old one stays as it is.

    \b
    Examples:
      poscli jobs retry 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs retry 3fa94c07d0b4407f8a56ad7ce7f0e0a1 --set customer_id=43
      poscli jobs retry --all-failed --source-name sync_to_crm --yes
      poscli jobs retry --error 503 --since 2h --rate 10/s
    """
    if all_failed:
        if wanted.status not in (None, JobStatus.FAILED):
            raise click.UsageError(f"--all-failed and --status {wanted.status}: give one of them")
        wanted = replace(wanted, status=JobStatus.FAILED)
    check_asked(job_ids, wanted, f"--all-failed, or {_WHICH}", options)
    if changes:
        _edit(job_ids, changes, options["app"])
        return
    _act(Kind.RETRY, job_ids, wanted, **options)


@command.command("cancel")
@click.argument("job_ids", metavar="[ID]...", nargs=-1, shell_complete=stored_ids)
@filter_options
@operating_options
@app_option
def cancel(job_ids: tuple[str, ...], wanted: Filter, **options: Any) -> None:
    """Take jobs back. One that runs is ended at its worker's next beat.

    With the options of a filter the workers do it, with the jobs that match and have not ended.

    \b
    Examples:
      poscli jobs cancel 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs cancel --source-name sync_to_crm --status pending
    """
    check_asked(job_ids, wanted, _WHICH, options)
    _act(Kind.CANCEL, job_ids, wanted, **options)


@command.command("delete")
@click.argument("job_ids", metavar="[ID]...", nargs=-1, shell_complete=stored_ids)
@filter_options
@operating_options
@app_option
def delete(job_ids: tuple[str, ...], wanted: Filter, **options: Any) -> None:
    """Delete jobs, with their results. One that runs is not deleted: cancel it first.

    With the options of a filter the workers do it, with the jobs that match and have ended.

    \b
    Examples:
      poscli jobs delete 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs delete --status failed --source-name import_row --until 7d
    """
    check_asked(job_ids, wanted, _WHICH, options)
    _act(Kind.DELETE, job_ids, wanted, **options)


@command.command("clean")
@click.option(
    "--older-than",
    type=moment,
    metavar="AGE",
    required=True,
    help="That ended longer ago, such as 2d, or before then.",
)
@partial(filter_options, has_until=False)
@operating_options
@app_option
def clean(older_than: datetime, wanted: Filter, **options: Any) -> None:
    """Delete jobs that ended long ago, as 'poscli jobs delete --until AGE' does.

    \b
    Example:
      poscli jobs clean --status completed --older-than 2d --yes
    """
    _act(Kind.DELETE, (), replace(wanted, until=older_than), **options)


def _act(kind: Kind, job_ids: Sequence[str], wanted: Filter, *, app: str | None, yes: bool, **how: Any) -> None:
    """Do it with the jobs that are named, or have the workers do it with all that match."""
    engine = needed_engine(app)
    if not job_ids:
        operate(engine, kind, wanted, yes=yes, **how)
        return
    if len(job_ids) > 1:
        confirm(f"{kind.capitalize()} {len(job_ids)} jobs?", yes)
    act, done, allowed = {
        Kind.RETRY: (engine.jobs.retry, "retried", lambda status: status.may_be_retried),
        Kind.CANCEL: (engine.jobs.cancel, "cancelled", lambda status: not status.has_ended),
        Kind.DELETE: (engine.jobs.delete, "deleted", lambda status: status is not JobStatus.RUNNING),
    }[kind]
    _each(engine, job_ids, partial(act, by=operator()), done, allowed)


def _edit(job_ids: Sequence[str], changes: Sequence[str], app: str | None) -> None:
    """Run one job again with other values, as a new job."""
    if len(job_ids) != 1:
        raise click.UsageError("--set is for one job: name it")
    pairs = [text.partition("=") for text in changes]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise click.UsageError(f"--set '{name}' is not NAME=VALUE, such as customer_id=43")
    engine = needed_engine(app)
    old = _stored(engine, job_ids[0])
    new = engine.jobs.retry(old.id, set={name: value_of(value) for name, _, value in pairs}, by=operator())
    print(printable(f"enqueued {new.id} ({new.source_name}), made from {old.id}"))


def _stored(engine: Engine, job_id: str) -> JobRecord:
    return engine.jobs.get(engine.jobs.resolve(job_id))


def _each(
    engine: Engine, ids: Sequence[str], act: Callable[[str], object], done: str, allowed: Callable[[JobStatus], bool]
) -> None:
    """Do it to each whose status allows it; what can't be done is said, and the others are done nevertheless."""
    wrong = 0
    for job_id in ids:
        try:
            job = _stored(engine, job_id)
            is_allowed = allowed(job.status)
            if not is_allowed:
                act(job.id)  # raises, and says why; but for a job that has moved on this moment
            with told_first(f"{done} {job.id} ({job.source_name})"):
                if is_allowed:
                    act(job.id)
        except JobError as error:
            note(f"poscli: {error}")
            wrong += 1
    if wrong:
        sys.exit(1)
