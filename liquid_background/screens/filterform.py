"""The filter of jobs as it stands in a URL, and as a form."""

from __future__ import annotations

from liquid_background.job import JobStatus
from liquid_background.jobs.filter import Filter
from liquid_background.screens.messages import Fields


def filter_of(query: Fields) -> Filter:
    """Return the filter that a query means; a field that it lacks is any.

    Raises:
        FilterError: when a field is none.
    """
    status = query.one("status")
    return Filter(status=JobStatus(status) if status else None, source_name=query.one("source_name"))
