"""Retrying, cancelling or deleting all jobs that match a filter: asked once more, then started as an operation."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from liquid_background.jobs.filter import Filter
from liquid_background.jobs.operating.operation import Kind, statuses_of
from liquid_background.jobs.pages import Count
from liquid_background.screens.access import Action
from liquid_background.screens.filterform import fields_of, only_filter, whole_filter_of
from liquid_background.screens.linking import filter_url, in_words
from liquid_background.screens.looking import Moment
from liquid_background.screens.messages import ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen
from liquid_background.wording import counted

_DONE: Final = {Kind.RETRY: "run again", Kind.CANCEL: "be cancelled", Kind.DELETE: "be deleted, with their results"}


def answer(screen: Screen) -> ScreenAnswer:
    """Show how many jobs match and what would become of them; of the form there, start it."""
    kind = screen.kind()
    screen.check_right(Action(kind))
    if screen.request.method != "POST":
        return _ask(screen, kind, whole_filter_of(screen.engine, screen.request.query))
    wanted = whole_filter_of(screen.engine, screen.request.form)
    rate = screen.request.form.one("rate")
    try:
        operation = screen.engine.operations.start(kind, wanted, by=screen.request.visitor.name, rate=rate)
    except ValueError as error:  # a rate that is none, or a filter that nothing can be done with
        return _ask(screen, kind, wanted, rate=rate, message=str(error))
    return screen.done("operations", told={"done": "started", "about": f"operation {operation.id}"})


def _ask(screen: Screen, kind: Kind, wanted: Filter, *, rate: str = "", message: str = "") -> ScreenAnswer:
    count = Moment().count(screen.engine.operations.counting(kind, wanted))
    statuses = dict.fromkeys(statuses_of(kind, wanted))
    words = [in_words(replace(wanted, status=status)) for status in statuses]
    return screen.page(
        "matching",
        f"{kind.capitalize()} {_number(count)}?",
        status=400 if message else 200,
        message=message or None,
        kind=str(kind),
        done=_DONE[kind],
        number=_number(count),
        count=count.found,
        is_whole=count.is_whole,
        looked_at=count.looked_at,
        of=count.of,
        words=words,
        is_everything=wanted in (Filter(), Filter(status=wanted.status)),
        hidden=[{"name": name, "value": Exact(value)} for name, value in only_filter(fields_of(wanted)).pairs],
        rate=Exact(rate),
        action=Exact(screen.url("jobs", "all", str(kind))),
        jobs=filter_url(screen, wanted),
    )


def _number(count: Count) -> str:
    jobs = counted(count.found, "job")
    return jobs if count.is_whole else f"at least {jobs}"
