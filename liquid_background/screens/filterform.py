"""The filter of jobs as it stands in a URL, and as a form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

from liquid_background.engine import Engine
from liquid_background.errors import FilterError
from liquid_background.job import JobStatus, Priority
from liquid_background.jobs.filter import Filter
from liquid_background.moments import moment
from liquid_background.screens.messages import Fields
from liquid_background.screens.rendering import Exact

_TEXTS: Final = ("source_name", "template", "queue", "group", "failure", "error", "parent", "id_prefix")
_TIMES: Final = ("since", "until")
_VALUE: Final = "value"  # of a parameter or a handed-over value, as name=value; it may come several times
_MOST_VALUES: Final = 20
_PATIENCE: Final = 0.1  # seconds that a parent is looked for by the beginning of its id
STATUSES: Final = tuple(JobStatus)
"""The states that have a tab each."""
_USUAL: Final = ("status", "source_name", "error", _VALUE, "since")
FIELDS: Final = frozenset(("status", *_TEXTS, *_TIMES, _VALUE))
"""The names of its fields."""


def filter_of(query: Fields) -> Filter:
    """Return the filter that a query means; a field that it lacks is any.

    Raises:
        FilterError: when a field is none.
    """
    given: dict[str, Any] = {name: query.one(name) for name in _TEXTS}
    given["status"] = query.one("status") or None
    given |= {name: moment(text) for name in _TIMES if (text := query.one(name))}
    return Filter(values=dict(_pairs(query)), **given)


def _pairs(query: Fields) -> Iterator[tuple[str, str]]:
    given = [text for text in map(str.strip, query.all(_VALUE)) if text]
    if len(given) > _MOST_VALUES:
        raise FilterError(
            f"a filter has at most {_MOST_VALUES} values, as a job has parameters: {len(given)} were given"
        )
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise FilterError(f"the value {text[:80]!r} is not name=value, such as customer_id=42")
        yield name, value


def whole_filter_of(engine: Engine, query: Fields) -> Filter:
    """Return the same with the ids whole that were given by their beginnings.

    Raises:
        FilterError: when a field is none, or which job the parent is cannot be told by the beginning of its id.
        FailureNotFound: when no failure group's id begins so, or several do.
    """
    return engine.whole_filter(filter_of(query), patience=_PATIENCE)


def fields_of(wanted: Filter) -> Fields:
    """Return the query that means a filter: its times are those that they stand for now."""
    pairs = [("status", str(wanted.status or ""))]
    pairs += [(name, getattr(wanted, name)) for name in _TEXTS]
    pairs += [(_VALUE, f"{name}={value}") for name, value in wanted.values.items()]
    for name in _TIMES:
        time = getattr(wanted, name)
        pairs += [(name, time.astimezone(UTC).isoformat())] if time else []
    return Fields((name, value) for name, value in pairs if value)


def only_filter(query: Fields) -> Fields:
    """Return the fields of a filter alone, as they were typed."""
    return Fields((name, value) for name, value in query.pairs if name in FIELDS and value.strip())


def form_of(query: Fields) -> dict[str, Any]:
    """Return what the template `filter` shows: the fields as they were typed."""
    given = only_filter(query)
    values = [Exact(value) for value in given.all(_VALUE)[:_MOST_VALUES]]
    return {
        "fields": {name: Exact(given.one(name)) for name in ("status", *_TEXTS, *_TIMES)},
        "values": [*values, Exact("")],
        "queues": [str(priority) for priority in Priority],
        "has_more": any(name not in _USUAL for name, _ in given.pairs),
        "is_set": any(name != "status" for name, _ in given.pairs),
    }
