-- What people do with jobs that are in nobody's hands: each returns ok, RQ's status of a job that it cannot be done with,
-- or missing. Their first write is one that a full store takes, which needs cancels and deletes most.
local MOST_SEARCHED = 1000  -- ids of a list from whose middle one is taken: it costs the store 0.8 ms in one of 200,000

-- include: unfile batch

-- Start a new run of a job that has ended; signed: by a key that the caller, who gives its new signature or '', has not.
local function retry_job(id, signature)
  local key = 'rq:job:' .. id
  -- fetch: status origin lb_sig from key
  local queue = queue_of(origin)
  if record.err or not status or is_of_another_site(origin) then return 'missing' end
  if not is_among(RETRIABLE, status) then return status end
  if signature == '' and (lb_sig or '') ~= '' then return 'signed' end
  redis.call('PERSIST', key)
  for _, state in ipairs(RETRIED_FROM) do on('ZREM', 'rq:' .. state .. ':' .. SITE .. queue, id) end
  redis.call('HDEL', key, 'lb_token', 'lb_left', 'lb_error', 'lb_failure', 'lb_raised', 'ended_at', 'started_at', 'exc_info')
  unfile(id)
  redis.call('HSET', key, 'lb_final', 1)
  if signature ~= '' then redis.call('HSET', key, 'lb_sig', signature) end
  requeue(key, id, queue, 0, false)
  return 'ok'
end

local others = {}

-- Whether workers serve a queue that know nothing of ids which stay behind: RQ's own would run what they find there.
local function has_others(queue)
  if others[queue] == nil then others[queue] = has_other_workers(queue, KNOWS_BEHIND) end
  return others[queue]
end

-- Take an id out of a list, or of a long one leave it behind, for whoever comes upon it there to drop.
local function take_out(list, name, queue, id)
  if on('LLEN', list) <= MOST_SEARCHED or has_others(queue) then return on('LREM', list, 1, id) end
  leave_behind(name, id)
  redis.call('HSET', 'rq:job:' .. id, 'lb_left', 1)
end

-- Take a job that waits out of where it stands, with its claim and its slot.
local function withdraw(key, id, queue, status, token, group, held)
  local is_held = token and is_leased(on, id, token)
  if status == 'queued' and not is_held then take_out(QUEUE .. queue, queue, queue, id) end
  if status == 'scheduled' then
    on('ZREM', SCHEDULED .. queue, id)
    try('ZREM', DELAYED .. queue, id)
  end
  if status == 'deferred' and held then
    on('ZREM', held_in(held, queue), id)
    on('ZREM', DEFERRED .. queue, id)
    redis.call('HDEL', key, 'lb_held')
  elseif status == 'deferred' and group then
    take_out(parked_in(group, queue), group .. ':' .. queue, queue, id)
    on('ZREM', DEFERRED .. queue, id)
  end
  if token then
    release(key, id, queue, token, '', false)
  elseif group then
    leave_group(group, id)
  end
end

-- Say in the log that a job was taken back.
local function log_taken_back(id, limit, entry, attempt, final, waits)
  entry.job_id, entry.attempt = id, final and 0 or whole(attempt, 0)
  entry.max_attempts, entry.status, entry.final = #waits_of(waits) + 1, 'CANCELLED', 1
  log(limit, entry)
end

-- Take a job back, of which `entry` says the source name and the place in the log. One that runs is told to end.
local function cancel_job(id, limit, entry)
  local key = 'rq:job:' .. id
  -- fetch: status origin lb_token lb_attempt failure_ttl retry_intervals lb_final lb_group lb_held from key
  local queue = queue_of(origin)
  if record.err or not status or is_of_another_site(origin) then return 'missing' end
  if is_among(ENDED, status) then return status end
  redis.call('PERSIST', key)
  if status == 'started' and is_leased(on, id, lb_token) then
    redis.call('HSET', key, 'lb_cancel', 1)
    return 'ok'
  end
  withdraw(key, id, queue, status, lb_token, lb_group, lb_held)
  close_cancelled(key, id, queue, ttl_of(failure_ttl))
  if status == 'queued' then drop_first(QUEUE .. queue, queue) end
  log_taken_back(id, limit, entry, lb_attempt, lb_final, retry_intervals)
  return 'ok'
end

-- Note that a job was deleted, for whoever reaps a claim that it was under: its record was not lost.
local function note_deleted(id)
  local last = tonumber(on('ZREVRANGE', BATCHES, 0, 0, 'WITHSCORES')[2])
  if not last then return end
  -- Until the last of the claims has ended, has had its grace, and is looked at.
  local kept = 2 * math.max(0, math.min(last - now_ms, LONGEST_GRACE)) + SINCE_REAPED
  try('ZREMRANGEBYSCORE', DELETED, '-inf', now_ms)
  try('ZADD', DELETED, now_ms + kept, id)
  try('EXPIRE', DELETED, math.ceil(kept / 1000))
end

-- Forget a job that does not run: its record, its results, and where it stands. `entry` is as above, for one that waits.
local function delete_job(id, limit, entry)
  local key = 'rq:job:' .. id
  -- fetch: status origin lb_token lb_attempt retry_intervals lb_final lb_group lb_held from key
  local queue = queue_of(origin)
  if is_of_another_site(origin) or redis.call('EXISTS', key) == 0 then return 'missing' end
  if status == 'started' then return status end
  redis.call('PERSIST', key)
  local waits = not record.err and not is_among(ENDED, status)
  if waits then withdraw(key, id, queue, status or 'queued', lb_token, lb_group, lb_held) end
  for _, state in ipairs(ENDED_IN) do on('ZREM', 'rq:' .. state .. ':' .. SITE .. queue, id) end
  redis.call('DEL', key, 'rq:results:' .. id, 'rq:executions:' .. id)
  note_deleted(id)
  if status == 'failed' then unfile(id) end
  if waits then log_taken_back(id, limit, entry, lb_attempt, lb_final, retry_intervals) end
  return 'ok'
end
