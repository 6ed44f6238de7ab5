"""The text of the scripts: files put together, with the shapes and constants of the protocol in their places.

Each site has scripts of its own, in which its names are written out, so that none has to be put together in a call.

`python -m liquid_background.jobs.queue.assembly step` prints a script as the store gets it, each line with its place.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from liquid_background.jobs.queue.protocol import CONSTANTS, LISTS, SHAPES, names_of

_FOLDER: Final = files("liquid_background.jobs.queue").joinpath("lua")
_DIRECTIVE: Final = re.compile(r"(\s*)-- (include|unpack|name|fetch|locals): (.*)")
_CONSTANT: Final = re.compile(rf"\b({'|'.join([*names_of(''), *CONSTANTS, *LISTS])}|ENTRY_PAIRS)\b")
_PLACE: Final = re.compile(r"user_script:(\d+)")


class Line(NamedTuple):
    """A line of a script as the store gets it, and where it was written."""

    text: str
    file: str
    number: int  # from 1


@cache
def lines(name: str, site: str = "") -> tuple[Line, ...]:
    """Return the lines of a site's script, in which each directive stands for what it says:

    - `-- include: time keep`: the lines of these files
    - `-- unpack: JOB from list at at`: `local id, queue, … = unpack(list, at, at + 13)`
    - `-- name: ENTRY from list at at as entry`: `local entry = {job_id = list[at], …}`
    - `-- fetch: status lb_token from key`, or FIELDS: `local record = redis.pcall('HMGET', key, …)`, and these from it
    - `-- locals: FIELDS from record`: `local status, lb_token, … = unpack(record)`
    """
    return tuple(_lines(name, site))


def _lines(name: str, site: str) -> Iterator[Line]:
    for number, line in enumerate(_FOLDER.joinpath(f"{name}.lua").read_text("ascii").splitlines(), 1):
        directive = _DIRECTIVE.fullmatch(line)
        if directive is None:
            yield Line(_with_constants(line, site), name, number)
        elif directive[2] == "include":
            for part in directive[3].split():
                yield from lines(part, site)
        else:
            yield Line(directive[1] + _WRITERS[directive[2]](*_words(directive[3])), name, number)


def _words(text: str) -> list[str]:
    """Return what stands between ` from `, ` at ` and ` as `."""
    return [word.strip() for word in re.split(r" (?:from|at|as) ", text)]


def _unpack(shape: str, source: str, at: str) -> str:
    fields = SHAPES[shape]._fields
    return f"local {', '.join(fields)} = unpack({source}, {at}, {at} + {len(fields) - 1})"


def _name(shape: str, source: str, at: str, name: str) -> str:
    pairs = [f"{field} = {source}[{at} + {number}]" for number, field in enumerate(SHAPES[shape]._fields)]
    return f"local {name} = {{{', '.join(pairs)}}}"


def _fetch(names: str, key: str) -> str:
    fields = LISTS.get(names) or names.split()
    quoted = ", ".join(f"'{field}'" for field in fields)
    return f"local record = redis.pcall('HMGET', {key}, {quoted}); local {', '.join(fields)} = unpack(record)"


def _locals(constant: str, source: str) -> str:
    return f"local {', '.join(LISTS[constant])} = unpack({source})"


_WRITERS: Final[Mapping[str, Callable[..., str]]] = {
    "unpack": _unpack,
    "name": _name,
    "fetch": _fetch,
    "locals": _locals,
}


def _with_constants(line: str, site: str = "") -> str:
    code, dashes, comment = line.partition("--")
    return _CONSTANT.sub(lambda found: _literal(found[1], site), code) + dashes + comment


def _literal(name: str, site: str) -> str:
    if name == "ENTRY_PAIRS":
        blank = SHAPES["ENTRY"]._field_defaults
        return ", ".join(f"'{field}', e.{field} or {_written(blank[field])}" for field in SHAPES["ENTRY"]._fields)
    if name in LISTS:
        return f"{{{', '.join(map(_written, LISTS[name]))}}}"
    return _written(CONSTANTS[name] if name in CONSTANTS else names_of(site)[name])


def _written(value: int | str | bytes) -> str:
    if isinstance(value, int):
        return str(value)
    return f"'{value if isinstance(value, str) else value.decode('ascii')}'"


@cache
def text(name: str, site: str = "") -> str:
    """Return a site's script as the store gets it."""
    return "".join(f"{line.text}\n" for line in lines(name, site))


def names() -> list[str]:
    """Return the names of all files: the scripts, and the parts that they include."""
    return sorted(file.name.removesuffix(".lua") for file in _FOLDER.iterdir() if file.name.endswith(".lua"))


def located(name: str, message: str) -> str:
    """Return an error that the store says of a script, with the file and line instead of the line of the whole."""

    def place(found: re.Match[str]) -> str:
        number = int(found[1])
        if not 1 <= number <= len(lines(name)):
            return found[0]
        line = lines(name)[number - 1]
        return f"{line.file}.lua:{line.number}"

    return _PLACE.sub(place, message)


def main(arguments: Sequence[str]) -> int:
    """Print the scripts that are named, each line with its file and number."""
    unknown = [name for name in arguments if name not in names()]
    if unknown or not arguments:
        print(f"usage: python -m liquid_background.jobs.queue.assembly NAME … of {', '.join(names())}", file=sys.stderr)
        return 2
    for name in arguments:
        for number, line in enumerate(lines(name), 1):
            print(f"{number:4} {f'{line.file}:{line.number}':16} {line.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
