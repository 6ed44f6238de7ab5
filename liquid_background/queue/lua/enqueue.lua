-- Write `count` jobs that stand in the flat list `list` from position `at` (14 values each, as
-- liquid_background.queue.records encodes them); return the position behind them and the ids that had a record.
local JOB_WIDTH = 14

local function wake(queue, count)
  local key = 'liquid_background:wake:' .. queue
  local tokens = math.min(count, 64 - redis.call('LLEN', key))
  for _ = 1, tokens do
    redis.call('LPUSH', key, '1')
  end
end

local function enqueue_all(list, at, count)
  local there, waiting = {}, {}
  local stamp = iso()
  for _ = 1, count do
    local id, queue, delay, data, timeout, retries, waits, source_name, limit, signature, result_ttl, failure_ttl,
      group, group_limit = unpack(list, at, at + JOB_WIDTH - 1)
    at = at + JOB_WIDTH
    local key = 'rq:job:' .. id
    if redis.call('EXISTS', key) == 1 then
      there[#there + 1] = id
    else
      -- A delay counts from now; @seconds is a time by this server's clock.
      local moment = string.match(delay, '^@(.+)$')
      local due = moment and tonumber(moment) or now + tonumber(delay)
      local delayed = due > now
      local fields = {'data', data, 'origin', queue, 'status', delayed and 'scheduled' or 'queued',
        'description', source_name, 'created_at', stamp, 'timeout', timeout,
        'result_ttl', result_ttl, 'failure_ttl', failure_ttl}
      local function add(name, value)
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
      if not delayed then add('enqueued_at', stamp) end
      if tonumber(retries) > 0 then
        add('retries_left', retries)
        add('retry_intervals', waits)
      end
      if limit ~= '' then add('lb_limit', limit) end
      if signature ~= '' then add('lb_sig', signature) end
      if group ~= '' then
        add('lb_group', group)
        add('lb_group_limit', group_limit)
      end
      redis.call('HSET', key, unpack(fields))
      if delayed then
        redis.call('ZADD', 'rq:scheduled:' .. queue, due, id)
      else
        redis.call('RPUSH', 'rq:queue:' .. queue, id)
      end
      waiting[queue] = (waiting[queue] or 0) + 1
    end
  end
  for queue, jobs in pairs(waiting) do
    redis.call('SADD', 'rq:queues', 'rq:queue:' .. queue)
    wake(queue, jobs)
  end
  return at, there
end
