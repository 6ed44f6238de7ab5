"""`poscli jobs`: list, show, retry, cancel and delete jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from liquid_background import Engine, JobRecord, JobStatus
from liquid_background.errors import FilterError, JobError
from liquid_background.jobs.filter import Filter
from poscli.application import app_option, load_engine, no_store
from poscli.completing import job_ids as stored_ids
from poscli.completing import source_names
from poscli.filtering import filter_options
from poscli.group import Group
from poscli.joblist import print_jobs
from poscli.jobview import Shown, describe
from poscli.output import dump
from poscli.tables import confirm
from poscli.terminal import fitted, note, told_first


@click.group("jobs", cls=Group)
def command() -> None:
    """List, show, retry, cancel and delete jobs.

    \b
    Examples:
      poscli jobs list --status failed
      poscli jobs show 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs retry --all-failed --yes
    """


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
    engine = _engine(app)
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
    engine = _engine(app)
    if engine is None:
        sys.exit(1)
    job = _stored(engine, job_id)
    shown, secret_names = Shown.of(engine, job), engine.settings.secret_names
    print(fitted(describe(shown, secret_names)) if style == "text" else dump(shown.as_json(secret_names)))


@command.command("retry")
@click.argument("job_ids", metavar="[ID]...", nargs=-1, shell_complete=stored_ids)
@click.option("--all-failed", is_flag=True, help="Every failed job; asks first.")
@click.option(
    "--source-name",
    metavar="NAME",
    shell_complete=source_names,
    help="With --all-failed: only those of this source name.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@app_option
def retry(job_ids: tuple[str, ...], all_failed: bool, source_name: str | None, yes: bool, app: str | None) -> None:
    """Start a new run of failed or cancelled jobs, at attempt 1, now.

    \b
    Examples:
      poscli jobs retry 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs retry --all-failed --source-name sync_to_crm --yes
    """
    if bool(job_ids) == all_failed:
        raise click.UsageError("name the jobs, or give --all-failed")
    engine = _engine(app)
    if engine is None:
        sys.exit(1)
    ids: Sequence[str] = job_ids
    if all_failed:
        ids = [job.id for job in engine.jobs.find(JobStatus.FAILED, source_name)]
        if not ids:
            note("no failed jobs")
            return
    if len(ids) > 1:
        confirm(f"Retry {len(ids)} jobs?", yes)
    _each(engine, ids, engine.jobs.retry, "retried", lambda status: status.may_be_retried)


@command.command("cancel")
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True, shell_complete=stored_ids)
@click.option("--yes", is_flag=True, help="Do not ask.")
@app_option
def cancel(job_ids: tuple[str, ...], yes: bool, app: str | None) -> None:
    """Take jobs back. One that runs is ended at its worker's next beat.

    \b
    Example:
      poscli jobs cancel 3fa94c07d0b4407f8a56ad7ce7f0e0a1
    """
    engine = _engine(app)
    if engine is None:
        sys.exit(1)
    if len(job_ids) > 1:
        confirm(f"Cancel {len(job_ids)} jobs?", yes)
    _each(engine, job_ids, engine.jobs.cancel, "cancelled", lambda status: not status.has_ended)


@command.command("delete")
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True, shell_complete=stored_ids)
@click.option("--yes", is_flag=True, help="Do not ask.")
@app_option
def delete(job_ids: tuple[str, ...], yes: bool, app: str | None) -> None:
    """Delete jobs, with their results. One that runs is not deleted: cancel it first.

    \b
    Example:
      poscli jobs delete 3fa94c07d0b4407f8a56ad7ce7f0e0a1
    """
    engine = _engine(app)
    if engine is None:
        sys.exit(1)
    if len(job_ids) > 1:
        confirm(f"Delete {len(job_ids)} jobs?", yes)
    _each(engine, job_ids, engine.jobs.delete, "deleted", lambda status: status is not JobStatus.RUNNING)


def _engine(app: str | None) -> Engine | None:
    """Return the engine, or say that there is no store to look at."""
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing:
        note(missing)
        return None
    return engine


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
