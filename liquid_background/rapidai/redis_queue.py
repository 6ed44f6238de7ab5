"""The queue in a Redis or Valkey server, and the choice of a queue by its backend's name."""

from __future__ import annotations

import threading
from functools import cache
from inspect import signature
from typing import Any, Final

from liquid_background.engine import Engine
from liquid_background.errors import EnqueueError
from liquid_background.python_jobs import BACKOFF, EngineQueue, JobQueue
from liquid_background.rapidai.in_memory import InMemoryQueue


class RedisQueue(EngineQueue):
    """Jobs in a Redis or Valkey server, which workers run: `poscli worker --app module:queue`.

    Args:
        url: of the server: `redis://`, `rediss://` or `unix://`, or of its Sentinels: `redis+sentinel://` or
            `rediss+sentinel://`. It is reached at the first use.
        prefix: sets this queue's ids and listings apart from others' in the same server; not the keys, which are RQ's.
        backoff: seconds before the first retry, doubled for each further one.

    Raises:
        JobError: when the url is empty, which would stand for another store, or an argument is not one.
    """

    def __init__(
        self, url: str = "redis://localhost:6379", prefix: str = "rapidai:jobs:", *, backoff: float = BACKOFF
    ) -> None:
        for name, value in (("url", url), ("prefix", prefix)):
            if not isinstance(value, str):
                raise EnqueueError(f"{name} is {value!r}; it must be text")
        if not url:
            raise EnqueueError("url is empty; it must be one such as redis://localhost:6379")
        super().__init__(Engine(redis_url=url), prefix=prefix, backoff=backoff)


_MAKING: Final = threading.Lock()
_BACKENDS: Final = {"memory": InMemoryQueue, "redis": RedisQueue}


def get_queue(backend: str = "memory", **kwargs: Any) -> JobQueue:
    """Return the queue of a backend; the same arguments give the same queue, other ones give another.

    Args:
        backend: "memory" or "redis".
        kwargs: the queue's own arguments, such as `url` and `prefix`.

    Raises:
        JobError: when there is no such backend, or it takes no such argument.
    """
    if not isinstance(backend, str) or backend not in _BACKENDS:
        raise EnqueueError(f"unknown backend {backend!r}: it must be 'memory' or 'redis'")
    try:
        given = signature(_BACKENDS[backend]).bind(**kwargs)
        given.apply_defaults()
        with _MAKING:  # or two threads could get two queues
            return _made(backend, **given.arguments)
    except TypeError as error:
        raise EnqueueError(f"the {backend} queue cannot be made of {', '.join(kwargs)}: {error}") from error


@cache
def _made(backend: str, **kwargs: Any) -> JobQueue:
    made: JobQueue = _BACKENDS[backend](**kwargs)
    return made
