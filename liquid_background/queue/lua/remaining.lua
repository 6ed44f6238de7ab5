-- include: time
-- What a burst still has to wait for. ARGV: the queues. Returns 1 when anything waits in them, is due, is claimed, runs,
-- is parked in a group, or waits for a retry; delayed jobs that have not had an attempt don't count.
local LOOKED_AT = 1000
if redis.call('ZCARD', 'liquid_background:leases') > 0 then return 1 end
if redis.call('SCARD', 'liquid_background:groups') > 0 then return 1 end
for _, queue in ipairs(ARGV) do
  if redis.call('LLEN', 'rq:queue:' .. queue) > 0 then return 1 end
  local delayed = redis.call('ZRANGE', 'rq:scheduled:' .. queue, 0, LOOKED_AT - 1, 'WITHSCORES')
  for i = 1, #delayed, 2 do
    if tonumber(delayed[i + 1]) <= now then return 1 end
    local record = redis.call('HMGET', 'rq:job:' .. delayed[i], 'lb_attempt', 'lb_final')
    if record[1] and not record[2] then return 1 end
  end
end
return 0
