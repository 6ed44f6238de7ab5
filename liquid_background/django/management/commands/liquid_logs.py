"""`manage.py liquid_logs`: show the job log, and follow it."""

from __future__ import annotations

from liquid_background.django.management.command import ProgramCommand


class Command(ProgramCommand):
    """`poscli logs`."""

    command = "logs"
