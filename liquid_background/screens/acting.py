"""Retrying, cancelling and deleting jobs: one, or those that were selected; what is deleted is asked for once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from liquid_background.errors import JobError, JobNotFound
from liquid_background.job import JobRecord
from liquid_background.jobs.operating.operation import Kind
from liquid_background.screens.access import Action
from liquid_background.screens.back import back, page_before
from liquid_background.screens.linking import short
from liquid_background.screens.messages import Refused, ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.rows import rows_of
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted

_DONE: Final = {Kind.RETRY: "retried", Kind.CANCEL: "cancelled", Kind.DELETE: "deleted"}
_MOST: Final = 200  # jobs that one request acts on: a page has fifty; for more there are operations


def on_one(screen: Screen) -> ScreenAnswer:
    """Do it with the job that the path names."""
    kind = screen.kind()
    screen.check(Action(kind))
    job_id = screen.request.segments[1]
    if not _is_sure(screen, kind):
        return _ask(screen, [screen.engine.jobs.get(job_id)])
    _act(screen, kind)(job_id)
    told = {"done": _DONE[kind], "about": f"job {short(job_id)}"}
    if kind is Kind.DELETE:
        return screen.done("jobs", told=told)  # its own screen is gone
    return back(screen, told, "jobs", job_id)


def on_selected(screen: Screen) -> ScreenAnswer:
    """Do it with each job that was selected; what can't be done with one is left, and the others are done."""
    kind = screen.kind()
    screen.check(Action(kind))
    ids = list(dict.fromkeys(filter(None, screen.request.form.all("id"))))
    if not ids:
        raise Refused(400, "No job was selected: tick those that are meant, and try again.")
    if len(ids) > _MOST:
        raise Refused(400, f"At most {_MOST} jobs at once: have all that match a filter done instead.")
    if not _is_sure(screen, kind):
        return _ask(screen, [*_there(screen, ids)])
    act, wrong = _act(screen, kind), []
    for job_id in ids:
        try:
            act(job_id)
        except JobError as error:
            wrong.append(str(error))
    if len(wrong) == len(ids):
        raise Refused(409, f"None of these was {_DONE[kind]}: {wrong[0]}")
    done = len(ids) - len(wrong)
    if wrong:
        told = {"done": f"some_{_DONE[kind]}", "about": f"{done} of {counted(len(ids), 'job')}"}
    else:
        word = "all_retried" if kind is Kind.RETRY and done > 1 else _DONE[kind]
        told = {"done": word, "about": counted(done, "job")}
    return back(screen, told, "jobs")


def _is_sure(screen: Screen, kind: Kind) -> bool:
    """Return whether it may be done at once: what is gone for good is asked for once more, by a dialog or a page."""
    return kind is not Kind.DELETE or screen.request.form.one("sure") == "yes"


def _there(screen: Screen, ids: Sequence[str]) -> Iterator[JobRecord]:
    for job_id in ids:
        with suppress(JobNotFound):
            yield screen.engine.jobs.get(job_id)


def _ask(screen: Screen, jobs: Sequence[JobRecord]) -> ScreenAnswer:
    """Show which jobs would be deleted, with a button that does it."""
    if not jobs:
        raise Refused(409, "None of these was deleted: they are gone already.")
    number = counted(len(jobs), "job")
    return screen.page(
        "sure",
        f"Delete {number}?",
        verb=f"Delete {number}",
        jobs=rows_of(screen, jobs),
        ids=[Exact(job.id) for job in jobs],
        action=Exact(screen.url(*screen.request.segments)),
        before=page_before(screen),
        otherwise=Exact(screen.url("jobs")),
    )


def _act(screen: Screen, kind: Kind) -> Callable[[str], Any]:
    jobs = screen.engine.jobs
    acts: dict[Kind, Callable[..., Any]] = {Kind.RETRY: jobs.retry, Kind.CANCEL: jobs.cancel, Kind.DELETE: jobs.delete}
    return partial(acts[kind], by=screen.request.visitor.name)
