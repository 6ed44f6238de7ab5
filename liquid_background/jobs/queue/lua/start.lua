-- Begin an attempt of a queued job and count it; return its number. As the first write of a script it begins with one
-- that a full store takes: a body that runs must be counted, and what is counted here is small.
local function begin(key, id, attempt, final, worker, is_first_write)
  if is_first_write or final then redis.call('PERSIST', key) end
  if final then
    -- A new run: what the last one left does not count.
    local read, waits = pcall(cjson.decode, redis.call('HGET', key, 'retry_intervals') or '[]')
    redis.call('HDEL', key, 'lb_final', 'lb_crashes', 'lb_losses', 'lb_unbegun', 'lb_error', 'ended_at', 'lb_failure', 'lb_raised')
    -- include: unfile
    unfile(id)
    local since = redis.call('HGET', key, 'enqueued_at')
    if since then redis.call('HSET', key, 'lb_waits', since) end  -- `rq requeue` writes only the other one
    redis.call('HSET', key, 'retries_left', read and type(waits) == 'table' and math.min(#waits, MOST_WAITS) or 0)
    attempt = 0
  end
  redis.call('HSET', key, 'status', 'started', 'started_at', iso(), 'worker_name', worker, 'lb_attempt', attempt + 1)
  return attempt + 1
end
