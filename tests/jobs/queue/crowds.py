"""Crowds of jobs, made in a moment: copies of one that came through the real moves to where it stands."""

from __future__ import annotations

from liquid_background.jobs.queue import keys
from liquid_background.jobs.store import Store

_COPY = """
local fields = redis.call('HGETALL', KEYS[1])
for i = tonumber(ARGV[5]), tonumber(ARGV[1]) do
  local id = ARGV[2] .. string.format('%06d', i)
  redis.call('HSET', 'rq:job:' .. id, unpack(fields))
  if ARGV[3] == 'list' then
    redis.call('RPUSH', KEYS[2], id)
  else
    redis.call('ZADD', KEYS[2], redis.call('ZSCORE', KEYS[2], ARGV[4]) + i / 1000, id)
  end
end
"""


_AT_ONCE = 5_000


def copy(store: Store, job_id: str, place: str, count: int, prefix: str) -> None:
    """Put copies of a job beside it, each newer than the one before as far as its place says."""
    kind = "list" if place == keys.queue("default") else "zset"
    for first in range(1, count + 1, _AT_ONCE):
        last = min(count, first + _AT_ONCE - 1)
        store.client.eval(_COPY, 2, keys.job(job_id), place, last, prefix, kind, job_id, first)
