-- include: time keep operation
-- Have the operations that run be due again of which nobody knows that they are: those of a newer version than a worker's
-- that came upon them, and all when the list of them was lost. Returns how many.
redis.call('PERSIST', OPERATIONS_DUE)  -- first: what follows is taken by a full store, too
local revived = 0
for _, id in ipairs(on('ZREVRANGE', OPERATIONS, 0, MOST_OPERATIONS - 1)) do
  if redis.pcall('HGET', OPERATION .. id, 'state') == 'running' and not on('ZSCORE', OPERATIONS_DUE, id) then
    redis.call('ZADD', OPERATIONS_DUE, now_ms, id)
    revived = revived + 1
  end
end
return revived
