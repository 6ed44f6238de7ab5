"""The project's engine: one for all of its processes' code, made from the settings at its first use."""

from __future__ import annotations

from functools import cache
from threading import RLock

import django
from django.apps import apps
from django.core.exceptions import AppRegistryNotReady

from liquid_background import django as face
from liquid_background.django.commit import send_on_commit
from liquid_background.django.conf import read_settings
from liquid_background.django.connections import keep_connections
from liquid_background.django.doubles import keep_transactions
from liquid_background.django.early import note_early_call
from liquid_background.django.environment import project_environment
from liquid_background.django.running import keep_current
from liquid_background.engine import Engine
from liquid_background.errors import SettingsError

_making = RLock()


def engine() -> Engine:
    """Return the engine of this project, the same in each call.

    It may be used wherever Django's settings may, as by `@engine().action` at the top level of a module. Where Django
    is not set up yet, as in a worker that was started by `--app liquid_background.django:engine`, it is now.

    Raises:
        SettingsError: when a setting is wrong; `manage.py check` tells of all of them. Before all models are loaded it
            is a ProjectSettingsError, also when something of the environment needs models; a command ends then.
    """
    if not (apps.ready or apps.loading):
        django.setup()
    note_early_call()
    with _making:
        try:
            return _engine()
        except (SettingsError, AppRegistryNotReady) as error:
            if not apps.models_ready:
                face.tell_too_early(error)
            raise


@cache
def _engine() -> Engine:
    said = read_settings()
    made = Engine(settings=said.engine, environment=project_environment(said.engine))
    if said.on_commit != ():
        send_on_commit(made, said.on_commit)
    keep_connections(made)
    keep_transactions(made)
    keep_current(made)
    return made
