"""Settings of a project in processes of its own, on the PostgreSQL and the store that a test names."""

from __future__ import annotations

import json
import os

from tests.django_project import TASKS_APPS

SECRET_KEY = "for tests"
USE_TZ = True
DATABASES = {"default": json.loads(os.environ["SITE_DATABASE"])}
INSTALLED_APPS = ["liquid_background.django", *TASKS_APPS, "tests.django.chores"]
TASKS = {
    "default": {"BACKEND": "liquid_background.django.tasks.LiquidBackend", "QUEUES": [], "OPTIONS": {"max_attempts": 2}}
}
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ.get("SITE_MAIL", "")
LIQUID_BACKGROUND = {"DATA_DIR": os.environ["SITE_DATA_DIR"]}
