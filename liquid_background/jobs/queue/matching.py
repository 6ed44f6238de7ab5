"""Whether a job is one that a filter means: what the store tells from its record, and what is read in its data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from liquid_background.errors import FilterError, JobRefused, NotPlain
from liquid_background.jobs import handover
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.log.entry import MAX_FIELD
from liquid_background.jobs.masking import certain_part, hidden, looks_secret, mask
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.opening import inflate
from liquid_background.jobs.queue.payload import decode_payload, parent_of
from liquid_background.jobs.queue.reading import text
from liquid_background.jobs.queue.records import decoded_values
from liquid_background.jobs.site import queue_name
from liquid_background.settings import Settings

_AS_IN_JSON: Final = re.compile(r"[A-Za-z0-9@._-]+", re.ASCII)
"""Text of a value that stands so in its JSON, whatever its type; but for the next."""
_OTHERWISE: Final = ("True", "False", "None")


class Condition(NamedTuple):
    """What the store tells: that a field is a text (=), begins with it (^), or holds it (has), in whatever case (~)."""

    field: str
    how: str
    text: str


class Matching:
    """A filter, as it is asked of records.

    Args:
        wanted: what is meant.
        settings: say which values are never shown.

    Raises:
        FilterError: when it asks for a value that is never shown.
    """

    def __init__(self, wanted: Filter, settings: Settings) -> None:
        check_values(wanted, settings.secret_names)
        self.wanted = wanted
        self._secret_names = settings.secret_names
        self.since, self.until = _stamp(wanted.since), _stamp(wanted.until)
        self.conditions = tuple(_conditions(wanted, settings.site))
        self.searches_data = bool(wanted.template or wanted.parent or wanted.values)
        self.needs_error = bool(wanted.error)
        self.needs_data = self.searches_data or self.needs_error  # what an error shows depends on the values

    def fits(self, data: bytes, error: bytes) -> bool:
        """Return whether a record fits of which the store could tell nothing else."""
        if not self.needs_data:
            return True
        try:
            payload = decode_payload(inflate(data))
        except JobRefused:
            payload = {}
        if self.needs_error and not error_fits(self.wanted, text(error, MAX_FIELD), payload, self._secret_names):
            return False
        return not self.searches_data or (bool(payload) and payload_fits(self.wanted, payload, self._secret_names))


def error_fits(wanted: Filter, error: str, payload: Mapping[str, Any], secret_names: tuple[str, ...]) -> bool:
    """Return whether an error, as it is shown of a job with this payload, holds the text that a filter asks for.

    What masking hides cannot be found by trying: it is compared with what is shown.
    """
    asked = wanted.error.casefold()
    if not asked:
        return True
    named = {**payload.get("handed_over", {}), **payload.get("parameters", {})}
    return asked in hidden(error, decoded_values(named), secret_names).casefold()


def payload_fits(wanted: Filter, payload: Mapping[str, Any], secret_names: tuple[str, ...]) -> bool:
    """Return whether a payload is one of a job that a filter means, as far as it goes."""
    if wanted.template not in ("", payload["template"]) or wanted.parent not in ("", parent_of(payload)):
        return False
    if not wanted.values:
        return True
    named = [*_named(payload, secret_names)]
    return all(
        any(_is(value, asked) for values in named for value in _at(values, name))
        for name, asked in wanted.values.items()
    )


def _named(payload: Mapping[str, Any], secret_names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """Yield what a job was given by name, as it is shown: of a function, its named arguments, too."""
    parameters = mask(payload["parameters"], secret_names)
    yield parameters
    yield mask(payload["handed_over"], secret_names)
    named = parameters.get("kwargs")
    if "function" in payload and isinstance(named, Mapping):
        yield named


def check_values(wanted: Filter, secret_names: tuple[str, ...]) -> None:
    """Accept a filter that asks for no value that is never shown.

    Raises:
        FilterError: naming the value.
    """
    for name in wanted.values:
        if looks_secret(name, secret_names):
            raise FilterError(
                f"jobs cannot be found by {name[:120]!r}: a value of that name is masked; see the setting SECRET_NAMES"
            )


def _at(values: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path such as `user.id`, whose first parts may be one name with dots in it."""
    if isinstance(values, list):
        head, _, rest = path.partition(".")
        if head.isdecimal() and int(head) < len(values):
            yield from _from(values[int(head)], rest)
    elif isinstance(values, Mapping):
        for name, value in values.items():
            if path == name:
                yield value
            elif path.startswith(f"{name}."):
                yield from _at(value, path[len(name) + 1 :])


def _from(value: Any, path: str) -> Iterator[Any]:
    if path:
        yield from _at(value, path)
    else:
        yield value


def _is(encoded: Any, asked: str) -> bool:
    """Return whether a value is asked for by its text: as it is printed, or as JSON."""
    if asked in (json.dumps(encoded, ensure_ascii=False), json.dumps(encoded, separators=(",", ":"))):
        return True
    try:
        return asked == str(handover.decode(encoded))
    except NotPlain:
        return asked == str(encoded)


def _stamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime(keys.TIME_FORMAT) if moment else ""


def _conditions(wanted: Filter, site: str) -> Iterator[Condition]:
    """Yield what the store can tell, the cheapest first; of data, what may fit: the texts stand there as JSON."""
    if wanted.queue:
        yield Condition("origin", "=", queue_name(site, wanted.queue))
    if wanted.source_name:
        how, name = ("^", wanted.source_name[:-1]) if wanted.is_prefix else ("=", wanted.source_name)
        yield Condition("description", how, name)
    if wanted.group:
        yield Condition(keys.GROUP, "=", wanted.group)
    if wanted.failure:
        yield Condition(keys.FAILURE, "=", wanted.failure)
    error = certain_part(wanted.error.lower())
    if error and error.isascii():
        yield Condition(keys.ERROR, "~", error)
    if wanted.template:
        yield Condition("data", "has", f'"template":{json.dumps(wanted.template)}')
    if wanted.parent:
        yield Condition("data", "has", f'"parent":{json.dumps(wanted.parent)}')
    for name, value in wanted.values.items():
        yield Condition("data", "has", json.dumps(name.partition(".")[0])[:-1])
        if _AS_IN_JSON.fullmatch(value) and value not in _OTHERWISE:
            yield Condition("data", "has", value)
