"""Previews: what a page would send, and what comes of that, to the end of the chain, without doing it."""

from liquid_background.preview.document import as_json, from_json
from liquid_background.preview.previewing import DEEPEST, MOST_JOBS, SECONDS, Previewing
from liquid_background.preview.tree import Tree
from liquid_background.preview.values import (
    Preview,
    PreviewedEvent,
    PreviewedJob,
    PreviewedLine,
    PreviewedRun,
    PreviewedValue,
)

__all__ = [
    "DEEPEST",
    "MOST_JOBS",
    "SECONDS",
    "Preview",
    "PreviewedEvent",
    "PreviewedJob",
    "PreviewedLine",
    "PreviewedRun",
    "PreviewedValue",
    "Previewing",
    "Tree",
    "as_json",
    "from_json",
]
