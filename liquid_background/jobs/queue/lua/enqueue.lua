-- include: elsewhere
local function wake(queue, count)
  local key = WAKE .. queue
  local tokens = {}
  local there = try('LLEN', key)
  for i = 1, math.min(count, MOST_WAKES - (tonumber(there) or 0)) do tokens[i] = '1' end
  if tokens[1] then try('LPUSH', key, unpack(tokens)) end
end

-- Push the ids that have gathered for a queue, in their order.
local function push(queue, ids)
  local length = on('RPUSH', QUEUE .. queue, unpack(ids))
  if length == #ids then redis.call('DEL', BEHIND .. queue) end  -- of a list that other tools have emptied
  for i = #ids, 1, -1 do ids[i] = nil end
end

-- Return which ids of `count` jobs in a flat list have a record, and the first of them whose record is another site's.
local function known_ids(list, at, count)
  local known, elsewhere, keys = {}, nil, {}
  for i = at, at + math.min(count, 1000) * JOB_WIDTH - 1, JOB_WIDTH do keys[#keys + 1] = 'rq:job:' .. list[i] end
  if count == #keys and count > 0 and redis.call('EXISTS', unpack(keys)) == 0 then return known, nil end
  for i = at, at + (count - 1) * JOB_WIDTH, JOB_WIDTH do
    local key = 'rq:job:' .. list[i]
    if redis.call('EXISTS', key) == 1 then
      -- fetch: origin from key
      known[list[i]] = not record.err and is_of_another_site(origin) and ELSEWHERE or 'here'
      if known[list[i]] == ELSEWHERE then elsewhere = elsewhere or list[i] end
    end
  end
  return known, elsewhere
end

-- Write `count` jobs that stand in the flat list `list` from position `at` (the values of a JOB each), but for those that
-- `known_ids` knows; return the position behind them and the ids that had a record. What may not be sent, the log says.
local function enqueue_all(list, at, count, log_limit, known)
  local there, waiting, ready = {}, {}, {}
  local stamp = iso()
  for _ = 1, count do
    -- unpack: JOB from list at at
    at = at + JOB_WIDTH
    local key = 'rq:job:' .. id
    if known[id] then
      there[#there + 1] = id
      if known[id] == ELSEWHERE then
        log(log_limit, {job_id = id, source_name = source_name, status = 'REFUSED', message = ELSEWHERE, final = 1})
      end
    else
      known[id] = 'here'
      -- A delay counts from now; @seconds is a time by this server's clock.
      local due = now
      if delay ~= '0' then due = tonumber(delay) and now + tonumber(delay) or tonumber(string.sub(delay, 2)) end
      local delayed = due > now
      local fields = {'data', data, 'origin', SITE .. queue, 'status', delayed and 'scheduled' or 'queued',
        'description', source_name, 'created_at', stamp, 'timeout', timeout,
        'result_ttl', result_ttl, 'failure_ttl', failure_ttl}
      local n = #fields
      if not delayed then
        fields[n + 1], fields[n + 2] = 'enqueued_at', stamp
        n = n + 2
      end
      if retries ~= '0' then
        fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] = 'retries_left', retries, 'retry_intervals', waits
        n = n + 4
      end
      if limit ~= '' then
        fields[n + 1], fields[n + 2] = 'lb_limit', limit
        n = n + 2
      end
      if signature ~= '' then
        fields[n + 1], fields[n + 2] = 'lb_sig', signature
        n = n + 2
      end
      if group ~= '' then
        fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] = 'lb_group', group, 'lb_group_limit', group_limit
      end
      redis.call('HSET', key, unpack(fields))
      waiting[queue] = (waiting[queue] or 0) + 1
      if delayed then
        on('ZADD', SCHEDULED .. queue, due, id)
        try('ZADD', DELAYED .. queue, seconds * 1000000 + micros, id)
      else
        local ids = ready[queue] or {}
        ready[queue] = ids
        ids[#ids + 1] = id
        if #ids == 1000 then push(queue, ids) end  -- more would not fit on Lua's stack
      end
    end
  end
  for queue, ids in pairs(ready) do
    if ids[1] then push(queue, ids) end
  end
  for queue, jobs in pairs(waiting) do
    try('SADD', 'rq:queues', QUEUE .. queue)
    wake(queue, jobs)
  end
  return at, there
end
