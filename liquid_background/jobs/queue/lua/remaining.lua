-- include: time keep
-- What a burst still has to wait for. ARGV: the queues. Returns 1 when anything waits in them, is due, is claimed, runs,
-- is parked in a group, or waits for a retry, or an operation goes on; delayed jobs that have not had an attempt don't count.
local LOOKED_AT = 1000
-- What ends later than a lease with its grace was planted.
for _, id in ipairs(on('ZRANGEBYSCORE', LEASES, '-inf', now_ms + 2 * LONGEST_GRACE, 'LIMIT', 0, LOOKED_AT)) do
  -- fetch: status lb_token from 'rq:job:' .. id
  if not record.err and (status == 'started' or status == 'queued') and lb_token then return 1 end
end
if on('SCARD', GROUPS) > 0 or on('ZCARD', OPERATIONS_DUE) > 0 then return 1 end
for _, queue in ipairs(ARGV) do
  if on('LLEN', QUEUE .. queue) > 0 then return 1 end
  local delayed = on('ZRANGE', SCHEDULED .. queue, 0, LOOKED_AT - 1, 'WITHSCORES')
  for i = 1, #delayed, 2 do
    if tonumber(delayed[i + 1]) <= now then return 1 end
    -- fetch: lb_attempt lb_final from 'rq:job:' .. delayed[i]
    if not record.err and lb_attempt and not lb_final then return 1 end
  end
end
return 0
