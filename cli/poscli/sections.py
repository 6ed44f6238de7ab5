"""The commands by section, each with its summary: what `poscli --help` shows without importing a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Start": {
        "init": "Write a starter project.",
        "dev": "Run store, worker and pages together, and reload what changes.",
        "demo": "Render the demo site's pages, run their jobs, show their log.",
    },
    "Run": {
        "render": "Render a page once and send its jobs.",
        "preview": "Show what a page would send, and what its jobs would do.",
        "serve": "Serve the pages over HTTP.",
        "worker": "Run jobs until stopped.",
        "check": "Check templates without running them.",
    },
    "Watch": {
        "gui": "Open the dashboard in a browser.",
        "logs": "Show the job log.",
        "jobs": "List, show, retry, cancel and delete jobs; save one as a test.",
        "failures": "See what fails, in groups of jobs that fail alike.",
        "operations": "Follow retries, cancels, deletes and proofs of all that match a filter.",
        "queues": "List queues, pause and resume them, single source names or groups.",
        "schedules": "List, show, pause, resume and run schedules.",
        "stats": "Show what jobs have done: runs, failures, times.",
        "audit": "Show who did what to jobs and queues.",
        "status": "Show queues, workers and the store at a glance.",
        "metrics": "Serve metrics for Prometheus, or print them.",
    },
    "Tools": {
        "doctor": "Check the set-up and say how to fix what is wrong.",
        "alerts": "Show who is told of what, and tell it as a test.",
        "health": "Say in one line and an exit code whether jobs are run, for probes.",
        "store": "Look after the store, and what it has of failed jobs.",
        "completion": "Print the completion script for a shell.",
    },
}
