-- What people do with jobs that are in nobody's hands: each returns ok, RQ's status of a job that it cannot be done with,
-- or missing. Their first write is one that a full store takes, which needs cancels and deletes most.
local MOST_SEARCHED = 1000  -- ids of a list from whose middle one is taken: it costs the store 0.8 ms in one of 200,000

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
  redis.call('HDEL', key, 'lb_token', 'lb_error', 'ended_at', 'started_at', 'exc_info')
  redis.call('HSET', key, 'lb_final', 1)
  if signature ~= '' then redis.call('HSET', key, 'lb_sig', signature) end
  requeue(key, id, queue, 0, false)
  return 'ok'
end

-- Take an id out of a list, or of a long one leave it behind, for whoever comes upon it there to drop.
local function take_out(list, name, id)
  if on('LLEN', list) <= MOST_SEARCHED then return on('LREM', list, 1, id) end
  leave_behind(name, id)
end

-- Take a job back, of which `entry` says the source name and the place in the log. One that runs is told to end.
local function cancel_job(id, limit, entry)
  local key = 'rq:job:' .. id
  -- fetch: status origin lb_token lb_attempt failure_ttl retry_intervals lb_final lb_group lb_held from key
  local queue = queue_of(origin)
  if record.err or not status or is_of_another_site(origin) then return 'missing' end
  if is_among(ENDED, status) then return status end
  redis.call('PERSIST', key)
  local is_held = lb_token and on('ZSCORE', LEASES, id)
  if status == 'started' and is_held then
    redis.call('HSET', key, 'lb_cancel', 1)
    return 'ok'
  end
  if status == 'queued' and not is_held then take_out(QUEUE .. queue, queue, id) end
  if status == 'scheduled' then on('ZREM', SCHEDULED .. queue, id) end
  if status == 'deferred' and lb_held then
    on('ZREM', held_in(lb_held, queue), id)
    on('ZREM', DEFERRED .. queue, id)
    redis.call('HDEL', key, 'lb_held')
  elseif status == 'deferred' and lb_group then
    take_out(parked_in(lb_group, queue), lb_group .. ':' .. queue, id)
    on('ZREM', DEFERRED .. queue, id)
  end
  if lb_token then
    release(key, id, queue, lb_token, '', false)
  elseif lb_group then
    leave_group(lb_group, id)
  end
  close_cancelled(key, id, queue, ttl_of(failure_ttl))
  entry.job_id, entry.attempt = id, lb_final and 0 or whole(lb_attempt, 0)
  entry.max_attempts, entry.status, entry.final = #waits_of(retry_intervals) + 1, 'CANCELLED', 1
  log(limit, entry)
  return 'ok'
end

-- Forget a job that has ended: its record, its results, and where it stands.
local function delete_job(id)
  local key = 'rq:job:' .. id
  -- fetch: status origin from key
  if record.err or not status or is_of_another_site(origin) then return 'missing' end
  if not is_among(ENDED, status) then return status end
  redis.call('DEL', key, 'rq:results:' .. id, 'rq:executions:' .. id)
  for _, state in ipairs(ENDED_IN) do on('ZREM', 'rq:' .. state .. ':' .. SITE .. queue_of(origin), id) end
  return 'ok'
end
