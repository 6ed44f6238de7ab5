"""Settings of a project in processes of its own, on the PostgreSQL and the store that a test names."""

from __future__ import annotations

import json
import os

SECRET_KEY = "for tests"
USE_TZ = True
DATABASES = {"default": json.loads(os.environ["SITE_DATABASE"])}
INSTALLED_APPS = ["liquid_background.django", "tests.django.chores"]
LIQUID_BACKGROUND = {"DATA_DIR": os.environ["SITE_DATA_DIR"]}
