"""Running scripts by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import hiredis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.queue.assembly import located, names, text
from liquid_background.jobs.queue.protocol import Argument
from liquid_background.jobs.store import Store, translated_errors
from liquid_background.jobs.store.refusals import ELSEWHERE
from liquid_background.jobs.store.translation import code_of

_FOR_REPLICAS: Final = 1_000  # milliseconds


@cache
def digest(name: str, site: str = "") -> str:
    """Return the digest that the store knows a site's script by."""
    return hashlib.sha1(text(name, site).encode("ascii"), usedforsecurity=False).hexdigest()


def command(name: str, arguments: Sequence[Argument], site: str = "") -> bytes:
    """Return the command that runs a site's script, as it is sent; scripts build their own keys."""
    return pack("EVALSHA", digest(name, site), 0, *arguments)


def pack(*words: Argument) -> bytes:
    """Return a command as it is sent."""
    # The C packer takes a tenth of the time of redis-py's own, and it stands between a body's end and the word of it.
    packer: Callable[[Any], Any] = hiredis.pack_command  # its stubs know tuples of one only
    try:
        packed: bytes = packer(words)
    except UnicodeEncodeError:
        packed = packer(tuple(w.encode("utf-8", "backslashreplace") if isinstance(w, str) else w for w in words))
    return packed


def load_all(store: Store) -> None:
    """Have the store know every script of its site, so that a worker's first calls need not be sent twice.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    pipeline: Any = store.client.pipeline(transaction=False)
    for name in names():
        pipeline.execute_command("SCRIPT", "LOAD", text(name, store.site))
    with translated_errors(store.url):
        for reply in pipeline.execute(raise_on_error=False):  # else the error holds the source of the script
            if isinstance(reply, Exception):
                raise reply


def run(store: Store, name: str, arguments: Sequence[Argument], doubt: str = "") -> Any:
    """Run a script, loading it first when the store does not know it.

    When a server refuses it that may not be the primary any more, it is run again, once, where the primary is now:
    nothing was done, see `ELSEWHERE`, and the pool connects anew. A lost reply is another thing: it is not run again.

    Args:
        store: where it runs.
        name: the script's.
        arguments: as the script's head says.
        doubt: what the error says may have been done when the reply is lost; nothing for a script that only reads.

    Raises:
        StoreUnavailable: when the store cannot be reached, does not answer, or refuses the write.
    """
    try:
        return _run(store, name, arguments, doubt)
    except StoreUnavailable as error:
        refusal = error.__context__
        if not (isinstance(refusal, RedisError) and code_of(refusal) in ELSEWHERE):
            raise
    return _run(store, name, arguments, doubt)


def opened(name: str, reply: Any) -> Any:
    """Return what a script's reply stands for: a plain step's is a text, which takes less of the store than a list."""
    if name == "step" and isinstance(reply, bytes):
        how, attempt = reply.split()
        return [how, int(attempt), 0]
    return reply


def _run(store: Store, name: str, arguments: Sequence[Argument], doubt: str) -> Any:
    # What redis-py's client does around a command besides this, none of which is in use here, costs a page 30 µs.
    pool: Any = store.client.connection_pool
    store.silence.check()
    try:
        with translated_errors(store.url) as translated:
            connection = pool.get_connection()
            try:
                try:
                    reply = _reply(connection, command(name, arguments, store.site), translated, doubt)
                except NoScriptError:
                    whole = pack("EVAL", text(name, store.site), 0, *arguments)
                    reply = _reply(connection, whole, translated, doubt)
                if doubt and connection.replicas:
                    _wait_for_replicas(store, connection, doubt)
            finally:
                pool.release(connection)
    except ResponseError as error:
        raise ResponseError(located(name, str(error))) from None
    except StoreUnavailable as error:
        if error.silent:
            store.silence.found(store.url)
        raise
    store.silence.over()
    return opened(name, reply)


def _wait_for_replicas(store: Store, connection: Any, doubt: str) -> None:
    """Return when as many replicas have what was written as the server's min-replicas-to-write says.

    That setting alone has the server look at how many follow it, and not at what they have by now.
    """
    connection.send_command("WAIT", connection.replicas, _FOR_REPLICAS)
    reached = connection.read_response()
    if reached < connection.replicas:
        connection.distrust()
        raise StoreUnavailable(
            f"of the replicas of the store at {store.url} only {reached} had it in {_FOR_REPLICAS} ms, and its "
            f"min-replicas-to-write asks for {connection.replicas}; so {doubt}, and a failover may lose it: look "
            "before you do it again",
            maybe_done=True,
        )


def _reply(connection: Any, packed: bytes, translated: translated_errors, doubt: str) -> Any:
    translated.doubt = ""
    connection.send_packed_command([packed])  # of which a part alone does nothing
    translated.doubt = doubt
    return connection.read_response()
