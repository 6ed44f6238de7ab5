-- include: time keep operation audit
-- End an operation before it is done; what it has done stays done. ARGV: id, by whom, why or ''.
-- Returns ok, its state when it has ended, or missing.
local key = OPERATION .. ARGV[1]
-- fetch: state kind from key
if record.err or not state then return 'missing' end
if state ~= 'running' then return state end
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too
redis.call('HSET', key, 'ended_by', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', key, 'last_error', ARGV[3]) end
end_operation(ARGV[1], 'aborted')
audit(ARGV[2], 'abort', 'operation ' .. ARGV[1] .. ' (' .. (kind or '') .. ')')
return 'ok'
