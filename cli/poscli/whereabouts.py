"""Where to look for jobs: at a dashboard, where one is known, else by a command."""

from __future__ import annotations


def jobs_at(dashboard: str | None, parent: str) -> str:
    """Return where the jobs are that a page render made."""
    return f"{dashboard}/jobs?parent={parent}" if dashboard else f"poscli jobs list --parent {parent}"


def job_at(dashboard: str | None, job_id: str) -> str:
    """Return where a job is, with its log."""
    return f"{dashboard}/jobs/{job_id}" if dashboard else f"poscli jobs show {job_id}"
