-- include: time keep operation
-- Give the caller the lease of an operation that is due. ARGV: token, lease in ms, version.
-- Returns {'', ms until the next one is due or -1}, {'newer', id} for one that a newer version has to carry out, else
-- {'taken', id, kind, filter, rate, cursor, proof, verdicts}.
local MOST_LOOKED_AT = 100
redis.call('PERSIST', OPERATIONS_DUE)  -- first: what follows is taken by a full store, too
for _ = 1, MOST_LOOKED_AT do
  local id, wait = first_due()
  if not id then return {'', wait} end
  local key = OPERATION .. id
  -- fetch: v kind filter rate cursor state proof verdicts from key
  if record.err or state ~= 'running' then
    redis.call('ZREM', OPERATIONS_DUE, id)
  elseif whole(v, 0) > tonumber(ARGV[3]) then
    redis.call('ZREM', OPERATIONS_DUE, id)
    return {'newer', id}
  else
    redis.call('HSET', key, 'token', ARGV[1])
    redis.call('ZADD', OPERATIONS_DUE, now_ms + ARGV[2], id)
    return {'taken', id, kind or '', filter or '', rate or '', cursor or '', proof or '', verdicts or ''}
  end
end
return {'', 0}
