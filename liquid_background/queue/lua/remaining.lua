-- include: time blank
-- What a burst still has to wait for. ARGV: the queues. Returns 1 when anything waits in them, is due, is claimed, runs,
-- is parked in a group, or waits for a retry; delayed jobs that have not had an attempt don't count.
local LOOKED_AT = 1000
if (read('ZCARD', 'liquid_background:leases') or 0) > 0 then return 1 end
if (read('SCARD', 'liquid_background:groups') or 0) > 0 then return 1 end
for _, queue in ipairs(ARGV) do
  if (read('LLEN', 'rq:queue:' .. queue) or 0) > 0 then return 1 end
  local delayed = read('ZRANGE', 'rq:scheduled:' .. queue, 0, LOOKED_AT - 1, 'WITHSCORES') or {}
  for i = 1, #delayed, 2 do
    if tonumber(delayed[i + 1]) <= now then return 1 end
    local record = read('HMGET', 'rq:job:' .. delayed[i], 'lb_attempt', 'lb_final') or {}
    if record[1] and not record[2] then return 1 end
  end
end
return 0
