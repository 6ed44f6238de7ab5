-- include: time keep
-- What a burst still has to wait for. ARGV: the queues. Returns 1 when anything waits in them, is due, is claimed, runs,
-- is parked in a group, or waits for a retry; delayed jobs that have not had an attempt don't count.
local LOOKED_AT = 1000
local LONGEST_LEASE = 7200000  -- ms, with its grace; what ends later was planted
for _, id in ipairs(on('ZRANGEBYSCORE', 'liquid_background:leases', '-inf', now_ms + LONGEST_LEASE, 'LIMIT', 0, LOOKED_AT)) do
  local record = redis.pcall('HMGET', 'rq:job:' .. id, 'status', 'lb_token')
  if not record.err and (record[1] == 'started' or record[1] == 'queued') and record[2] then return 1 end
end
if on('SCARD', 'liquid_background:groups') > 0 then return 1 end
for _, queue in ipairs(ARGV) do
  if on('LLEN', 'rq:queue:' .. queue) > 0 then return 1 end
  local delayed = on('ZRANGE', 'rq:scheduled:' .. queue, 0, LOOKED_AT - 1, 'WITHSCORES')
  for i = 1, #delayed, 2 do
    if tonumber(delayed[i + 1]) <= now then return 1 end
    local record = redis.pcall('HMGET', 'rq:job:' .. delayed[i], 'lb_attempt', 'lb_final')
    if not record.err and record[1] and not record[2] then return 1 end
  end
end
return 0
