"""Masking: values whose names look secret, such as passwords and tokens, are not shown."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote, quote_plus

from markupsafe import escape

from liquid_background.job import JobRecord

_SHORTEST: Final = 3  # characters of a secret that is looked for in a text: shorter ones stand in other words, too
_BEGINNING: Final = 16  # characters of a longer one that are looked for where a text cuts it short
_LONGEST_BEGINNING: Final = 4_001  # characters of an error, and then it is cut
_MOST_BEGINNINGS: Final = 1_000  # places that are looked at in a text
_CUT: Final = "…"  # how a text says that it is
_MOST_SECRETS: Final = 2_000  # that are looked for in a text
_MOST_LOOKED: Final = 20_000_000  # characters that are looked at for them: once for each
MASK: Final = "[masked]"
MASKED: Final = "$masked"
"""Beside values: the places in them, such as `args.0`, that are masked though no name there looks secret."""
_MOST_PLACES: Final = 100  # that count: each is compared with each name, and what is beside them may be an author's
_STANDS_FOR_MASK: Final = "\ufdd0"  # no character: while others are masked, none is found in a mask
_Places: TypeAlias = frozenset[tuple[str, ...]]
_NOWHERE: Final[_Places] = frozenset()
_REQUEST: Final = frozenset(("params", "session", "cookies", "headers", "current_user"))
"""What the `context` of an event's consumer holds; it is masked as a whole."""


def mask(values: Mapping[str, Any], secret_names: Sequence[str]) -> dict[str, Any]:
    """Return named values with the secret ones masked, at every level.

    Args:
        values: parameters or handed-over values by name; a path such as `user.api_key` counts by its parts.
        secret_names: parts of names, such as those of the setting SECRET_NAMES.
    """
    found = _mask(values, [_plain(name) for name in secret_names], _NOWHERE)
    return {name: value for name, value in found.items() if name != MASKED}


def hidden(
    text: str, values: Mapping[str, Any], secret_names: Sequence[str], written: Callable[[str], str] = str
) -> str:
    """Return a text, such as a traceback, with what masking hides of some values masked wherever it stands in it.

    A text in which too much would have to be looked for is masked as a whole: whoever sends a job chooses how much.

    Args:
        text: in which they may stand, also as one line, as Python shows them, or cut short.
        values: of a job, by name.
        secret_names: parts of names.
        written: how else the text may have written them.
    """
    parts = [_plain(name) for name in secret_names]
    found = {str(secret) for secret in _secrets(values, parts, _NOWHERE)}
    if len(found) > _MOST_SECRETS:
        return MASK
    long = [secret for secret in found if len(secret) >= _SHORTEST]
    spelt = {form for secret in long for form in (*_spellings(secret), written(secret))}
    longest_first = sorted((each for each in spelt if len(each) >= _SHORTEST), key=len, reverse=True)
    if len(longest_first) * len(text) > _MOST_LOOKED:
        return MASK
    for secret in longest_first:
        text = text.replace(secret, _STANDS_FOR_MASK)
    if _CUT in text:
        text = _without_beginnings(text, longest_first)
    return text.replace(_STANDS_FOR_MASK, MASK)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as it stands in what it is written into."""
    yield secret
    if secret.isascii() and secret.isalnum():
        return  # it is spelt so everywhere
    yield " ".join(secret.split())  # an error, which is one line
    for written in (repr, ascii):  # a Python literal, whose quotes are escaped or not by what else is in it
        parts = [written(f'{part}"')[1:-2] for part in secret.split("'")]
        yield from ("'".join(parts), "\\'".join(parts))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (str(escape(secret)), html.escape(secret), html.escape(secret, quote=False))  # a page
    yield from (quote(secret, errors="replace"), quote(secret, safe="", errors="replace"))  # a URL
    yield quote_plus(secret, errors="replace")


def _without_beginnings(text: str, secrets: Iterable[str]) -> str:
    """Return a text with the beginnings of secrets masked that it cuts short."""
    looks = 0
    for secret in secrets:
        at = text.find(secret[:_BEGINNING]) if len(secret) > _BEGINNING else -1
        while at >= 0:
            looks += 1
            if looks > _MOST_BEGINNINGS:
                return MASK
            end = text.find(_CUT, at + _BEGINNING, at + min(len(secret), _LONGEST_BEGINNING))
            if end >= 0 and secret.startswith(text[at:end]):
                text = f"{text[:at]}{_STANDS_FOR_MASK}{text[end:]}"
            at = text.find(secret[:_BEGINNING], at + 1)
    return text


def shown(job: JobRecord, secret_names: Sequence[str]) -> JobRecord:
    """Return a job as people are shown it: its values masked, and what masking hides of them in its error and result.

    Args:
        job: as it was read.
        secret_names: parts of names.
    """
    values = values_of(job)
    result = mask({"": job.result}, secret_names)[""]
    return replace(
        job,
        parameters=mask(job.parameters, secret_names),
        handed_over=mask(job.handed_over, secret_names),
        error=hidden(job.error, values, secret_names) if job.error else job.error,
        result=hidden_inside(result, values, secret_names),
    )


def values_of(job: JobRecord) -> dict[str, Any]:
    """Return the values that a job was given, by name."""
    return {**job.handed_over, **job.parameters}


def hidden_inside(value: Any, values: Mapping[str, Any], secret_names: Sequence[str]) -> Any:
    """Return a value with what masking hides of a job's values masked in its texts, at every level."""
    if isinstance(value, str):
        return hidden(value, values, secret_names)
    if isinstance(value, Mapping):
        return {name: hidden_inside(item, values, secret_names) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden_inside(item, values, secret_names) for item in value]
    return value


