"""A connection of a store's client on which to ask; closed afterwards, so that the pool gets no half of a talk back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis.exceptions import ResponseError

from liquid_background.jobs.store.asking import Refusal, Words
from liquid_background.jobs.store.connection import Store
from liquid_background.jobs.store.translation import code_of, translated_errors

_NO_CODE: Final = "ERR"


class Asked:
    """See `asking.Asking`."""

    def __init__(self, connection: Any, url: str) -> None:
        self._connection = connection
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def ask(self, *commands: Words) -> list[Any]:
        with translated_errors(self._url):
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._reply() for _ in commands]

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return Refusal(_text(error))


def _text(error: ResponseError) -> str:
    """Return an error as the server wrote it: redis-py takes the code off those that it has a class for."""
    code = code_of(error)
    text = str(error)
    if code is not None:
        return text if text.startswith(code) else f"{code} {text}"
    first = text.partition(" ")[0]
    return text if first.isupper() else f"{_NO_CODE} {text}"


@contextmanager
def asked(store: Store) -> Iterator[Asked]:
    """Yield a connection of this store's own to ask on.

    Raises:
        StoreUnavailable: when it cannot be reached.
    """
    pool: Any = store.client.connection_pool
    with translated_errors(store.url):
        connection = pool.get_connection()
    try:
        yield Asked(connection, store.url)
    finally:
        connection.disconnect()
        pool.release(connection)
