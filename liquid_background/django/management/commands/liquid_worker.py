"""`manage.py liquid_worker`: run jobs until stopped."""

from __future__ import annotations

from liquid_background.django.management.command import ProgramCommand


class Command(ProgramCommand):
    """`poscli worker`."""

    command = "worker"
