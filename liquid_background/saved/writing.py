"""The text of a test that runs a job again: written as formatters leave it, whatever stands in names and values."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from liquid_background.job import JobRecord
from liquid_background.jobs.log import printable
from liquid_background.saved.code import IMPORTS, INDENT, Code, text_as_code
from liquid_background.settings import Settings

_WIDTH: Final = 86  # characters of a line of comment
_LONGEST: Final = 500  # characters of what is said of a job
_NAMED: Final = 2  # parts of an effect, its kind and its name; then come its arguments
_OF_TEMPLATES: Final = ("templates", "dialect", "ejs_tags", "environment_name")
"""The settings that change what a template prints."""
_ATTRIBUTE: Final = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """How a double is told to run a job."""

    method: str  # of `FakeJobs`
    args: tuple[Any, ...]
    named: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a job, as far as a test asserts it."""

    result: Any
    error: str | None
    messages: Sequence[str]
    made: Sequence[str]  # source names of the jobs that it made
    effects: Sequence[tuple[Any, ...]]  # the kind and name of each, with its arguments where these can be written


class Writer:
    """Writes tests.

    Args:
        settings: of the engine that a test makes.
        app: what a test imports instead, as `--app` names it.
    """

    def __init__(self, settings: Settings, app: str | None) -> None:
        self._settings = settings
        self._app = app
        self._code = Code()

    def text(self, name: str, job: JobRecord, call: Call, seen: Seen | None, error: str | None) -> str:
        """Return the text of a file with one test.

        Args:
            name: of the test.
            job: what it is about, masked.
            call: how it is run.
            seen: what came of it; None where that changes from run to run.
            error: that it ended with.
        """
        body = [*self._run(call), *(_unsteady(error) if seen is None else self._asserted(seen))]
        place = job.source if job.runs == "function" else f"{job.template}, line {job.line}"
        what = f"Job {job.id}: {job.source_name}, of {place}."
        about = [_comment(what), "Its values are masked, and it runs dry.", *call.notes]
        comments = [f"# {line}" for each in about for line in wrap(each, _WIDTH, break_on_hyphens=False)]
        head = [*comments, "", *(line for part in self._head() for line in (*part, ""))]
        return "\n".join([*head, "", f"def {name}(background_jobs):", *body, ""])

    def _head(self) -> Iterator[Sequence[str]]:
        """Yield the imports and the lines that make the engine, in parts between blank lines."""
        needed = [IMPORTS[each] for each in self._code.imports]
        imports, engine, is_apps = self._engine()
        library = [line for line in needed if "markupsafe" in line]
        standard = sorted((line for line in needed if line not in library), key=lambda line: (line[0] == "f", line))
        parts = [standard, library, imports] if is_apps else [standard, [*imports, *library]]
        yield from filter(None, (*parts, engine))

    def _run(self, call: Call) -> Iterator[str]:
        yield "    jobs = background_jobs(engine, dry=True)"
        yield f"    job = jobs.{call.method}("
        for value in call.args:
            yield f"        {self._code.of(value, 2 * INDENT)},"
        for name, value in call.named.items():
            yield f"        {name}={self._code.of(value, 2 * INDENT)},"
        yield "    )"

    def _asserted(self, seen: Seen) -> Iterator[str]:
        if seen.error is None:
            yield "    assert job.error is None"
        else:  # without its places, which move as lines do
            yield self._same('[job.error.partition(" (")[0]]', [seen.error.partition(" (")[0]])
        if isinstance(seen.result, str):
            yield self._same('job.result.split("\\n")', seen.result.split("\n"))
        elif seen.error is None:
            yield self._same("[job.result]", [seen.result])
        if seen.messages:
            yield self._same("jobs.messages", seen.messages)
        if seen.made:
            yield self._same("[each.source_name for each in jobs.waiting]", seen.made)
        if seen.effects:
            whole = all(len(each) > _NAMED for each in seen.effects)
            yield "    # What it asks of the application's own code; [name?] stands for what that gives."
            yield f"    effects = [(each.kind, each.name{', each.arguments' * whole}) for each in jobs.effects]"
            yield self._same("effects", [each if whole else each[:_NAMED] for each in seen.effects])

    def _same(self, what: str, value: Any) -> str:
        return f"    assert {what} == {self._code.of(value, INDENT)}"

    def _engine(self) -> tuple[list[str], list[str], bool]:
        """Return an import, the lines that make the engine, and whether the import is of the application's own."""
        if self._app is None:
            given = [*self._given()]
            lines = [f"engine = Engine({given[0] if given else ''})"]
            if len(given) > 1:
                lines = ["engine = Engine(", *(f"    {each}," for each in given), ")"]
            return ["from liquid_background import Engine"], lines, False
        found = _ATTRIBUTE.fullmatch(self._app)
        if found and hasattr(getattr(sys.modules.get(found["module"]), found["name"], None), "job_store"):
            name = found["name"]
            return [f"from {found['module']} import {name}"], [f"engine = {name}"] if name != "engine" else [], True
        made = [f"engine = load_app({text_as_code(self._app)})"]
        return ["from liquid_background.loading import load_app"], made, False

    def _given(self) -> Iterator[str]:
        for name in _OF_TEMPLATES:
            value = getattr(self._settings, name)
            if value != Settings.model_fields[name].default:
                yield f"{name}={Code().of(_relative(value) if isinstance(value, Path) else value)}"


def _unsteady(error: str | None) -> Iterator[str]:
    yield "    # What it prints changes from run to run."
    yield f"    assert job.error is {'None' if error is None else 'not None'}"


def _relative(path: Path) -> str:
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_absolute() and path.is_relative_to(here) else path.as_posix()


def _comment(text: str) -> str:
    line = printable(text).encode("ascii", "backslashreplace").decode()
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
