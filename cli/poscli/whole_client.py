"""What `poscli health` loads only where it must: the application, and the client that speaks TLS and asks Sentinels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from liquid_background.jobs.store import asked, connect
from liquid_background.jobs.store.asking import Asking
from liquid_background.settings import load_settings
from liquid_background.store_settings import StoreSettings
from poscli.application import load_engine


def settings_of_application(app: str | None) -> StoreSettings:
    """Return where the store of the application's engine is.

    Raises:
        SettingsError: when it cannot be loaded.
    """
    settings = load_engine(app).settings
    return StoreSettings(settings.redis_url, settings.data_dir, settings.app, settings.site)


@contextmanager
def asking(url: str, timeout: float) -> Iterator[Asking]:
    """Yield a connection to an external store.

    Raises:
        SettingsError: when the URL is malformed.
        StoreUnavailable: when the store cannot be reached.
    """
    store = connect(load_settings(redis_url=url), socket_timeout=timeout)
    try:
        with asked(store) as connection:
            yield connection
    finally:
        store.close()
