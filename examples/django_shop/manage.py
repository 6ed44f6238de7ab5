#!/usr/bin/env python
"""Django's commands for this project, and those of liquid_background: liquid_worker, liquid_logs, liquid_jobs."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    execute_from_command_line(sys.argv)
