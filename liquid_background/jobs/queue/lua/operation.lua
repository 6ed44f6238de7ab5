-- Operations: a hash each, their ids by the time they were asked for, and the ids of those that run by when somebody may
-- do the next part of them: at once, at their rate's time, or when the lease of who does it has run out. That is never
-- far: what seems to be due later was written before the clock jumped, or planted.

-- Return the first id that is due, else nil, and the ms until the next one is due or -1.
local function first_due()
  local first = on('ZRANGE', OPERATIONS_DUE, 0, 0, 'WITHSCORES')
  if not first[2] then return nil, -1 end
  local wait = tonumber(first[2]) - now_ms
  if wait <= 0 or wait > FARTHEST_DUE then return first[1], 0 end
  return nil, wait
end

local function end_operation(id, state)
  redis.call('HSET', OPERATION .. id, 'state', state, 'ended', now_ms, 'token', '')
  redis.call('EXPIRE', OPERATION .. id, OPERATION_KEPT)
  on('ZREM', OPERATIONS_DUE, id)
end
