"""A preview as a JSON object of a known version, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from liquid_background.language.dry import DryVerdict, Effect
from liquid_background.preview.values import (
    Preview,
    PreviewedEvent,
    PreviewedJob,
    PreviewedLine,
    PreviewedRun,
    PreviewedValue,
    plain,
)

VERSION: Final = 1


def as_json(preview: Preview) -> dict[str, Any]:
    """Return a preview as plain JSON values."""
    return {"v": VERSION, **plain(preview)}


def from_json(found: Mapping[str, Any]) -> Preview:
    """Return the preview that `as_json` was given.

    Raises:
        ValueError: for one of another version.
    """
    if found.get("v") != VERSION:
        raise ValueError(f"this preview is of version {found.get('v')!r}; version {VERSION} is known here")
    return Preview(page=found["page"], run=_run(found["run"]), cut=tuple(found["cut"]), job=found["job"])


def _run(found: Mapping[str, Any]) -> PreviewedRun:
    made = {
        "verdict": DryVerdict(found["verdict"]),
        "depends_on": tuple(found["depends_on"]),
        "output_depends_on": tuple(found["output_depends_on"]),
        "effects": tuple(Effect(**each) for each in found["effects"]),
        "lines": tuple(PreviewedLine(**_tupled(each)) for each in found["lines"]),
        "events": tuple(PreviewedEvent(**each) for each in found["events"]),
        "jobs": tuple(map(_job, found["jobs"])),
    }
    return PreviewedRun(**{**found, **made})


def _job(found: Mapping[str, Any]) -> PreviewedJob:
    made = {
        "waits": tuple(found["waits"]),
        "parameters": tuple(PreviewedValue(**each) for each in found["parameters"]),
        "handed_over": tuple(PreviewedValue(**each) for each in found["handed_over"]),
        "depends_on": tuple(found["depends_on"]),
        "run": None if found["run"] is None else _run(found["run"]),
    }
    return PreviewedJob(**{**found, **made})


def _tupled(found: Mapping[str, Any]) -> dict[str, Any]:
    return {**found, "depends_on": tuple(found["depends_on"])}
