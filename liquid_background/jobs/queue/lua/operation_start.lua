-- include: time keep rights audit
-- Keep an operation for the workers to carry out. ARGV: id, version, kind, filter, by whom, rate or '', and the proof
-- that its jobs have passed or ''.
-- Returns there when one has this id, unproved when nothing is known to have passed that proof, else ok.
local LOOKED_AT = 100  -- old ones at a time
local id = ARGV[1]
local key = OPERATION .. id
if redis.call('EXISTS', key) == 1 then return 'there' end
if ARGV[7] ~= '' and on('ZCARD', PROVED .. ARGV[7]) == 0 then return 'unproved' end
check_rights()

-- Drop the oldest that have ended, once there are too many, and the ids of those that expired.
local function drop_old()
  local over = on('ZCARD', OPERATIONS) - MOST_OPERATIONS
  for _, old in ipairs(redis.call('ZRANGE', OPERATIONS, 0, LOOKED_AT - 1)) do
    local state = redis.pcall('HGET', OPERATION .. old, 'state')
    if not state or (over > 0 and state ~= 'running') then
      redis.call('DEL', OPERATION .. old)
      redis.call('ZREM', OPERATIONS, old)
      over = over - 1
    end
  end
end

redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too, which needs deletes most
drop_old()
redis.call('HSET', key, 'v', ARGV[2], 'kind', ARGV[3], 'filter', ARGV[4], 'by', ARGV[5], 'rate', ARGV[6],
  'created', now_ms, 'began', iso(), 'state', 'running')
if ARGV[7] ~= '' then
  redis.call('HSET', key, 'proof', ARGV[7])
  redis.call('EXPIRE', PROVED .. ARGV[7], OPERATION_KEPT)
end
on('ZADD', OPERATIONS, now_ms, id)
on('ZADD', OPERATIONS_DUE, now_ms, id)
audit(ARGV[5], ARGV[3], 'operation ' .. id .. ': ' .. ARGV[4])
return 'ok'
