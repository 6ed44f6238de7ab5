"""Filters of objects. None changes what it is given: each returns a new object, or what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from liquid import Environment

from liquid_background.jobs.handover import is_missing
from liquid_background.language.exposed import Exposure
from liquid_background.language.filters import guarded
from liquid_background.language.filters.written import Json
from liquid_background.platformos.filters.plain import Filter, as_object, as_text, kind_of, pure, wrong
from liquid_background.platformos.json import read_json


def parse_json(left: object, *, environment: Environment) -> Any:
    """Return what JSON says; what is no text is parsed already."""
    return _read(environment, "parse_json", left)


def to_hash(left: object, *, environment: Environment) -> Any:
    """Return what JSON says, by an older name."""
    return _read(environment, "to_hash", left)


def _read(environment: Environment, name: str, left: object) -> Any:
    if not isinstance(left, str):
        return _as_it_is(left, environment=environment)
    try:
        return read_json(environment, left)
    except ValueError as reason:
        wrong(name, f"is given a text that is no JSON: {reason}")


@pure
def _as_it_is(left: object) -> Any:
    return left


def to_json(left: object, indent: object = None, *, environment: Environment) -> Any:
    """Return a value as JSON, as `json` does elsewhere; what is undefined is null, as nil is."""
    exposure: Exposure = environment.exposure  # type: ignore[attr-defined]
    return guarded("json", Json(exposure), environment)(None if is_missing(left) else left, indent)


@pure
def hash_merge(left: object, other: object = None, **named: object) -> dict[Any, Any]:
    """Return an object with the keys of another one, or with those that are named, in it."""
    return {**as_object("hash_merge", left), **as_object("hash_merge", other), **named}


@pure
def dig(left: object, *keys: object) -> Any:
    """Return what stands at the end of a way of keys and indexes; nil where one leads nowhere."""
    if not keys:
        wrong("dig", "needs a key, as in dig: 'user', 'email'")
    found: Any = left
    for key in keys:
        found = _member("dig", found, key)
    return found


@pure
def fetch(left: object, key: object) -> Any:
    """Return what stands at a key or index; nil where nothing does."""
    return _member("fetch", left, key)


def _member(name: str, held: Any, key: object) -> Any:
    if held is None:
        return None
    if isinstance(held, dict):
        return held.get(key) if isinstance(key, str | int | float) else None
    if not isinstance(held, list | tuple | range):
        wrong(name, f"needs an object or a list, and is given {kind_of(held)}")
    if not isinstance(key, int) or isinstance(key, bool):
        wrong(name, f"is given the key {kind_of(key)} for a list, whose items have numbers")
    return held[key] if -len(held) <= key < len(held) else None


@pure
def hash_add_key(left: object, key: object, value: object = None) -> dict[Any, Any]:
    """Return an object with one key more, or with another value at it."""
    return {**as_object("hash_add_key", left), as_text("hash_add_key", key): value}


@pure
def hash_delete_key(left: object, key: object) -> Any:
    """Return what stands at a key. The object stays as it is: `hash_except` returns one without it."""
    return as_object("hash_delete_key", left).get(as_text("hash_delete_key", key))


@pure
def hash_except(left: object, *keys: object) -> dict[Any, Any]:
    """Return an object without some of its keys."""
    gone = [key for each in keys for key in (each if isinstance(each, list) else [each])]
    for key in gone:
        if isinstance(key, list | tuple | dict):
            wrong("hash_except", f"needs keys, and is given {kind_of(key)}")
    left_out = set(gone)
    return {key: value for key, value in as_object("hash_except", left).items() if key not in left_out}


@pure
def hash_keys(left: object) -> list[Any]:
    """Return the keys of an object."""
    return [*as_object("hash_keys", left)]


@pure
def hash_values(left: object) -> list[Any]:
    """Return the values of an object."""
    return [*as_object("hash_values", left).values()]


@pure
def hash_sort(left: object) -> dict[Any, Any]:
    """Return an object with its keys in order."""
    return dict(sorted(as_object("hash_sort", left).items(), key=lambda pair: str(pair[0])))


@pure
def deep_clone(left: object) -> Any:
    """Return the value: no tag or filter changes what another name holds, so it needs no copy."""
    return left


for _reads in (parse_json, to_hash, to_json):
    _reads.with_environment = True  # type: ignore[attr-defined]
    _reads.measured = True  # type: ignore[attr-defined]

FILTERS: Final[Mapping[str, Filter]] = {
    "parse_json": parse_json,
    "to_hash": to_hash,
    "json": to_json,
    "to_json": to_json,
    "hash_merge": hash_merge,
    "dig": dig,
    "hash_dig": dig,
    "fetch": fetch,
    "hash_fetch": fetch,
    "hash_add_key": hash_add_key,
    "add_hash_key": hash_add_key,
    "assign_to_hash_key": hash_add_key,
    "hash_delete_key": hash_delete_key,
    "hash_except": hash_except,
    "hash_keys": hash_keys,
    "hash_values": hash_values,
    "hash_sort": hash_sort,
    "deep_clone": deep_clone,
}
