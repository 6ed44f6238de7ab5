"""The Django of the process that runs the tests: one process can have one, so whoever needs it asks here."""

from __future__ import annotations

import django
from django.conf import settings

# Django has the interface of tasks from 6 on.
TASKS_APPS = ["django_tasks"] if django.VERSION < (6,) else []
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}


def set_up() -> None:
    """Set Django up, once."""
    if not settings.configured:
        settings.configure(
            SECRET_KEY="for tests",
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # those for passwords are slow
            ALLOWED_HOSTS=["testserver"],
            DATABASES={"default": SQLITE, "other": SQLITE},
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            INSTALLED_APPS=[
                "django.contrib.contenttypes",
                "django.contrib.auth",
                "django.contrib.sessions",
                "django.contrib.messages",
                "liquid_background.django",
                *TASKS_APPS,
            ],
            MIDDLEWARE=[
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
            ],
            ROOT_URLCONF="tests.django.views",
            TASKS={"default": {"BACKEND": "liquid_background.django.tasks.LiquidBackend", "QUEUES": []}},
            USE_TZ=True,
        )
    django.setup()
