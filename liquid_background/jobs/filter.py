"""Which jobs are meant: one set of conditions for the Python API, the CLI, operations and the web."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from liquid_background.errors import FilterError
from liquid_background.job import JobStatus, Priority

VERSION: Final = 1
"""Of a filter's JSON."""
_TIMES: Final = ("since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Conditions that a job meets all of; the default of each is any.

    A job's time, by which `since` and `until` go and lists are ordered, is when it came to where it is: of one that has
    ended its end, of one that runs its start, and of one that waits when it was enqueued for that.

    Raises:
        FilterError: when a status or a queue is none, or a name that ends in `*` is nothing else.
    """

    status: JobStatus | None = None
    source_name: str = ""  # literal; one that ends in * is what names begin with
    template: str = ""  # a template's name, such as pages/checkout, without a line
    queue: str = ""  # a priority
    group: str = ""
    failure: str = ""  # id of a failure group
    error: str = ""  # text that the error holds, whatever its case
    values: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # of parameters and handed-over values, by name, as text
    since: datetime | None = None  # aware; jobs of that time and later
    until: datetime | None = None  # aware; jobs before that time
    parent: str = ""  # id of the job or the page render that made it
    id_prefix: str = ""

    def __post_init__(self) -> None:
        if self.status is not None:
            if self.status not in tuple(JobStatus):
                raise FilterError(
                    f"no job has the status {str(self.status)[:120]!r}: give one of {', '.join(JobStatus)}, or none"
                )
            object.__setattr__(self, "status", JobStatus(self.status))
        if self.queue and self.queue not in tuple(Priority):
            raise FilterError(f"no queue is called {self.queue[:120]!r}: give one of {', '.join(Priority)}")
        if self.source_name == "*":
            object.__setattr__(self, "source_name", "")
        object.__setattr__(self, "values", {str(name): str(value) for name, value in self.values.items()})
        if not all(self.values):
            raise FilterError("a value without a name: give it as name=value")
        for name in _TIMES:
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise FilterError(f"{name} is {moment}, which has no time zone: give an aware time")

    @property
    def is_prefix(self) -> bool:
        """Whether the source name is what names begin with."""
        return self.source_name.endswith("*")

    def has_name(self, source_name: str) -> bool:
        """Return whether a job of that source name is meant, as far as its name goes."""
        if self.is_prefix:
            return source_name.startswith(self.source_name[:-1])
        return self.source_name in ("", source_name)

    def as_json(self) -> str:
        """Return it as it stands in the store: versioned JSON of the conditions that are given."""
        given: dict[str, Any] = {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
        for name in given.keys() & set(_TIMES):
            given[name] = given[name].isoformat()
        return json.dumps({"v": VERSION, **given})

    @classmethod
    def from_json(cls, text: str) -> Filter:
        """Return a filter that `as_json` wrote.

        Raises:
            FilterError: when it is none, or of a version that is not known here.
        """
        try:
            given: dict[str, Any] = json.loads(text)
            if given.pop("v") != VERSION:
                raise FilterError("the filter was written by a newer version: upgrade this one")
            given |= {name: datetime.fromisoformat(given[name]) for name in _TIMES if name in given}
            return cls(**given)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FilterError(f"{text[:80]!r} is no filter of jobs") from error
