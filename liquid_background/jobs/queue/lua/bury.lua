-- Say how a job ended of which nothing is known but its id.
local function log_end(limit, id, status, message)
  log(limit, {job_id = string.sub(id, 1, LONGEST_SHOWN), status = status, message = message, final = 1})
end

-- Set a job aside that no move can make sense of: failed, for inspection, whatever its record holds. It raises nothing
-- that is the record's fault, so the jobs beside it go on.
local function bury(id, limit, status, problem)
  local key = 'rq:job:' .. id
  local message = 'its record is garbage: ' .. string.sub(tostring(type(problem) == 'table' and problem.err or problem), 1, 300)
  on('ZREM', LEASES, id)
  if redis.call('TYPE', key).ok == 'hash' then
    redis.call('HSET', key, 'status', 'failed', 'ended_at', iso(), 'lb_final', 1, 'lb_token', '', 'lb_error', message)
    local queue = queue_of(redis.call('HGET', key, 'origin'))
    on('ZADD', 'rq:failed:' .. queue, seconds + FAILURE_TTL, id)
    redis.call('EXPIRE', key, FAILURE_TTL)
  end
  log_end(limit, id, status, message)
end
