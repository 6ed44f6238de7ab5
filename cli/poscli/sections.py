"""The commands by section, each with its summary: what `poscli --help` shows without importing a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Start": {
        "demo": "Render the demo site's pages, run their jobs, show their log.",
    },
    "Run": {
        "render": "Render a page once and send its jobs.",
        "worker": "Run jobs until stopped.",
        "check": "Check templates without running them.",
    },
    "Watch": {
        "logs": "Show the job log.",
        "jobs": "List, show, retry and cancel jobs.",
        "status": "Show queues, workers and the store at a glance.",
    },
}