def secrets_in(values: Mapping[str, Any], secret_names: Sequence[str]) -> dict[str, Any]:
    """Return what masking hides of some values, as values of which it hides the same: what is looked through often."""
    parts = [_plain(name) for name in secret_names]
    found = [*_secrets(values, parts, _NOWHERE)] if parts else []
    return {secret_names[0]: found} if found else {}


def certain_part(text: str) -> str:
    """Return the longest part of a text of which a mask can hide nothing: where the text is shown, that part stands."""
    return max((_without_ends(part) for part in text.split(MASK)), key=len)


def _without_ends(part: str) -> str:
    """Return a part without what may be the end of a mask before it, or the beginning of one behind it."""
    if part in MASK:
        return ""
    ends = range(len(MASK) - 1, 0, -1)
    before = next((size for size in ends if part.startswith(MASK[-size:])), 0)
    behind = next((size for size in ends if part.endswith(MASK[:size])), 0)
    return part[before : len(part) - behind]


def _secrets(value: Any, parts: Sequence[str], places: _Places, is_secret: bool = False) -> Iterator[Any]:
    is_secret = is_secret or () in places
    if isinstance(value, Mapping):
        places = places | _told(value)
        for name, item in value.items():
            yield from _secrets(item, parts, _inside(places, name), is_secret or _is_secret(name, item, parts))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _secrets(item, parts, _inside(places, at), is_secret)
    elif is_secret and value is not None and not isinstance(value, bool):
        yield value


def looks_secret(name: str, secret_names: Sequence[str]) -> bool:
    """Return whether a name holds one of the parts of names that look secret, however it is spelt."""
    return _holds(name, [_plain(part) for part in secret_names])


def _holds(name: str, parts: Sequence[str]) -> bool:
    plain = _plain(name)
    return any(part in plain for part in parts)


def _is_secret(name: object, value: Any, parts: Sequence[str]) -> bool:
    return _holds(str(name), parts) or (name == "context" and isinstance(value, Mapping) and set(value) <= _REQUEST)


def _plain(name: str) -> str:
    """Return a name without what people spell differently: API-Key, apiKey, api_key."""
    return name.casefold().replace("_", "").replace("-", "")


def _mask(value: Any, parts: Sequence[str], places: _Places) -> Any:
    if () in places:
        return MASK
    if isinstance(value, Mapping):
        places = places | _told(value)
        return {
            key: MASK if _is_secret(key, item, parts) else _mask(item, parts, _inside(places, key))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mask(item, parts, _inside(places, at)) for at, item in enumerate(value)]
    return value


def _told(values: Mapping[Any, Any]) -> _Places:
    """Return the places that are named beside values."""
    places = values.get(MASKED)
    if not isinstance(places, list | tuple):
        return _NOWHERE
    return frozenset(tuple(place.split(".")) for place in places[:_MOST_PLACES] if isinstance(place, str))


def _inside(places: _Places, name: object) -> _Places:
    """Return those that are inside of what has a name, as they are seen from there."""
    return frozenset(place[1:] for place in places if place and place[0] == str(name)) if places else _NOWHERE
