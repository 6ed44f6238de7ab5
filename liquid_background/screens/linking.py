"""Links to jobs: to one, and to those that a filter means, with the filter in the URL and in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from liquid_background.jobs.filter import Filter
from liquid_background.screens.filterform import fields_of
from liquid_background.screens.messages import Fields
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

_RANDOM: Final = re.compile("[0-9a-f]{32}")
_SHORT: Final = 10  # digits of a random id
_LONGEST: Final = 40  # characters of one that somebody chose, or a schedule: several may begin alike


def short(job_id: str) -> str:
    """Return what of a job's id people are shown; addresses and commands take it, too."""
    return job_id[: _SHORT if _RANDOM.fullmatch(job_id) else _LONGEST]


def job_url(screen: Screen, job_id: str) -> Exact:
    """Return the URL of a job."""
    return Exact(screen.url("jobs", job_id))


def jobs_url(screen: Screen, **fields: str) -> Exact:
    """Return the URL of the jobs that the fields of a query mean; one that is empty is left out."""
    return Exact(screen.url("jobs", query=Fields().but(**fields)))


def filter_url(screen: Screen, wanted: Filter) -> Exact:
    """Return the URL of the jobs that a filter means."""
    return Exact(screen.url("jobs", query=fields_of(wanted)))


def in_words(wanted: Filter) -> str:
    """Return what jobs a filter means: `failed jobs of the source name mail since 2024-01-15 14:32`."""
    words = [f"{wanted.status} jobs" if wanted.status else "jobs"]
    if wanted.source_name:
        kind = "source names that begin with" if wanted.is_prefix else "source name"
        words.append(f"of the {kind} {wanted.source_name.removesuffix('*')}")
    of = {"template": "template", "queue": "queue", "group": "group", "failure": "failure group", "parent": "parent"}
    words += [f"of the {word} {value}" for name, word in of.items() if (value := getattr(wanted, name))]
    if wanted.error:
        words.append(f"whose error holds “{wanted.error}”")
    words += [f"with {name} = {value}" for name, value in wanted.values.items()]
    if wanted.id_prefix:
        words.append(f"whose ids begin with {wanted.id_prefix}")
    words += [f"since {_time(wanted.since)}"] if wanted.since else []
    words += [f"until {_time(wanted.until)}"] if wanted.until else []
    return " ".join(words)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
