"""docs/api.md: the public names with their signatures and docstrings, read from the source and not imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import griffe

from docgen.entries import entry, is_error, is_fixture

_INTRODUCTION: Final = """# API

<!-- Written by `make docs` from signatures and docstrings; change those, not this file. -->

Each name that an application may rely on. What is not here may change in any release.

An argument after `*` is given by its name. `**name: Unpack[Class]` stands for named arguments: the fields of the class,
each of which may be left out.
"""


class Chapter(NamedTuple):
    """Names that are imported, or reached, from one place."""

    title: str
    says: str
    names: Sequence[str]  # dotted, within the package


_PACKAGE: Final = "liquid_background"
_REACHED: Final = (
    "jobs.queue.Queue",
    "jobs.pages.Page",
    "jobs.contract.QueueCounts",
    "jobs.operating.operations.Operations",
    "jobs.operating.operation.Operation",
    "jobs.operating.operation.Kind",
    "jobs.operating.operation.OperationState",
    "jobs.operating.verdicts.Verdicts",
    "jobs.operating.verdicts.Reason",
    "jobs.operating.verdicts.DryVerdict",
    "jobs.operating.audit.Audit",
    "jobs.operating.audit.AuditEntry",
    "jobs.operating.pauses.Queues",
    "jobs.queue.pausing.Pause",
    "jobs.queue.pausing.PauseKind",
    "jobs.operating.usage.Usage",
    "jobs.operating.usage.Space",
    "jobs.operating.forgetting.Forgotten",
    "jobs.log.stored.StoredLog",
    "jobs.operating.failures.Failures",
    "engine.Request",
    "python_jobs.EnqueueOptions",
    "python_jobs.BulkOptions",
    "python_jobs.JobOptions",
    "python_jobs.handle.Handle",
    "python_jobs.function.Function",
    "python_jobs.schedules.Schedule",
    "python_jobs.timetable.Timetable",
    "python_jobs.timetable.Planned",
    "jobs.operating.statistics.Statistics",
    "jobs.operating.statistics.NameStatistics",
)
"""Classes that nobody imports, and that public names take or give back."""


def api_page() -> str:
    """Return the text of docs/api.md."""
    package = _load()
    told: set[str] = set()
    parts = [_INTRODUCTION]
    for chapter in _chapters(package):
        parts += [f"## {chapter.title}\n", f"{chapter.says}\n"]
        for name in chapter.names:
            found = _target(package, name)
            if found.canonical_path in told:
                parts.append(f"`{found.name}` is [the same](#{found.name.lower()}) as above.\n")
                continue
            told.add(found.canonical_path)
            parts += entry(found, made_by_applications=chapter.names is not _REACHED)
    return "\n".join(parts)


@cache
def _load() -> griffe.Module:
    loader = griffe.GriffeLoader(search_paths=[Path(__file__).parents[1]], docstring_parser=griffe.Parser.google)
    package = loader.load(_PACKAGE)
    assert isinstance(package, griffe.Module)
    return package


def _chapters(package: griffe.Module) -> Iterator[Chapter]:
    public = _public(package, "")
    errors = [name for name in public if is_error(_target(package, name))]
    yield Chapter(
        "`liquid_background`",
        "`from liquid_background import …`. [Errors](#errors) are a chapter of their own.",
        [name for name in public if name not in errors],
    )
    yield Chapter(
        "What these take and give back", "Found by their methods: an application imports none of them.", _REACHED
    )
    yield Chapter("Errors", "`from liquid_background import …`, too.", errors)
    for module, says in (
        ("rapidai", "RapidAI's names, for code that was written for it: see [RapidAI's background jobs](rapidai.md)."),
        ("web", "Needs `pip install 'liquid-background[web]'`: see [Serving pages](serving.md)."),
        ("web.dashboard", "Needs `pip install 'liquid-background[web]'`: see [The dashboard](dashboard.md)."),
        (
            "fastapi",
            "Needs `pip install 'liquid-background[fastapi]'`; with Starlette alone, all but the last three are there. "
            "See [its page](fastapi.md).",
        ),
        ("flask", "Needs `pip install 'liquid-background[flask]'`: see [Flask](flask.md)."),
        ("sqlalchemy", "Needs `pip install 'liquid-background[sqlalchemy]'`: see [Hooks](hooks.md#recipes)."),
        ("django", "Needs `pip install 'liquid-background[django]'`: see [Django](django.md)."),
        ("lint", "What `poscli check` finds and mends, as values: see [Checks](checks.md#from-python)."),
        ("testing", "Doubles for an application's own tests: see [Testing](testing.md)."),
    ):
        names = [f"{module}.{name}" for name in _public(package, module)]
        yield Chapter(f"`liquid_background.{module}`", says, names)
    fixtures = [f"pytest_plugin.{name}" for name in fixture_names()]
    yield Chapter("Fixtures of pytest", "Found by pytest where liquid-background is installed.", fixtures)


def _public(package: griffe.Module, module: str) -> list[str]:
    found = package[module] if module else package
    assert found.exports is not None, f"{found.path} has no __all__"
    return [str(name) for name in found.exports]


def fixture_names() -> list[str]:
    """Return the names of the fixtures that the package brings."""
    plugin = _load()["pytest_plugin"]
    return [
        name for name, member in plugin.members.items() if isinstance(member, griffe.Function) and is_fixture(member)
    ]


def _target(package: griffe.Module, name: str) -> griffe.Object:
    try:
        found = package[name]
        return found.final_target if isinstance(found, griffe.Alias) else found
    except KeyError:
        raise LookupError(f"docgen/api.py names {name}, which is not there: has it moved?") from None
