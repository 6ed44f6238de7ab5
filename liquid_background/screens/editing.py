"""Running a job again with other values: a field for each, as JSON; what is masked is copied unseen unless replaced."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from liquid_background.errors import EnqueueError, NotPlain
from liquid_background.job import JobRecord
from liquid_background.jobs.handover import decode, encode
from liquid_background.jobs.masking import MASK
from liquid_background.screens.access import Action
from liquid_background.screens.linking import job_url, short
from liquid_background.screens.messages import Fields, ScreenAnswer
from liquid_background.screens.rendering import Exact
from liquid_background.screens.screen import Screen

_FIELD: Final = "value:"  # begins the name of a value's field
_MOST_ROWS: Final = 12  # of a field
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))


class _Wrong(Exception):
    """What a field says cannot be taken."""


def answer(screen: Screen) -> ScreenAnswer:
    """Show the form; of the form, run the job again as a new one with the values that were changed."""
    screen.check_right(Action.EDIT)
    job_id = screen.request.segments[1]
    [job] = screen.engine.shown([screen.engine.jobs.get(job_id)])
    if screen.request.method != "POST":
        return _form(screen, job, Fields(), {})
    form = screen.request.form
    changes, wrong = _read(job, form)
    if wrong:
        return _form(screen, job, form, wrong)
    if not changes:
        return _form(screen, job, form, {"": "Nothing was changed. To run the same job again, use Retry on its page."})
    try:
        new = screen.engine.jobs.retry(job.id, set=changes, by=screen.request.visitor.name)
    except EnqueueError as error:
        return _form(screen, job, form, {"": str(error)})
    return screen.done("jobs", new.id, told={"done": "edited", "about": f"job {short(job.id)}"})


def _form(screen: Screen, job: JobRecord, form: Fields, wrong: Mapping[str, str]) -> ScreenAnswer:
    fields = [
        _field(name, kind, written, form, wrong.get(name, ""))
        for kind, values in (("parameter", job.parameters), ("handed over", job.handed_over))
        for name, written in _written(values).items()
    ]
    return screen.page(
        "editing",
        f"Edit {job.source_name or 'job'} {short(job.id)}",
        status=400 if wrong else 200,
        heading=f"Run {job.source_name or 'it'} again with other values",
        id=short(job.id),
        url=job_url(screen, job.id),
        action=Exact(screen.url("jobs", job.id, "edit")),
        has_ended=job.status.has_ended,
        status_word=str(job.status),
        message=wrong.get(""),
        values=fields,
    )


def _field(name: str, kind: str, written: str, form: Fields, wrong: str) -> dict[str, Any]:
    given = form.all(_name_of(name))
    text = given[-1] if given else written
    return {
        "label": name,
        "name": Exact(_name_of(name)),
        "kind": kind,
        "value": Exact(text),
        "rows": min(_MOST_ROWS, 1 + text.count("\n") + len(text) // 80),
        "is_masked": written == MASK,
        "holds_mask": written != MASK and MASK in written,
        "wrong": wrong,
    }


def _name_of(name: str) -> str:
    """Return the name of a value's field, which browsers send back as it is whatever stands in the value's."""
    return _FIELD + quote(name, safe=" ")


def _written(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as their fields show them: JSON, but for what is masked as a whole."""
    return {name: MASK if value == MASK else _json(encode(value)) for name, value in values.items()}


def _json(encoded: Any) -> str:
    """Return JSON in which whatever is not seen, or turns text around, stands by its number."""
    text = json.dumps(encoded, ensure_ascii=False, indent=2 if isinstance(encoded, dict | list) and encoded else None)
    return "".join(
        json.dumps(each)[1:-1] if each != "\n" and unicodedata.category(each) in _UNSEEN else each for each in text
    )


def _read(job: JobRecord, form: Fields) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that differ from what was shown, by name or path, and what is wrong with which field."""
    changes: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for values in (job.parameters, job.handed_over):
        for name, written in _written(values).items():
            given = form.all(_name_of(name))
            if not given or (given[-1].strip() in (MASK, json.dumps(MASK)) and written == MASK):
                continue
            try:
                shown = MASK if written == MASK else json.loads(written)
                changes |= {path: decode(new) for path, new in _differences(name, shown, _parsed(given[-1]))}
            except _Wrong as error:
                wrong[name] = str(error)
            except NotPlain as error:
                wrong[name] = f"This {error}."
    return changes, wrong


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise _Wrong("This is nested too deep.") from None
    except ValueError as error:
        where = f", at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _Wrong(f"This is not JSON{where}. A text stands in double quotes.") from None


def _differences(path: str, shown: Any, new: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is to be set: of objects and lists of the same shape only what differs inside, so that masks stay.

    Raises:
        _Wrong: when a mask would be taken for a value.
    """
    if _same(shown, new):
        return
    if isinstance(shown, dict) and isinstance(new, dict) and shown.keys() == new.keys() and not _is_tagged(new):
        for name in new:
            yield from _differences(f"{path}.{name}", shown[name], new[name])
    elif isinstance(shown, list) and isinstance(new, list) and len(shown) == len(new):
        for at, (old, item) in enumerate(zip(shown, new, strict=True)):
            yield from _differences(f"{path}.{at}", old, item)
    elif MASK in json.dumps(new):
        raise _Wrong(f"{MASK} stands for a value that is copied as it is, where it stood: it cannot be moved.")
    else:
        yield path, new


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_tagged(value: Mapping[str, Any]) -> bool:
    """Whether an object is what another type travels as, such as {"$date": "2024-01-15"}."""
    return any(name.startswith("$") for name in value)
