"""`manage.py liquid_jobs`: list, show, retry and cancel jobs."""

from __future__ import annotations

from liquid_background.django.management.command import ProgramCommand


class Command(ProgramCommand):
    """`poscli jobs`."""

    command = "jobs"
