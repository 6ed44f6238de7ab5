-- include: time keep set_aside pauses batch
-- What a burst still has to wait for. ARGV: the queues. Returns 1 when anything waits in them, is due, is claimed, runs,
-- is parked in a group, or waits for a retry, or an operation goes on; delayed jobs that have not had an attempt, and what is
-- paused, don't count.
local LOOKED_AT = 1000
-- What ends later than a lease with its grace was planted.
local function leased_in(set)
  return ipairs(on('ZRANGEBYSCORE', set, '-inf', now_ms + 2 * LONGEST_GRACE, 'LIMIT', 0, LOOKED_AT))
end

for _, id in leased_in(LEASES) do
  -- fetch: status lb_token from 'rq:job:' .. id
  if not record.err and (status == 'started' or status == 'queued') and lb_token then return 1 end
end
local looked_at = 0
for _, token in leased_in(BATCHES) do
  if looked_at >= LOOKED_AT then break end
  local ids, _, count = ids_under(on, token)
  looked_at = looked_at + count
  for _, id in ipairs(ids) do
    if redis.pcall('HGET', 'rq:job:' .. tostring(id), 'lb_token') == token then return 1 end
  end
end
if on('ZCARD', OPERATIONS_DUE) > 0 then return 1 end
local paused = pauses()
if paused and paused.suspended then return 0 end
if not paused and on('SCARD', GROUPS) > 0 then return 1 end
for _, group in ipairs(paused and on('SRANDMEMBER', GROUPS, LOOKED_AT) or {}) do
  for _, queue in ipairs(ARGV) do
    local goes_on = not paused.group[group] and not paused.queue[queue]
    if goes_on and on('LLEN', PARKED .. group .. ':' .. queue) > 0 then return 1 end
  end
end

-- Whether a record says that its job has had an attempt of this run, and nothing pauses it.
local function waits_to_go_on(key)
  -- fetch: lb_attempt lb_final from key
  return not record.err and lb_attempt and not lb_final and not (paused and paused:has_paused(key))
end

local function waits(queue)
  if on('LLEN', QUEUE .. queue) > 0 then return true end
  for _, name in ipairs(paused and on('SRANDMEMBER', HELD, LOOKED_AT) or {}) do
    if not paused.name[name] and on('ZCARD', held_in(name, queue)) > 0 then return true end
  end
  local delayed = on('ZRANGE', SCHEDULED .. queue, 0, LOOKED_AT - 1, 'WITHSCORES')
  for i = 1, #delayed, 2 do
    if tonumber(delayed[i + 1]) <= now or waits_to_go_on('rq:job:' .. delayed[i]) then return true end
  end
  return false
end

for _, queue in ipairs(ARGV) do
  if not (paused and paused.queue[queue]) and waits(queue) then return 1 end
end
return 0
