"""`poscli jobs`: list, show, retry, cancel and delete jobs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from liquid_background import Engine, JobRecord, JobStatus
from liquid_background.errors import JobError, JobNotFound
from liquid_background.jobs.operating.operation import Kind
from liquid_background.jobs.queue.waiting import waiting
from liquid_background.nearest import nearest
from poscli.application import app_option, load_engine, no_store
from poscli.completing import job_ids as stored_ids
from poscli.completing import source_names
from poscli.filters import asked_ids, filter_of, filter_options
from poscli.forgetting import forget
from poscli.group import Group
from poscli.jobview import as_json, describe, entries_of, rows
from poscli.operating import operate, operating_options
from poscli.output import dump
from poscli.tables import confirm, table
from poscli.terminal import fitted, hint, note, told_first
from poscli.who import operator

_LOOKED_AT = 1_000


@click.group("jobs", cls=Group)
def command() -> None:
    """List, show, retry, cancel and delete jobs.

    \b
    Examples:
      poscli jobs list --status failed
      poscli jobs show 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs retry --all-failed --yes
    """


command.add_command(forget)


@command.command("list")
@click.option("--status", type=click.Choice([str(status) for status in JobStatus]), help="Only jobs in this state.")
@click.option(
    "--source-name", metavar="NAME", shell_complete=source_names, help="Only jobs of this source name, taken literally."
)
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one object a line.",
)
@app_option
def list_jobs(status: str | None, source_name: str | None, limit: int, style: str, app: str | None) -> None:
    """List jobs, newest first.

    \b
    Examples:
      poscli jobs list --status failed --limit 10
      poscli jobs list --format json | jq -r .id
    """
    engine = _engine(app)
    if engine is None:
        return
    found = engine.jobs.list(status, source_name, limit)
    waits = waiting(engine.store, found)
    if style == "json":
        for job, wait in zip(found, waits, strict=True):
            print(dump(as_json(job, wait, engine.settings.secret_names)))
    elif found:
        print(table(*rows(found, waits)))
        if len(found) == limit:
            hint(f"The newest {limit}; --limit N shows more.")
    else:
        note(_nothing(engine, status, source_name))


@command.command("show")
@click.argument("job_id", metavar="ID", shell_complete=stored_ids)
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How it is shown."
)
@app_option
def show(job_id: str, style: str, app: str | None) -> None:
    """Show one job: source, values, attempts, log lines and result.

    Values whose names look secret are masked; the setting SECRET_NAMES lists the names.

    \b
    Example:
      poscli jobs show 3fa94c07d0b4407f8a56ad7ce7f0e0a1
    """
    engine = _engine(app)
    if engine is None:
        sys.exit(1)
    job = _stored(engine, job_id)
    entries = entries_of(engine, job)
    [wait] = waiting(engine.store, [job])
    if style == "text":
        print(fitted(describe(job, wait, entries, engine.settings.secret_names)))
        return
    log = [{"time": e.time.isoformat() if e.time else None, **_entry(e)} for e in entries]
    print(dump({**as_json(job, wait, engine.settings.secret_names), "log": log}))


def _entry(entry: object) -> dict[str, object]:
    names = ("status", "attempt", "duration", "message", "type", "template", "line", "final")
    return {name: getattr(entry, name) for name in names}


@command.command("retry")
@click.argument("job_ids", metavar="[ID]...", nargs=-1, shell_complete=stored_ids)
@click.option("--all-failed", is_flag=True, help="Every failed job that the other options mean; asks first.")
@filter_options
@operating_options
@app_option
def retry(job_ids: tuple[str, ...], all_failed: bool, app: str | None, **options: Any) -> None:
    """Start a new run of failed or cancelled jobs, at attempt 1, now.

    By options of a filter it is done by the workers, with the failed jobs that match unless --status says otherwise.

    \b
    Examples:
      poscli jobs retry 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs retry --all-failed --source-name sync_to_crm --yes
      poscli jobs retry --error 503 --since 2h --rate 10/s
    """
    if all_failed:
        if options["status"] not in (None, JobStatus.FAILED):
            raise click.UsageError(f"--all-failed and --status {options['status']}: give one of them")
        options["status"] = str(JobStatus.FAILED)
    _act(Kind.RETRY, job_ids, app, options, "--all-failed or other options that say which")


@command.command("cancel")
@click.argument("job_ids", metavar="[ID]...", nargs=-1, shell_complete=stored_ids)
@filter_options
@operating_options
@app_option
def cancel(job_ids: tuple[str, ...], app: str | None, **options: Any) -> None:
    """Take jobs back. One that runs is ended at its worker's next beat.

    By options of a filter it is done by the workers, with the jobs that match and have not ended.

    \b
    Examples:
      poscli jobs cancel 3fa94c07d0b4407f8a56ad7ce7f0e0a1
      poscli jobs cancel --source-name sync_to_crm --status pending
    """
    _act(Kind.CANCEL, job_ids, app, options, "options that say which")


@command.command("delete")
@filter_options
@operating_options
@app_option
def delete(app: str | None, **options: Any) -> None:
    """Forget jobs that have ended, with their results. The workers do it.

    \b
    Example:
      poscli jobs delete --status failed --source-name import_row --until 7d
    """
    _act(Kind.DELETE, (), app, options, "options that say which")


@command.command("clean")
@click.option("--older-than", metavar="AGE", required=True, help="That ended longer ago, such as 2d, or before a date.")
@filter_options
@operating_options
@app_option
def clean(older_than: str, app: str | None, **options: Any) -> None:
    """Forget jobs that ended long ago, as 'poscli jobs delete --until AGE' does.

    \b
    Example:
      poscli jobs clean --status completed --older-than 2d --yes
    """
    if options["until"]:
        raise click.UsageError("--older-than and --until say the same: give one of them")
    _act(Kind.DELETE, (), app, {**options, "until": older_than}, "options that say which")


def _act(kind: Kind, job_ids: Sequence[str], app: str | None, options: dict[str, Any], advice: str) -> None:
    """Do it with the jobs that are named, or have the workers do it with all that match."""
    by_id, wanted = asked_ids(job_ids, options, advice), filter_of(**options)
    how = {name: options[name] for name in ("rate", "dry_run", "yes")}
    if by_id and (how["rate"] or how["dry_run"]):
        raise click.UsageError("--rate and --dry-run are for all that match, not for jobs that are named")
    engine = _engine(app)
    if engine is None:
        sys.exit(1)
    if not by_id:
        operate(engine, kind, wanted, **how)
        return
    if len(job_ids) > 1:
        confirm(f"{kind.capitalize()} {len(job_ids)} jobs?", how["yes"])
    by = operator()
    if kind is Kind.RETRY:
        _each(engine, job_ids, partial(engine.jobs.retry, by=by), "retried", lambda status: status.may_be_retried)
    else:
        _each(engine, job_ids, partial(engine.jobs.cancel, by=by), "cancelled", lambda status: not status.has_ended)


def _engine(app: str | None) -> Engine | None:
    """Return the engine, or say that there is no store to look at."""
    engine = load_engine(app)
    missing = no_store(engine.settings)
    if missing:
        note(missing)
        return None
    return engine


def _stored(engine: Engine, job_id: str) -> JobRecord:
    """Return a job; the ids of a `RedisQueue` have a digest of its prefix in front in the store."""
    try:
        return engine.jobs.get(job_id)
    except JobNotFound:
        scoped = re.compile(rf"[0-9a-f]{{12}}-{re.escape(job_id)}")
        found = [job for job in engine.jobs.list(limit=_LOOKED_AT) if scoped.fullmatch(job.id)]
        if len(found) != 1:
            raise
        return found[0]


def _each(
    engine: Engine, ids: Sequence[str], act: Callable[[str], JobRecord], done: str, allowed: Callable[[JobStatus], bool]
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


def _nothing(engine: Engine, status: str | None, source_name: str | None) -> str:
    about = " ".join(filter(None, (status, "jobs", f"of the source name '{source_name}'" if source_name else "")))
    if source_name:
        known = {job.source_name for job in engine.jobs.list(limit=_LOOKED_AT)}
        near = nearest(source_name, known - {source_name})
        return f"no {about}; did you mean '{near}'?" if near else f"no {about}"
    return f"no {about}"
