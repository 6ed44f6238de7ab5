-- Say how a job ended of which nothing is known but its id.
local function log_end(limit, id, status, message)
  log(limit, {job_id = string.sub(id, 1, LONGEST_SHOWN), status = status, message = message, final = 1})
  if message == GONE or message == NO_RECORD then
    -- include: ungrouped
    note_ungrouped(id, status, message)
  end
end

-- Say that a job of another site was found here. It is left alone: that site has it in its own places.
local function log_elsewhere(limit, id, origin)
  log(limit, {job_id = string.sub(id, 1, LONGEST_SHOWN), status = 'REFUSED', message = 'it is a job of another site, in ' ..
    'whose queue ' .. string.sub(origin, 1, LONGEST_SHOWN) .. ' it stays', final = 0})
end

-- Set a job aside that no move can make sense of: failed, for inspection, whatever its record holds. It raises nothing
-- that is the record's fault, so the jobs beside it go on.
local function bury(id, limit, status, problem)
  local key = 'rq:job:' .. id
  local message = GARBAGE .. ': ' .. string.sub(tostring(type(problem) == 'table' and problem.err or problem), 1, 300)
  on('ZREM', LEASES, id)
  if redis.call('TYPE', key).ok == 'hash' then
    local origin = redis.call('HGET', key, 'origin')
    if is_of_another_site(origin) then return log_elsewhere(limit, id, origin) end
    redis.call('HSET', key, 'status', 'failed', 'ended_at', iso(), 'lb_final', 1, 'lb_token', '', 'lb_error', message)
    local queue = queue_of(origin)
    on('ZADD', FAILED_IN .. queue, now + FAILURE_TTL, id)
    redis.call('EXPIRE', key, FAILURE_TTL)
    -- include: filing
    local cause = cause_of('', '0', status, GARBAGE)
    cause.error = message
    file_failed(id, cause)
  end
  log_end(limit, id, status, message)
end
